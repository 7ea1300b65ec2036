"""A separate hypernetwork for each network of a parallel target, called as one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor, nn

from hyperrl.nets.fused import ONE_EACH, FusedWeights, Rows
from hyperrl.nets.hypernetwork import HyperNetwork
from hyperrl.nets.weights import Weights


@dataclass(frozen=True)
class SeparateWeights:
    """The generated weights of several networks by name."""

    networks: dict[str, Weights]

    def __getitem__(self, network: str) -> Weights:
        """The weights of one network."""
        return self.networks[network]

    def dense(self) -> dict[str, Tensor]:
        """Plain tensors per task: ``"actor.0.weight"``, as :meth:`Weights.dense` names them."""
        return {
            f"{network}.{name}": tensor
            for network, weights in self.networks.items()
            for name, tensor in weights.dense().items()
        }


@dataclass(frozen=True)
class SeparateFusedWeights:
    """The fused weights of several networks by name."""

    networks: dict[str, FusedWeights]

    @property
    def seconds(self) -> float:
        """Spent generating."""
        return sum(weights.seconds for weights in self.networks.values())

    def apply(self, x: Float[Tensor, "row inputs"], *names: str) -> list[Tensor]:
        """The outputs of the named networks, as :meth:`FusedWeights.apply`."""
        return [weights.apply(x, "")[0] for name, weights in self.networks.items() if name in names]


class SeparateHyperNetworks(nn.Module):
    """One hypernetwork for each network, with nothing shared between them.

    Args:
        networks: The hypernetworks by the names of the networks that they generate.
    """

    def __init__(self, networks: Mapping[str, HyperNetwork]) -> None:
        super().__init__()
        self.networks = nn.ModuleDict(networks)

    def named(self) -> dict[str, HyperNetwork]:
        """The hypernetworks by their networks' names."""
        networks: Any = self.networks.items()
        return dict(networks)

    @property
    def descriptor_dim(self) -> int:
        """Size of a descriptor."""
        return next(iter(self.named().values())).descriptor_dim

    @property
    def factored(self) -> bool:
        """Whether weights stay in their factors, as :attr:`HyperNetwork.factored`."""
        return all(net.factored for net in self.named().values())

    def forward(
        self, descriptors: Float[Tensor, "task descriptor"], index: Int[Tensor, " row"] | None = None
    ) -> SeparateWeights:
        """Generates the weights of tasks, as :meth:`HyperNetwork.forward`."""
        return SeparateWeights({name: net(descriptors, index) for name, net in self.named().items()})

    def fused(
        self, descriptors: Float[Tensor, "task descriptor"], rows: Rows = ONE_EACH
    ) -> SeparateFusedWeights | None:
        """The weights of tasks, as :meth:`HyperNetwork.fused`; None where one network has no such form."""
        networks = {name: net.fused(descriptors, rows) for name, net in self.named().items()}
        fused = {name: weights for name, weights in networks.items() if weights is not None}
        return SeparateFusedWeights(fused) if len(fused) == len(networks) else None

    def parameter_groups(self, **scales: Any) -> list[dict[str, Any]]:
        """All parameters in groups, as :meth:`HyperNetwork.parameter_groups`, such as ``"actor.heads"``."""
        return [
            {**group, "name": f"{name}.{group['name']}"}
            for name, net in self.named().items()
            for group in net.parameter_groups(**scales)
        ]
