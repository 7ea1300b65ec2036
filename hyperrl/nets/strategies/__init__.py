"""What is generated: each strategy by the name that recipes and :class:`~hyperrl.nets.HyperNetwork` take."""

from typing import Any

from hyperrl.nets.strategies.base import SHARE, Strategy
from hyperrl.nets.strategies.full import Full
from hyperrl.nets.strategies.low_rank import LowRank

STRATEGIES: dict[str, type[Any]] = {"low-rank": LowRank, "full": Full}
"""Every strategy, built as ``STRATEGIES[name](layers, **options)``."""

__all__ = ["SHARE", "STRATEGIES", "Full", "LowRank", "Strategy"]
