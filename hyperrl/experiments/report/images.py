"""Figures as images inside a page."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI = 130
_COLORS = 96


@dataclass(frozen=True)
class Picture:
    """An image of the page.

    Attributes:
        source: a data URI.
        caption: what it shows.
        width: in CSS pixels, at which its text has the size of the page's.
        lines: whether a dark page may invert it; a map of colors may not be.
    """

    source: str
    caption: str
    width: int
    lines: bool = True


def picture(figure: Figure, caption: str, *, lines: bool = True) -> Picture:
    """A figure as a PNG of few colors, which is a third of the size."""
    from PIL import Image

    drawn, packed = BytesIO(), BytesIO()
    figure.set_layout_engine("none")  # It is laid out already.
    figure.savefig(drawn, format="png", dpi=_DPI, metadata={"Software": None})
    image = Image.open(drawn).convert("RGB").quantize(_COLORS, method=Image.Quantize.MEDIANCUT)
    image.save(packed, format="png", optimize=True)
    source = f"data:image/png;base64,{b64encode(packed.getvalue()).decode()}"
    return Picture(source, caption, round(figure.get_size_inches()[0] * 100), lines)
