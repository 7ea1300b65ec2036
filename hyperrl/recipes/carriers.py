"""How a feature reaches the simulator, as a family's file writes it: one class of fields for each carrier.

What a carrier does with them is in `hyperrl/tasks/carriers/`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Protocol

from pydantic import AfterValidator, Field

from hyperrl.recipes.base import Attribute, Model, Number, Range, Scalar, Text, Whole, matching
from hyperrl.recipes.feature_schedules import FeatureSchedule
from hyperrl.recipes.messages import FieldError, show


class FamilyFields(Protocol):
    """The fields of a family's file that a carrier may exclude."""

    @property
    def features(self) -> Mapping[str, Any]:
        """Every feature by its name."""

    @property
    def kwargs(self) -> Mapping[str, Any]:
        """Keyword arguments of the base environment."""

    @property
    def oracle(self) -> str | None:
        """Which oracle is known."""


class FeatureFields(Model):
    """The fields that every feature has, whatever carries it."""

    about: Text
    """what it is, in words"""
    unit: Text = ""
    """its unit; empty: dimensionless"""
    default: Number
    """its value where a context leaves it out"""
    train: Range
    """training range, which the networks see as [-1, 1]"""
    extrapolation: Range | None = None
    """widest declared range, around the training range; none: the training range"""
    values: Annotated[tuple[Number, ...], Field(min_length=1, max_length=1000)] | None = None
    """the only values that it takes (a sign, a count)"""
    encoding: Literal["linear", "circle", "categorical"] = "linear"
    """circle: an angle in radians, which the networks see as (cos, sin); categorical: the networks see
    which of the values it is, one-hot"""
    schedule: FeatureSchedule | None = None
    """how it changes within an episode: jump, jump:STEP, drift, drift:STEPS, sinusoid:AMPLITUDE:PERIOD, or a
    mapping with kind; none: it stays"""

    @property
    def carrier(self) -> str:
        """The field of `CARRIERS` that chooses what carries it."""
        return next((field for field in CARRIERS if getattr(self, field)), CARRIERS[0])

    def carried_by(self, name: str) -> str:
        """What carries the feature of this name: "attribute gravity", "physics mass.torso", "action.0"."""
        return f"{self.carrier} {getattr(self, self.carrier) or name}"

    def place(self, name: str) -> str:
        """What this feature alone may set; by default what carries it."""
        return self.carried_by(name)

    def conflict(self, name: str, other: str) -> str:
        """Say in a message that another feature has the same place."""
        return f"{self.place(name)} is carried by feature {other!r} too"

    @property
    def why_fixed(self) -> str | None:
        """Why it cannot change within an episode, whatever its values; None: it can."""
        return None

    def check_carrier(self) -> None:
        """Refuse fields that contradict the carrier's; FieldError. Each carrier adds its own rules."""
        fields = [field for field in CARRIERS if getattr(self, field)]
        if len(fields) > 1:
            raise FieldError(path=(fields[1],), reason=f"found beside {fields[0]}; allowed: one of them")
        if self.schedule is None:
            return
        if self.why_fixed is not None:
            raise FieldError(
                path=("schedule",), found=str(self.schedule), allowed=f"none with {self.why_fixed}"
            )
        if self.values is not None and (self.schedule.kind != "jump" or len(self.values) == 1):
            allowed = (
                "none with a single value" if len(self.values) == 1 else "a jump, to another of 'values'"
            )
            raise FieldError(path=("schedule",), found=str(self.schedule), allowed=allowed)

    def check_family(self, name: str, family: FamilyFields) -> None:
        """Refuse other fields of the family that contradict the carrier; FieldError, from the family on."""


PathName = Annotated[
    str,
    matching(
        r"(?!__)[A-Za-z_]\w{0,99}(\.(?!__)(\w{1,100}|-[1-9]\d{0,8})){0,5}",
        "the name of an attribute, not beginning with '__', perhaps with .KEY or .INDEX",
    ),
]
_Action = Annotated[
    str, matching(r"action(\.\d{1,4})?", "action, or action.N for its entry N, counted from 0")
]
_Quantity = Annotated[
    str,
    matching(
        r"gravity|length\.[\w/:.-]{1,100}|(mass|friction|damping|gear)(\.[\w/:.-]{1,100})?",
        "gravity, length.BODY, mass(.BODY), friction(.GEOM), damping(.JOINT), gear(.JOINT)",
    ),
]


_Term = Annotated[
    str,
    matching(
        r"reward\.\d{1,3}|(?!reward$)[A-Za-z_]\w{0,99}",
        "a term's name in the info (reward_ctrl), or reward.N",
    ),
]


def _permutation(value: tuple[int, ...]) -> tuple[int, ...]:
    if sorted(value) != list(range(len(value))):
        raise FieldError(found=[*value], allowed=f"each of 0 to {len(value) - 1} once")
    return value


_Permutation = Annotated[
    tuple[Whole, ...], Field(min_length=2, max_length=10_000), AfterValidator(_permutation)
]


class AttributeFields(FeatureFields):
    """An attribute of the base environment is set to the value."""

    attribute: PathName | None = None
    """attribute of the base environment that carries it, or an entry of one (goal.0, config.lanes_count);
    none: the feature's own name, where none of the next three is given"""
    at: Literal["step", "reset", "start"] = "step"
    """when the base reads it: step, at every step; reset, when it builds itself at a reset (a maze's
    size); start, after a reset that draws a value of its own (a goal), which it replaces"""

    @property
    def why_fixed(self) -> str | None:
        """What is read at a reset alone stays for the episode."""
        return "'at: reset', which is read at a reset alone" if self.at == "reset" else super().why_fixed

    def conflict(self, name: str, other: str) -> str:
        """Say which attribute two features set."""
        if self.carrier != "attribute":
            return super().conflict(name, other)
        return f"found {show(self.attribute or name)}; allowed: not that of feature {other!r} too"

    def check_family(self, name: str, family: FamilyFields) -> None:
        """The feature's name must be an attribute's where no other is given."""
        super().check_family(name, family)
        if self.carrier == "attribute" and self.attribute is None and not name.isidentifier():
            raise FieldError(
                path=("features", name), reason=f"{name!r} is no attribute's name; give 'attribute'"
            )


class ArgumentFields(AttributeFields):
    """A keyword argument chooses the base environment that is played."""

    argument: Attribute | None = None
    """keyword argument of the base environment that it chooses at a reset; an environment is made for each
    of the values that is met"""
    choices: Annotated[tuple[Scalar, ...], Field(min_length=1, max_length=1000)] | None = None
    """what the argument is for each of the values, in order; none: the values themselves"""

    @property
    def why_fixed(self) -> str | None:
        """The environment that is played stays for the episode."""
        whole = "'argument', which chooses the environment at a reset"
        return super().why_fixed if self.argument is None else whole

    def check_carrier(self) -> None:
        """An argument is chosen at a reset, from as many choices as there are values."""
        super().check_carrier()
        if self.argument is not None:
            if self.at != "reset":
                raise FieldError(path=("at",), found=self.at, allowed="reset with 'argument'")
            if self.values is None:
                raise FieldError(path=("argument",), reason="found no 'values'; allowed: with 'values' alone")
        if self.choices is not None and len(self.choices) != (len(self.values or ()) if self.argument else 0):
            allowed = "as many as 'values', with 'argument'"
            raise FieldError(path=("choices",), found=[*self.choices], allowed=allowed)

    def check_family(self, name: str, family: FamilyFields) -> None:
        """An argument is not fixed by `kwargs` too."""
        super().check_family(name, family)
        if self.argument in family.kwargs:
            allowed = f"not what 'kwargs' gives already ({', '.join(family.kwargs)})"
            raise FieldError(path=("features", name, "argument"), found=self.argument, allowed=allowed)


class ActionFields(FeatureFields):
    """Actions are multiplied by the value."""

    scales: _Action | None = None
    """multiplies what it names before the base environment sees it (and is clipped to the action space):
    action, or action.N, its entry N"""

    def carried_by(self, name: str) -> str:
        """The entry of the action, or the whole: "action.0"."""
        return self.scales or super().carried_by(name)

    def check_family(self, name: str, family: FamilyFields) -> None:
        """No oracle is known where actions are scaled."""
        super().check_family(name, family)
        if self.scales and family.oracle:
            scaling = [each for each, feature in family.features.items() if feature.scales]
            allowed = f"none where a feature scales actions ({', '.join(scaling)})"
            raise FieldError(path=("oracle",), found=family.oracle, allowed=allowed)


class PermutationFields(FeatureFields):
    """The entries of actions are permuted; the value chooses the permutation."""

    permutations: Annotated[tuple[_Permutation, ...], Field(min_length=1, max_length=1000)] | None = None
    """one for each of the values, in order: entry i of the base environment's action is the entry of the
    agent's action that the list names in place i, counted from 0; `scales` multiplies what results"""

    def carried_by(self, name: str) -> str:
        """The order of the entries, whatever the permutations are: a family has one such feature."""
        return "the order of an action's entries" if self.permutations else super().carried_by(name)

    def check_carrier(self) -> None:
        """There are as many permutations as values, all of as many entries, each of them once."""
        super().check_carrier()
        if self.permutations is None:
            return
        if self.values is None or len(self.permutations) != len(self.values):
            found, allowed = [*map(list, self.permutations)], "as many as 'values'"
            raise FieldError(path=("permutations",), found=found, allowed=allowed)
        size = len(self.permutations[0])
        for index, each in enumerate(self.permutations):
            if len(each) != size or each in self.permutations[:index]:
                allowed = f"{size} entries, as the first has, in an order that none before it has"
                raise FieldError(path=("permutations", index), found=[*each], allowed=allowed)

    def check_family(self, name: str, family: FamilyFields) -> None:
        """No oracle is known where actions are permuted."""
        super().check_family(name, family)
        if self.permutations and family.oracle:
            allowed = f"none where a feature permutes actions ({name})"
            raise FieldError(path=("oracle",), found=family.oracle, allowed=allowed)


class PhysicsFields(FeatureFields):
    """A quantity of the simulator is multiplied by value / default."""

    physics: _Quantity | None = None
    """quantity of a MuJoCo model that it multiplies by value / default: mass or mass.BODY,
    friction(.GEOM), damping(.JOINT), gear(.JOINT), length.BODY, gravity (of Box2D too)"""

    @property
    def why_fixed(self) -> str | None:
        """A body that grew would stand within what it touches."""
        sized = (self.physics or "").startswith("length.")
        return f"'physics: {self.physics}', a size of the model" if sized else super().why_fixed

    def check_carrier(self) -> None:
        """The default is a divisor."""
        super().check_carrier()
        if self.physics is not None and self.default == 0:
            raise FieldError(path=("default",), found=0, allowed="not 0, which 'physics' divides by")

    def check_family(self, name: str, family: FamilyFields) -> None:
        """There is one simulator, not one for each value of an argument."""
        super().check_family(name, family)
        if self.physics and any(each.argument for each in family.features.values()):
            raise FieldError(
                path=("features", name, "physics"),
                reason="found beside a feature with 'argument'; allowed: one simulator alone",
            )


class RewardFields(FeatureFields):
    """The value is the goal that is paid for."""

    reward: Literal["velocity", "direction"] | None = None
    """takes the place of a MuJoCo environment's reward for moving forward: velocity, minus the distance of
    the forward velocity from it; direction, the velocity along it, an angle"""

    def place(self, name: str) -> str:
        """The reward, of whatever kind: there is one goal."""
        return "reward" if self.reward else super().place(name)


class WeightFields(FeatureFields):
    """A term of the reward is multiplied by the value."""

    weighs: _Term | None = None
    """term of the reward that it multiplies: an entry of the base's info (reward_ctrl); reward.N, number N of
    a reward of several numbers; or reward_error or reward_effort of Pendulum"""
    against: _Term | None = None
    """term that 1 - value multiplies, with `weighs` and values from 0 to 1"""

    @property
    def terms(self) -> tuple[str, ...]:
        """The terms that it weighs."""
        return tuple(term for term in (self.weighs, self.against) if term is not None)

    def carried_by(self, name: str) -> str:
        """What it weighs: "the weight of reward_ctrl"."""
        terms = " against ".join(self.terms)
        return f"the weight of {terms}" if self.weighs else super().carried_by(name)

    def check_carrier(self) -> None:
        """A share is between 0 and 1, of two terms."""
        super().check_carrier()
        if self.against is None:
            return
        if self.weighs in (None, self.against):
            raise FieldError(path=("against",), found=self.against, allowed="another term, with 'weighs'")
        for field in ("train", "extrapolation"):
            bounds = getattr(self, field)
            if bounds is not None and not 0 <= bounds[0] <= bounds[1] <= 1:
                raise FieldError(path=(field,), found=[*bounds], allowed="within [0, 1] with 'against'")

    def check_family(self, name: str, family: FamilyFields) -> None:
        """A term has one weight, and no oracle is known where terms are weighed."""
        super().check_family(name, family)
        for other, feature in family.features.items():
            shared = [term for term in self.terms if other != name and term in feature.terms]
            if shared:
                path = ("features", name, "weighs" if shared[0] == self.weighs else "against")
                raise FieldError(path=path, found=shared[0], allowed=f"not what feature {other!r} weighs too")
        if self.weighs and family.oracle:
            allowed = f"none where a feature weighs terms of the reward ({name})"
            raise FieldError(path=("oracle",), found=family.oracle, allowed=allowed)


class HyperparameterFields(FeatureFields):
    """The value is a hyperparameter of the algorithm, which learns each task with its own."""

    hyperparameter: Literal["gamma", "ent_coef"] | None = None
    """what of the algorithm it sets for each task: gamma, the discount factor; ent_coef, a factor on the
    entropy coefficient of SAC and its kin. It changes nothing in the environment"""

    @property
    def why_fixed(self) -> str | None:
        """An episode's returns have one discount."""
        if self.hyperparameter is None:
            return super().why_fixed
        return f"'hyperparameter: {self.hyperparameter}', which is an episode's own"

    def check_carrier(self) -> None:
        """A discount factor is from 0 to 1, a factor on the entropy coefficient at least 0, no angle."""
        super().check_carrier()
        if self.hyperparameter is None:
            return
        if self.encoding == "circle":
            raise FieldError(
                path=("encoding",), found="circle", allowed="linear or categorical with 'hyperparameter'"
            )
        high = 1.0 if self.hyperparameter == "gamma" else float("inf")
        for field in ("train", "extrapolation"):
            bounds = getattr(self, field)
            if bounds is not None and not 0 <= bounds[0] <= bounds[1] <= high:
                allowed = "within [0, 1]" if high == 1 else "at least 0"
                raise FieldError(
                    path=(field,), found=[*bounds], allowed=f"{allowed} with {self.hyperparameter}"
                )


class CarrierFields(
    HyperparameterFields,
    WeightFields,
    RewardFields,
    PhysicsFields,
    ActionFields,
    PermutationFields,
    ArgumentFields,
    AttributeFields,
):
    """The fields of all carriers; the first base's come last in a file."""


CARRIERS = (
    "attribute",
    "argument",
    "permutations",
    "scales",
    "physics",
    "reward",
    "weighs",
    "hyperparameter",
)
"""The field that chooses each carrier; where a feature has none of them, an attribute carries it."""
