"""What all algorithms have."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from hyperrl.recipes.base import Fraction, Model
from hyperrl.recipes.policy import Policy

Actions = Literal["any", "continuous", "discrete"]
Refusals = Iterator[tuple[tuple[str, ...], str]]

INPUTS = ("policy", "hypernetwork", "inputs")


class AnyAlgorithm(Model):
    """What every algorithm has.

    Attributes:
        extra: the extra of `pip install hyperrl[...]` that it needs.
        actions: the kind of actions that it is for.
        off_policy: whether it replays what earlier policies did.
        recurrent: whether its policy remembers by an LSTM.
        networks: what acts and judges; each has an optimizer of its own where `critic_lr_scale` is taken.
        policy_arguments: the fields that its policies take of those that not every policy has.
        hypernetwork: the fields that a hypernetwork must have with it.
        start_is_checked: whether `hyperrl check AGENT --family F` measures how its networks start.
    """

    extra: ClassVar[str | None] = None
    actions: ClassVar[Actions] = "any"
    off_policy: ClassVar[bool] = False
    recurrent: ClassVar[bool] = False
    networks: ClassVar[tuple[str, ...]] = ("actor", "critic")
    policy_arguments: ClassVar[tuple[str, ...]] = ()
    hypernetwork: ClassVar[Mapping[str, Any]] = {}
    start_is_checked: ClassVar[bool] = True
    gamma: Fraction = 0.99
    """discount factor"""
    if TYPE_CHECKING:
        name: str
        learning_rate: float

    @property
    def explores_by_sde(self) -> bool:
        """Whether it explores by generalized state-dependent exploration, for continuous actions alone."""
        return bool(vars(self).get("use_sde"))

    def refusals(self, policy: Policy, n_envs: int) -> Refusals:
        """What of an agent does not go with this algorithm: the path of a field, and what is allowed there.

        Args:
            policy: the agent's.
            n_envs: environments side by side.
        """
        if policy.kind == "hyper" and "memory" in policy.hypernetwork.inputs and not self.recurrent:
            yield INPUTS, f"no 'memory' with the algorithm {self.name!r}, which has none"
