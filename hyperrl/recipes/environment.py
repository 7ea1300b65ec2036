"""What of a family's environments an agent chooses for itself."""

from __future__ import annotations

from dataclasses import dataclass

from hyperrl.recipes.wrappers import WrapperRecipe


@dataclass(frozen=True)
class EnvironmentOptions:
    """How an agent's environments differ from its family's own.

    Attributes:
        frame_stack: how many of the base environment's last observations are stacked; 1: none are.
        wrappers: around the base environment, the first innermost, all of them below the frame stack.
    """

    frame_stack: int = 1
    wrappers: tuple[WrapperRecipe, ...] = ()
