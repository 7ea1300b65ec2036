"""Some layers generated, the others shared by all tasks."""

from collections.abc import Iterable, Mapping, Sequence

from jaxtyping import Float, Int
from torch import Tensor

from hyperrl.arguments import ArgumentError
from hyperrl.nets.layers import LayerSpec, SharedLayers
from hyperrl.nets.outputs import Outputs
from hyperrl.nets.strategies.base import Strategy
from hyperrl.nets.weights import GeneratedLinear, SharedLinear, Weights


class Partial(Strategy):
    """A strategy for some of a target's layers; the others are ordinary layers that all tasks share.

    Args:
        generated: The strategy of the generated layers.
        layers: All layers of the target, in its order.
        names: The generated ones.
    """

    def __init__(self, generated: Strategy, layers: Mapping[str, LayerSpec], names: Iterable[str]) -> None:
        super().__init__()
        self.generated, self.order = generated, tuple(layers)
        self.factored, self.affine, self.sections = generated.factored, generated.affine, generated.sections
        chosen = set(names)
        self.shared = SharedLayers({name: spec for name, spec in layers.items() if name not in chosen})

    def head(self, features: Float[Tensor, "task features"]) -> tuple[Tensor, Tensor]:
        """The generator's last layer at the start, weight (features, outputs) and bias (outputs,)."""
        return self.generated.head(features)

    def forward(self, outputs: Outputs, index: Int[Tensor, " row"] | None) -> Weights:
        """The weights of G tasks."""
        generated = self.generated(outputs, index)
        layers: dict[str, GeneratedLinear] = {
            name: SharedLinear(*shared, outputs.tasks) for name, shared in self.shared.named().items()
        }
        layers |= generated.layers
        return Weights({name: layers[name] for name in self.order}, generated.layout)


def chosen_layers(layers: Mapping[str, LayerSpec], generate: Sequence[str]) -> tuple[str, ...]:
    """The names of the generated layers, in the target's order.

    Args:
        layers: All layers of the target.
        generate: Names of layers, or of networks (``"actor"`` is ``"actor.0"``, ``"actor.1"``, ...).

    Raises:
        ArgumentError: A name that is no layer's or network's.
    """
    for index, name in enumerate(generate):
        if not any(key == name or key.startswith(f"{name}.") for key in layers):
            raise ArgumentError(("generate", index), name, ", ".join(layers), tuple(layers))
    return tuple(key for key in layers if any(key == name or key.startswith(f"{name}.") for name in generate))
