"""Strategies, which say what is generated, by their names."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from hyperrl.nets.layers import LayerSpec
from hyperrl.nets.strategies.adapter import Adapter
from hyperrl.nets.strategies.base import SHARE, Strategy
from hyperrl.nets.strategies.chunked import Chunked
from hyperrl.nets.strategies.full import Full
from hyperrl.nets.strategies.low_rank import LowRank
from hyperrl.nets.strategies.mask import Mask
from hyperrl.nets.strategies.modulation import Modulation
from hyperrl.nets.strategies.partial import Partial, chosen_layers

STRATEGIES: dict[str, type[Any]] = {
    "low-rank": LowRank,
    "full": Full,
    "chunked": Chunked,
    "adapter": Adapter,
    "modulation": Modulation,
    "mask": Mask,
}
"""Every strategy, constructed as ``STRATEGIES[name](layers, **options)``."""


def build(
    strategy: str,
    layers: Mapping[str, LayerSpec],
    generate: Literal["all"] | Sequence[str] = "all",
    **options: Any,
) -> Strategy:
    """A strategy for the layers of a target.

    Args:
        strategy: A name in ``STRATEGIES``.
        layers: All layers of the target.
        generate: The layers that are generated, by their names or their network's (``["actor.2",
            "critic"]``); the others are shared by all tasks. ``"all"``: every layer that the strategy can
            generate.
        options: Further arguments of the strategy.

    Raises:
        ValueError: An unknown layer.
    """
    kind = STRATEGIES[strategy]
    names = kind.default_layers(layers) if generate == "all" else chosen_layers(layers, generate)
    generated: Strategy = kind({name: layers[name] for name in names}, **options)
    return generated if len(names) == len(layers) else Partial(generated, layers, names)


__all__ = ["SHARE", "STRATEGIES", "Adapter", "Full", "LowRank", "Partial", "Strategy", "build"]
