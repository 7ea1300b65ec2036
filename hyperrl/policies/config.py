"""What the ``hypernetwork`` argument of a policy may hold, taken apart."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from hyperrl.arguments import (
    MAPPING,
    NAMES,
    Constraint,
    check_arguments,
    finite,
    integer,
    one_of,
    refuse_unknown,
)
from hyperrl.nets import HyperNetwork
from hyperrl.nets.hypernetwork import ARGUMENTS
from hyperrl.nets.strategies import check_options

_OURS = {"descriptor_dim", "target", "descriptor_range", "encoder", "separate_head"}
_TAKEN = tuple(name for name in inspect.signature(HyperNetwork).parameters if name not in _OURS)

INPUTS = ("context", "state", "embedding", "noise", "memory")
_RATES = ("generator", "heads", "shared")
_ARGUMENTS = {
    "trunk": one_of(("shared", "separate")),
    "inputs": NAMES,
    "embedding_dim": integer(1),
    "noise_dim": integer(1),
    "missing": finite(0, below=1),
    "training_contexts": Constraint("a list of descriptors", lambda found: hasattr(found, "__len__")),
    "max_grad_norm": finite(above=0).or_none(),
    "lr_scale": Constraint(
        "a dictionary of rates by 'generator', 'heads' and 'shared', such as {'heads': 0.1}", MAPPING.holds
    ),
}
"""What each choice may be; those of the hypernetwork itself are `hyperrl.nets`'s."""


@dataclass(frozen=True)
class HypernetworkConfig:
    """The choices that are a policy's; the rest of its ``hypernetwork`` goes to ``HyperNetwork``.

    Args:
        trunk: ``"shared"``: one hypernetwork for actor and critic; ``"separate"``: one each.
        inputs: What the hypernetwork sees, of ``"context"``, ``"state"``, ``"embedding"``, ``"noise"``, or
            ``"memory"`` alone; see :class:`~hyperrl.policies.conditioning.Conditioning`.
        embedding_dim: Size of a training task's embedding.
        noise_dim: How many numbers are drawn as noise.
        missing: Probability that a feature of the context is missing in training; above 0 the policy takes
            NaN for one. Whoever hands out observations does the dropping.
        training_contexts: The descriptors of the training tasks, which embeddings belong to.
        max_grad_norm: The gradient of the hypernetwork alone is clipped to this norm; None: it is not.
        lr_scale: Learning rates of ``"generator"``, ``"heads"`` and ``"shared"`` as multiples of the
            algorithm's, where not 1.
        network: Arguments of :class:`~hyperrl.nets.HyperNetwork`.

    Raises:
        ValueError: Choices that do not go together.
    """

    trunk: Literal["shared", "separate"] = "shared"
    inputs: Sequence[str] = ("context",)
    embedding_dim: int = 8
    noise_dim: int = 8
    missing: float = 0.0
    training_contexts: Sequence[Sequence[float]] = ()
    max_grad_norm: float | None = None
    lr_scale: Mapping[str, float] = field(default_factory=dict)
    network: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "HypernetworkConfig":
        """Takes a policy's ``hypernetwork`` apart; ValueError where it has a name that nobody takes."""
        own = {one.name for one in fields(cls)} - {"network"}
        network = {name: value for name, value in given.items() if name not in own}
        refuse_unknown("hypernetwork", network, {*own, *_TAKEN})
        return cls(**{name: value for name, value in given.items() if name in own}, network=network)

    def __post_init__(self) -> None:
        """Refuses arguments of another kind, and what does not go together."""
        check_arguments(_ARGUMENTS, vars(self))
        check_arguments(ARGUMENTS, self.network)
        for name in self.inputs:
            one_of(INPUTS).check("inputs", name)
        if not self.inputs or len(set(self.inputs)) < len(self.inputs):
            raise ValueError(f"inputs: found {list(self.inputs)}; allowed: one or more, each once")
        if "memory" in self.inputs and len(self.inputs) > 1:
            raise ValueError(f"inputs: found {list(self.inputs)}; allowed: nothing beside 'memory'")
        for name, value in self.lr_scale.items():
            one_of(_RATES).check("lr_scale", name)
            finite(0).check(f"lr_scale[{name!r}]", value)
        options = {} if self.network.get("strategy_options") is None else self.network["strategy_options"]
        check_options(self.network.get("strategy", "low-rank"), options)

    @property
    def scales(self) -> dict[str, float]:
        """Learning rates of the three parts relative to the algorithm's."""
        return {"generator": 1.0, "heads": 1.0, "shared": 1.0, **self.lr_scale}

    @property
    def separate_head(self) -> bool:
        """Whether the heads have a learning rate of their own."""
        return self.scales["heads"] != self.scales["generator"]

    @property
    def plain_optimizer(self) -> bool:
        """Whether all parameters are treated alike."""
        return self.max_grad_norm is None and all(scale == 1 for scale in self.scales.values())


def tails(generate: Sequence[str], part: str) -> list[str]:
    """How the names of generated layers go on after a part of the policy; ``""`` names all of it.

    Raises:
        ValueError: No layer of that part is generated.
    """
    found = [name[len(part) :] for name in generate if name == part or name.startswith(f"{part}.")]
    if not found:
        raise ValueError(
            f"generate: found {list(generate)}; allowed: a layer of {part!r} too, which has a hypernetwork "
            "of its own"
        )
    return found
