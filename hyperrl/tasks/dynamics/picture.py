"""Pictures of our own environments, drawn by pygame without a window."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pygame import Surface

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # before pygame is imported, here or elsewhere

Point = tuple[float, float]
Color = tuple[int, int, int]

_SIZE = 480
_MARGIN = 24
_COLORS: dict[str, Color] = {
    "paper": (255, 255, 255),
    "ink": (40, 40, 40),
    "faint": (222, 222, 228),
    "goal": (46, 160, 67),
    "trail": (120, 150, 210),
    "state": (201, 60, 40),
}


class Picture:
    """A square canvas over a rectangle of the plane; y points up."""

    def __init__(self, across: Point, upward: Point) -> None:
        """Take the ranges (low, high) of x and y that the canvas shows."""
        import pygame

        self._pygame = pygame
        self._across, self._upward = across, upward
        self._surface = pygame.Surface((_SIZE, _SIZE))
        self._surface.fill(_COLORS["paper"])

    def _pixel(self, point: Point) -> tuple[int, int]:
        inner = _SIZE - 2 * _MARGIN
        (left, right), (bottom, top) = self._across, self._upward
        x = _MARGIN + inner * (point[0] - left) / (right - left)
        y = _SIZE - _MARGIN - inner * (point[1] - bottom) / (top - bottom)
        return round(x), round(y)

    def box(self, low: Point, high: Point, color: str | Color) -> None:
        """Fill the rectangle between two corners."""
        (left, bottom), (right, top) = self._pixel(low), self._pixel(high)
        shade = _COLORS[color] if isinstance(color, str) else color
        self._pygame.draw.rect(self._surface, shade, (left, top, right - left, max(1, bottom - top)))

    def band(self, low: float, high: float, color: Color) -> None:
        """Fill a horizontal band across the whole width."""
        self.box((self._across[0], low), (self._across[1], high), color)

    def line(self, start: Point, end: Point, color: str) -> None:
        """Draw a line."""
        self._pygame.draw.line(self._surface, _COLORS[color], self._pixel(start), self._pixel(end), 2)

    def circle(self, center: Point, radius: float, color: str, *, filled: bool = True) -> None:
        """Draw a circle; `radius` in units of x."""
        pixels = max(2, self._pixel((center[0] + radius, center[1]))[0] - self._pixel(center)[0])
        self._pygame.draw.circle(
            self._surface, _COLORS[color], self._pixel(center), pixels, 0 if filled else 2
        )

    def trail(self, points: Sequence[Point]) -> None:
        """Draw the way so far, and the present state as a disc at its end."""
        pixels = [self._pixel(point) for point in points]
        if len(pixels) > 1:
            self._pygame.draw.lines(self._surface, _COLORS["trail"], False, pixels, 3)
        self._pygame.draw.circle(self._surface, _COLORS["state"], pixels[-1], 7)

    def caption(self, text: str) -> None:
        """Write one line at the top left."""
        if not self._pygame.font.get_init():
            self._pygame.font.init()
        font = self._pygame.font.Font(None, 24)
        self._surface.blit(font.render(text, True, _COLORS["ink"]), (_MARGIN // 2, 6))

    def pixels(self) -> NDArray[np.uint8]:
        """The canvas as an array (height, width, 3)."""
        return pixels(self._surface)


def pixels(surface: "Surface") -> NDArray[np.uint8]:
    """A surface as an array (height, width, 3) of its own; rows are copied whole, not pixel by pixel."""
    import pygame

    width, height = surface.get_size()
    rows = np.frombuffer(pygame.image.tobytes(surface, "RGB"), np.uint8)
    return rows.reshape(height, width, 3).copy()


def surface(frame: NDArray[np.uint8]) -> "Surface":
    """An array (height, width, 3) as a surface."""
    import pygame

    height, width, _ = frame.shape
    return pygame.image.frombuffer(frame.tobytes(), (width, height), "RGB")
