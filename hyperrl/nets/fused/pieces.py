"""Pieces of a flat tensor, found once."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from hyperrl.nets.flat import Place


class Pieces:
    """Views of a flat parameter, which are held for as long as it lies where it does, and of its gradient.

    Args:
        places: Where the pieces lie.
    """

    def __init__(self, places: Sequence[Place]) -> None:
        self.places = list(places)
        self._views: tuple[Tensor, list[Tensor]] | None = None

    def cut(self, flat: Tensor) -> list[Tensor]:
        """New views of a tensor."""
        start = flat.storage_offset()
        return [flat.as_strided(shape, strides, start + place) for shape, strides, place in self.places]

    def of(self, flat: Tensor) -> list[Tensor]:
        """Views of a parameter; held ones where no gradient is to pass them."""
        if torch.is_grad_enabled():
            return self.cut(flat)
        # A tensor that is held here cannot share its address with another.
        if self._views is None or self._views[0].data_ptr() != flat.data_ptr():
            own = flat.detach()
            self._views = own, self.cut(own)
        return self._views[1]

    def __getstate__(self) -> dict[str, Any]:
        """A copy finds its own views."""
        return {"places": self.places, "_views": None}
