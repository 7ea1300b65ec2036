"""What the ``hypernetwork`` argument of a policy may hold, taken apart."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from hyperrl.nets import HyperNetwork

_OURS = {"descriptor_dim", "target", "descriptor_range", "encoder", "separate_head"}
_TAKEN = tuple(name for name in inspect.signature(HyperNetwork).parameters if name not in _OURS)

INPUTS = ("context", "state", "embedding", "noise", "memory")


@dataclass(frozen=True)
class Choices:
    """The choices that are a policy's; the rest of its ``hypernetwork`` goes to ``HyperNetwork``.

    Args:
        trunk: ``"shared"``: one hypernetwork for actor and critic; ``"separate"``: one each.
        inputs: What the hypernetwork sees, of ``"context"``, ``"state"``, ``"embedding"``, ``"noise"``, or
            ``"memory"`` alone; see :class:`~hyperrl.policies.inputs.Inputs`.
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
    def of(cls, given: Mapping[str, Any]) -> "Choices":
        """Takes a policy's ``hypernetwork`` apart; ValueError where it has a name that nobody takes."""
        own = {one.name for one in fields(cls)} - {"network"}
        network = {name: value for name, value in given.items() if name not in own}
        for name in network:
            if name not in _TAKEN:
                allowed = ", ".join(sorted({*own, *_TAKEN}))
                raise ValueError(f"hypernetwork: found {name!r}; allowed: {allowed}")
        return cls(**{name: value for name, value in given.items() if name in own}, network=network)

    def __post_init__(self) -> None:
        """Refuses what does not go together."""
        _one_of("trunk", self.trunk, ("shared", "separate"))
        for name in self.inputs:
            _one_of("inputs", name, INPUTS)
        if not self.inputs or len(set(self.inputs)) < len(self.inputs):
            raise ValueError(f"inputs: found {list(self.inputs)}; allowed: one or more, each once")
        if "memory" in self.inputs and len(self.inputs) > 1:
            raise ValueError(f"inputs: found {list(self.inputs)}; allowed: nothing beside 'memory'")
        if not 0 <= self.missing < 1:
            raise ValueError(f"missing: found {self.missing}; allowed: 0 to less than 1")
        if self.max_grad_norm is not None and not self.max_grad_norm > 0:
            raise ValueError(f"max_grad_norm: found {self.max_grad_norm}; allowed: above 0, or None")
        for name, value in self.lr_scale.items():
            _one_of("lr_scale", name, ("generator", "heads", "shared"))
            if not value >= 0:
                raise ValueError(f"lr_scale: found {value} for {name!r}; allowed: 0 or more")

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


def _one_of(name: str, found: str, allowed: Sequence[str]) -> None:
    if found not in allowed:
        raise ValueError(f"{name}: found {found!r}; allowed: {', '.join(map(repr, allowed))}")
