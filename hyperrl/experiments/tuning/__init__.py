"""The search for an agent's hyperparameters on a family, by its validation tasks, with Optuna."""

from typing import Literal, get_args

PrunerName = Literal["median", "hyperband", "none"]
"""What stops runs early that are behind others."""
PRUNERS: tuple[PrunerName, ...] = get_args(PrunerName)
