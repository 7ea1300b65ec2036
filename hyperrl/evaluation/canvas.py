"""One picture of several panels, each with lines of text above it; drawn by pygame without a window."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hyperrl.tasks.dynamics.picture import pixels, surface

if TYPE_CHECKING:
    from pygame import Surface

Frame = NDArray[np.uint8]

_WIDTH, _FONT, _LINE, _GAP = 320, 20, 18, 8
_PAPER, _INK = (255, 255, 255), (30, 30, 30)
_BLOCK = 16
"""Video encoders want sides that are multiples of it."""


class Canvas:
    """A grid of panels of one size, filled row by row: up to three in one row, more as a square.

    Args:
        shapes: (height, width) of each panel's frames, which are scaled into the panel.
        captions: as many of them as lines will be needed; values may change, their number may not.
    """

    def __init__(self, shapes: Sequence[tuple[int, int]], captions: Sequence[Sequence[str]]) -> None:
        import pygame

        self._pygame = pygame
        if not pygame.font.get_init():
            pygame.font.init()
        self._font = pygame.font.Font(None, _FONT)
        panels = len(shapes)
        self._columns = panels if panels <= 3 else math.ceil(math.sqrt(panels))
        self._text = _LINE * max(len(self._lines(caption)) for caption in captions) + _GAP
        tallest = max(height / width for height, width in shapes)
        height = self._text + round(_WIDTH * min(tallest, 2.0)) + _GAP
        self._panel = (_WIDTH, math.ceil(height / _BLOCK) * _BLOCK)

    def picture(self, panels: Sequence[tuple[Frame, Sequence[str]]]) -> Frame:
        """The picture (height, width, 3) of frames (h, w, 3) and their captions."""
        width, height = self._panel
        rows = math.ceil(len(panels) / self._columns)
        grid = self._pygame.Surface((width * self._columns, height * rows))
        grid.fill(_PAPER)
        for place, (frame, caption) in enumerate(panels):
            left, top = place % self._columns * width, place // self._columns * height
            for line, text in enumerate(self._lines(caption)):
                grid.blit(self._font.render(text, True, _INK), (left + _GAP, top + _GAP // 2 + _LINE * line))
            scaled = self._scaled(frame)
            grid.blit(scaled, (left + (width - scaled.get_width()) // 2, top + self._text))
        return pixels(grid)

    def _scaled(self, frame: Frame) -> Surface:
        height, width, _ = frame.shape
        factor = min((_WIDTH - 2 * _GAP) / width, (self._panel[1] - self._text - _GAP) / height)
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        return self._pygame.transform.smoothscale(surface(frame), size)

    def _lines(self, caption: Sequence[str]) -> list[str]:
        """The texts, as many on a line as fit; the last has a line of its own."""
        lines: list[str] = []
        for text in caption[:-1]:
            joined = f"{lines[-1]}   {text}" if lines else text
            if lines and self._font.size(joined)[0] <= _WIDTH - 2 * _GAP:
                lines[-1] = joined
            else:
                lines.append(text)
        return [*lines, caption[-1]]
