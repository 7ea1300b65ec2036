"""What is generated: each strategy by the name that recipes and :class:`~hyperrl.nets.HyperNetwork` take."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from hyperrl.arguments import check_arguments, finite, integer, one_of
from hyperrl.errors import did_you_mean
from hyperrl.nets.activations import ACTIVATION
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

_ARGUMENTS = {
    "rank": integer(1),
    "chunk_size": integer(1),
    "width": integer(1),
    "activation": ACTIVATION.or_none(),
    "sparsity": finite(0, below=1),
}


def options_of(strategy: str) -> tuple[str, ...]:
    """The names of a strategy's options.

    Raises:
        ValueError: An unknown strategy.
    """
    one_of(STRATEGIES).check("strategy", strategy)
    return tuple(inspect.signature(STRATEGIES[strategy]).parameters)[1:]


def check_options(strategy: str, options: Mapping[str, Any]) -> None:
    """ValueError for an unknown strategy, an option that it has not, or a value that is not of its kind."""
    allowed = options_of(strategy)
    for name in options:
        if name not in allowed:
            raise ValueError(f"{name}: no option of the strategy {strategy!r}{did_you_mean(name, allowed)}")
    check_arguments(_ARGUMENTS, options)


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
        ValueError: An unknown strategy, option or layer, or a size below 1.
    """
    check_options(strategy, options)
    made = STRATEGIES[strategy]
    names = made.default_layers(layers) if generate == "all" else chosen_layers(layers, generate)
    one: Strategy = made({name: layers[name] for name in names}, **options)
    return one if len(names) == len(layers) else Partial(one, layers, names)


__all__ = [
    "SHARE",
    "STRATEGIES",
    "Adapter",
    "Chunked",
    "Full",
    "LowRank",
    "Mask",
    "Modulation",
    "Partial",
    "Strategy",
    "build",
    "check_options",
    "options_of",
]
