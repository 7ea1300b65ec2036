"""Many tensors as one parameter."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Flat(nn.Module):
    """Holds tensors as one flat parameter and hands out views of them.

    What an optimiser, gradient clipping and saving pay for each parameter tensor they then pay once; for
    small networks that is a good part of an update.

    Args:
        tensors: The initial values, of any shapes.
    """

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        super().__init__()
        self._shapes = [tensor.shape for tensor in tensors]
        self._sizes = [tensor.numel() for tensor in tensors]
        self.values = nn.Parameter(torch.cat([tensor.flatten() for tensor in tensors]))

    def forward(self) -> list[Tensor]:
        """The tensors, in order; gradients and changes in place reach the parameter."""
        pieces = torch.split(self.values, self._sizes)
        return [piece.view(shape) for piece, shape in zip(pieces, self._shapes, strict=True)]
