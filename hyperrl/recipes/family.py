"""A family: a base Gymnasium environment, the features that make its tasks, and its splits."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, create_model, model_validator

from hyperrl.actions import FamilyActions
from hyperrl.errors import check_known, user_syntax
from hyperrl.recipes.algorithms import ALGORITHMS
from hyperrl.recipes.base import Argument, Attribute, Count, Envs, Flag, Model, Name, Number, Text
from hyperrl.recipes.base_ids import BaseId
from hyperrl.recipes.carriers import PathName
from hyperrl.recipes.context import CONTEXT
from hyperrl.recipes.feature import Feature
from hyperrl.recipes.messages import FieldError, field_error
from hyperrl.recipes.split_validation import check_splits
from hyperrl.recipes.splits import Splits


def _source(value: object) -> object:
    if not isinstance(value, str):
        raise FieldError(found=value, allowed="the name of an attribute of the base, for a constant too")
    return value


_Source = Annotated[PathName, BeforeValidator(_source)]


class Derived(Model):
    """An attribute that the base computes from others once; computed again after each change of task."""

    sum: Annotated[tuple[_Source, ...], Field(min_length=1)] | None = None
    """attributes that it is the sum of"""
    product: Annotated[tuple[_Source, ...], Field(min_length=1)] | None = None
    """attributes that it is the product of"""

    @property
    def sources(self) -> tuple[str, ...]:
        """The attributes that it is computed from."""
        return self.sum or self.product or ()

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        self.require_one("sum", "product")
        return self


def _overrides_of(algorithm: type[Model]) -> Any:
    def check(value: dict[str, Any]) -> dict[str, Any]:
        if "name" in value:
            raise FieldError(path=("name",), reason="found 'name'; allowed: the algorithm's other fields")
        try:
            whole = algorithm.model_validate(value)
        except ValidationError as error:
            raise field_error(error, value) from None
        return {field: getattr(whole, field) for field in value}

    return AfterValidator(check)


class _Budget(Model):
    steps: Count | None = None
    """environment steps of training"""
    n_envs: Envs | None = None
    """environments side by side"""


_fields: dict[str, Any] = {
    algorithm().name: (
        Annotated[dict[str, Any], _overrides_of(algorithm)],
        Field(default={}, description=f"fields of the algorithm {algorithm().name}"),
    )
    for algorithm in ALGORITHMS
}
_ByAlgorithm: Any = create_model("_ByAlgorithm", __base__=_Budget, **_fields)


class FamilyTraining(_ByAlgorithm):  # type: ignore[misc]
    """What this family needs of every agent: it overrides the agent's fields, and `--set` overrides it."""

    log_std_init: Number | None = None
    """logarithm of the actions' standard deviation at the start"""


class FamilyEvaluation(Model):
    """How this family is evaluated."""

    episodes: Annotated[Count, Field(le=100_000)] = 5
    """episodes of each task"""
    options: dict[Name, Number] = Field(default={})
    """reset options of the base environment"""

    @model_validator(mode="after")
    def _the_bases_own(self) -> Self:
        for name in (CONTEXT, "reset_mask"):
            if name in self.options:
                allowed = "options of the base environment; this one is taken before it"
                raise self.refusal("options", name, allowed=allowed)
        return self


class FamilyCheck(Model):
    """How `hyperrl check` looks for the effect of a feature that random steps from the start do not show."""

    steps: Annotated[Count, Field(le=100_000)] = 100
    """steps of each longer play, of the actions below and of random ones that are repeated"""
    actions: Annotated[tuple[Number | tuple[Number, ...], ...], Field(max_length=10_000)] = ()
    """actions of the base that are played in turn, over and over"""


class FamilyRecipe(Model):
    """A family of the suite, as `envs/*.yaml` writes it."""

    format: Literal[1] = 1
    """version of this file format"""
    name: Name
    """the family's name; a file's stem where the file gives none"""
    about: Text
    """what it is, in words"""
    base: Annotated[str, AfterValidator(lambda text: BaseId.parse(text).text)]
    """id of the base environment, or file.py:Class of a file of your own"""
    folder: Text | None = None
    """where the module or the file that `base` names is looked for first; if you give none, the folder of
    the family's file"""
    kwargs: dict[Attribute, Argument] = Field(default={})
    """keyword arguments of the base environment"""
    observe: Annotated[tuple[str, ...], Field(min_length=1, max_length=100)] | None = None
    """keys of the base's dictionary that are seen; one alone is the observation"""
    flatten: Flag = False
    """whether the observation is flattened to one row of numbers"""
    extra: Literal["mujoco", "box2d"] | None = None
    """the extra of `pip install hyperrl[...]` that brings the base environment"""
    actions: FamilyActions | None = None
    """kind of its actions, which `hyperrl list` shows: masked where the base says which of them are valid;
    if you give none, `list` makes the environment"""
    features: Annotated[dict[Name, Feature], Field(min_length=1, max_length=1000)]
    """the parameters that tell its tasks apart"""
    goal: Annotated[tuple[Name, ...], Field(min_length=1, max_length=1000)] | None = None
    """features that are the numbers of the desired goal, in order, for hindsight; none: observations alone
    tell the goal"""
    derived: dict[PathName, Derived] = Field(default={})
    """attributes computed again from others after each change of task, in this order"""
    splits: Splits = Splits()
    """its tasks"""
    training: FamilyTraining = FamilyTraining()
    """what it needs of any agent"""
    evaluation: FamilyEvaluation = FamilyEvaluation()
    """how it is evaluated"""
    check: FamilyCheck = FamilyCheck()
    """how `check` looks for a feature's effect"""
    oracle: Literal["ode", "deep-sea"] | None = None
    """how the oracle, the best known return of a task, is computed; none: it is not known"""

    @property
    def parsed_base(self) -> BaseId:
        """What `base` names, in its parts."""
        return BaseId.parse(self.base, self.folder)

    def with_base(self, base: BaseId) -> Self:
        """The same family with another base environment, or one that is looked for elsewhere."""
        return self.model_copy(update={"base": base.text, "folder": base.folder})

    def with_schedules(self, schedules: Mapping[str, Any]) -> Self:
        """The same family with other schedules of some features; None, or "none": a feature stays.

        Raises:
            UserError: an unknown feature, or a schedule that its file would not be allowed.
        """
        where = user_syntax("schedules", "--schedule")
        check_known(where, "feature", schedules, self.features)
        changed = {}
        for name, value in schedules.items():
            data = {**self.features[name].model_dump(), "schedule": None if value == "none" else value}
            changed[name] = Feature.parse(data, f"{where} {name}")
        return self.model_copy(update={"features": {**self.features, **changed}})

    @model_validator(mode="before")
    @classmethod
    def _no_extrapolation_where_there_is_none(cls, data: Any) -> Any:
        """The default split has nothing to sample where no feature reaches beyond its training range."""
        features = data.get("features") if isinstance(data, Mapping) else None
        splits = data.get("splits", {}) if isinstance(data, Mapping) else None
        if not isinstance(features, Mapping) or not isinstance(splits, Mapping) or "extrapolation" in splits:
            return data
        fields = [dict(feature) for feature in features.values() if isinstance(feature, Mapping | Feature)]
        wider = any(each.get("extrapolation") not in (None, each.get("train")) for each in fields)
        return data if wider else {**data, "splits": {**splits, "extrapolation": []}}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        holders: dict[str, str] = {}
        for name, feature in self.features.items():
            place = feature.place(name)
            if place in holders:
                path = ("features", name, feature.carrier)
                raise FieldError(path=path, reason=feature.conflict(name, holders[place]))
            holders[place] = name
            feature.check_family(name, self)
        self._check_derived(holders)
        self._check_goal()
        if self.kwargs.get("render_mode") == "human":
            raise self.refusal("kwargs", "render_mode", allowed="a mode that opens no window; watch has one")
        if self.oracle is not None and self.parsed_base.name != f"hyperrl-base/{self.oracle}-v0":
            raise self.refusal("oracle", allowed=f"with base hyperrl-base/{self.oracle}-v0 alone")
        check_splits(self.splits, self.features)
        return self

    def _check_goal(self) -> None:
        goal = self.goal or ()
        for index, name in enumerate(goal):
            if name not in self.features or name in goal[:index]:
                raise self.refusal("goal", index, allowed=f"features, each once: {', '.join(self.features)}")
            if self.features[name].encoding != "linear" or self.features[name].values is not None:
                allowed = "features without 'values' whose encoding is linear"
                raise self.refusal("goal", index, allowed=allowed)

    def _check_derived(self, holders: dict[str, str]) -> None:
        later = list(self.derived)
        for attribute, rule in self.derived.items():
            holder = holders.get(f"attribute {attribute}")
            if holder is not None:
                allowed = f"not an attribute that feature {holder!r} sets"
                raise FieldError(path=("derived", attribute), found=attribute, allowed=allowed)
            unready = [source for source in rule.sources if source in later]
            if unready:
                allowed = "attributes that are not derived, or derived above it"
                raise FieldError(path=("derived", attribute), found=unready, allowed=allowed)
            later.remove(attribute)
