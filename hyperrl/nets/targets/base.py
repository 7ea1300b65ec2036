"""The interface of target networks, and several of them in parallel."""

from collections.abc import Mapping
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from torch import Tensor, nn

from hyperrl.nets.fused import Chain
from hyperrl.nets.layers import LayerSpec
from hyperrl.nets.weights import Weights


@runtime_checkable
class Target(Protocol):
    """A network whose layers a hypernetwork can generate."""

    @property
    def layers(self) -> dict[str, LayerSpec]:
        """The generated layers by name."""
        ...

    def __call__(self, x: Any, weights: Any, *more: Any) -> Any:
        """Applies the network to a batch of rows, each with its own task's weights."""
        ...


def is_target(value: Any) -> bool:
    """Whether a value is a network with named layers that a hypernetwork can generate."""
    layers = getattr(value, "layers", None)
    named = isinstance(layers, Mapping) and all(isinstance(spec, LayerSpec) for spec in layers.values())
    return named and callable(value)


def plain_tensors(weights: Weights) -> dict[str, Tensor]:
    """``weights.dense()``, for a target that needs a weight and a bias of every layer.

    Raises:
        ValueError: A layer that is no affine map, such as one behind an adapter with an activation.
    """
    tensors = weights.dense()
    for name in weights.layers:
        if f"{name}.weight" not in tensors:
            raise ValueError(
                f"weights: layer {name!r} is no affine map (an adapter with an activation); allowed here: "
                "an adapter with activation=None, or another strategy"
            )
    return tensors


N = TypeVar("N", bound=nn.Module)


class Parallel(nn.Module, Generic[N]):
    """Several target networks whose weights come from one hypernetwork, such as an actor and a critic."""

    def __init__(self, networks: Mapping[str, N]) -> None:
        super().__init__()
        self.networks = nn.ModuleDict(networks)

    @property
    def layers(self) -> dict[str, LayerSpec]:
        """The generated layers of all networks, ``"actor.0"`` the first of the network ``"actor"``."""
        named: list[tuple[str, Any]] = list(self.named())
        return {f"{name}.{key}": spec for name, net in named for key, spec in net.layers.items()}

    @property
    def chains(self) -> dict[str, Chain]:
        """The layers of each network, each with its activation, where all have such a form; else empty."""
        chains: dict[str, Chain] = {}
        for name, net in self.named():
            of_network: dict[str, Chain] = getattr(net, "chains", {})
            if not of_network:
                return {}
            chains[name] = [(f"{name}.{layer}", module) for layer, module in of_network[""]]
        return chains

    def named(self) -> list[tuple[str, N]]:
        """The networks by name, in order."""
        networks: Any = self.networks.items()
        return list(networks)

    def forward(self, x: Tensor, weights: Any) -> dict[str, Tensor]:
        """Applies every network to the same rows, (B, ...).

        Args:
            x: The rows.
            weights: Of one hypernetwork, or of one for each network.
        """
        return {name: net(x, weights[name]) for name, net in self.named()}
