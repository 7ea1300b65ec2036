"""The base class of algorithms."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from hyperrl.actions import ACTIONS, ActionKind
from hyperrl.recipes.base import Fraction, Model
from hyperrl.recipes.policy import Policy
from hyperrl.recipes.schedules import AnySchedule, Scheduled

Refusals = Iterator[tuple[tuple[str, ...], str]]

INPUTS = ("policy", "hypernetwork", "inputs")
INDEX = ("policy", "hypernetwork", "index")


class AnyAlgorithm(Model):
    """Base of algorithms: what the rest of the library asks of one without torch, and the common fields.

    Attributes:
        extra: the extra of `pip install hyperrl[...]` that it needs.
        off_policy: whether it learns from a replay buffer.
        recurrent: whether its policy has an LSTM.
        networks: names of its networks; each has an optimizer of its own where `critic_lr_scale` is taken.
        scheduled: the fields that may be schedules.
        policy_arguments: the fields that its policies take of those that not every policy has.
        hypernetwork: the fields that a hypernetwork must have with it.
        distills: whether its agents may be students, which imitate teachers.
        start_is_checked: whether `hyperrl check AGENT --family F` measures how its networks start.
        search: what `hyperrl tune` varies of its fields where a recipe does not say it, as a recipe would.
    """

    extra: ClassVar[str | None] = None
    off_policy: ClassVar[bool] = False
    recurrent: ClassVar[bool] = False
    networks: ClassVar[tuple[str, ...]] = ("actor", "critic")
    scheduled: ClassVar[tuple[str, ...]] = ("learning_rate",)
    policy_arguments: ClassVar[tuple[str, ...]] = ()
    hypernetwork: ClassVar[Mapping[str, Any]] = {}
    start_is_checked: ClassVar[bool] = True
    search: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "algorithm.learning_rate": {"low": 1e-5, "high": 1e-2, "log": True},
        "algorithm.gamma": {"choices": [0.9, 0.95, 0.98, 0.99, 0.995, 0.999]},
    }
    distills: ClassVar[bool] = False
    gamma: Fraction = 0.99
    """discount factor"""
    if TYPE_CHECKING:
        name: str
        learning_rate: Scheduled

    @property
    def schedules(self) -> dict[str, AnySchedule]:
        """The schedules among its fields, by name."""
        values = {name: getattr(self, name) for name in self.scheduled}
        return {name: value for name, value in values.items() if isinstance(value, AnySchedule)}

    @property
    def actions(self) -> ActionKind:
        """The kind of actions that it is for."""
        return ACTIONS[self.name]

    @property
    def explores_by_sde(self) -> bool:
        """Whether it explores by generalized state-dependent exploration, for continuous actions alone."""
        return bool(vars(self).get("use_sde"))

    @property
    def relabels_goals(self) -> bool:
        """Whether it relabels goals in hindsight, which a family must have."""
        return False

    def refusals(self, policy: Policy, n_envs: int) -> Refusals:
        """Fields of an agent that contradict this algorithm: the path of each, and what is allowed there.

        Args:
            policy: the agent's.
            n_envs: environments side by side.
        """
        if policy.kind == "hyper" and "memory" in policy.hypernetwork.inputs and not self.recurrent:
            yield INPUTS, f"no 'memory' with the algorithm {self.name!r}, which has none"
        if policy.kind == "hyper" and not self.off_policy:
            for name, _, default in policy.hypernetwork.index.changed():
                allowed = f"{default!r} with the algorithm {self.name!r}, which draws noise for each rollout"
                yield (*INDEX, name), allowed
        if policy.kind != "blind" and policy.inference is not None and not self.off_policy:
            allowed = f"none with the algorithm {self.name!r}, which has no replay to learn an encoder from"
            yield ("policy", "inference"), f"{allowed}; on policy, recurrent_ppo infers contexts"
