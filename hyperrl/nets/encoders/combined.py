"""Encoders made of encoders."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hyperrl.arguments import Constraint, check_arguments, finite
from hyperrl.nets.encoders.base import Encoder

ENCODER = Constraint("an encoder of hyperrl.nets.encoders", lambda value: isinstance(value, Encoder))
ENCODERS = Constraint(
    "a list of encoders",
    lambda value: isinstance(value, Sequence) and len(value) > 0 and all(map(ENCODER.holds, value)),
)


class Masked(Encoder):
    """Lets columns of a descriptor be missing: NaN.

    Missing columns are filled with a constant. The hypernetwork has one more input for each
    column: 1 if it is there, -1 if it is missing. It learns to do without a column from tasks that lack it,
    see :meth:`drop`.

    Args:
        encoder: What encodes the descriptor once it is filled.
        dropout: Probability that a column is missing, in the tasks by which the heads are set at the start.
    """

    fill: Tensor

    def __init__(self, encoder: Encoder, dropout: float = 0.1) -> None:
        check_arguments({"encoder": ENCODER, "dropout": finite(0, below=1)}, locals())
        super().__init__(encoder.dim, encoder.out_dim + encoder.dim)
        self.encoder, self.dropout = encoder, dropout
        self.register_buffer("fill", encoder.filler().clone())

    def forward(self, descriptors: Float[Tensor, "task dim"]) -> Float[Tensor, "task inputs"]:
        """The inputs for the filled descriptors, then 1 for each column that is there, -1 for others."""
        absent = descriptors.isnan()
        filled = torch.where(absent, self.fill, descriptors)
        return torch.cat([self.encoder(filled), 1 - 2 * absent.to(filled.dtype)], dim=1)

    def sample(self, tasks: int) -> Float[Tensor, "task dim"]:
        """Samples of the encoder, with some columns missing."""
        return self.drop(self.encoder.sample(tasks), self.dropout)

    def filler(self) -> Float[Tensor, " dim"]:
        """NaN: missing."""
        return torch.full((self.dim,), torch.nan)

    def drop(
        self,
        descriptors: Float[Tensor, "task dim"],
        probability: float,
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, "task dim"]:
        """The descriptors, each entry missing with the given probability."""
        draws = torch.rand(descriptors.shape, generator=generator, device=descriptors.device)
        return descriptors.masked_fill(draws < probability, torch.nan)


class Concatenation(Encoder):
    """Encoders side by side, each with its own columns, in order.

    Args:
        encoders: The parts.
    """

    def __init__(self, encoders: Sequence[Encoder]) -> None:
        check_arguments({"encoders": ENCODERS}, locals())
        super().__init__(
            sum(encoder.dim for encoder in encoders), sum(encoder.out_dim for encoder in encoders)
        )
        self.dims = [encoder.dim for encoder in encoders]
        self.encoders = nn.ModuleList(encoders)

    def parts(self) -> list[Encoder]:
        """The encoders, in order."""
        return [encoder for encoder in self.encoders if isinstance(encoder, Encoder)]

    def forward(self, descriptors: Float[Tensor, "task dim"]) -> Float[Tensor, "task inputs"]:
        """The inputs of all parts side by side."""
        columns = torch.split(descriptors, self.dims, dim=1)
        return torch.cat([encoder(part) for encoder, part in zip(self.encoders, columns, strict=True)], dim=1)

    def sample(self, tasks: int) -> Float[Tensor, "task dim"]:
        """Independent samples of each part; corners of ranges stay in the first half."""
        half = tasks // 2
        samples = []
        for part in self.parts():
            order = torch.cat([torch.randperm(half), half + torch.randperm(tasks - half)])
            samples.append(part.sample(tasks)[order])
        return torch.cat(samples, dim=1)

    def filler(self) -> Float[Tensor, " dim"]:
        """The fillers of all parts."""
        return torch.cat([part.filler() for part in self.parts()])


class Together(Encoder):
    """Encoders of the same columns, their inputs side by side.

    Args:
        encoders: The parts; the first says where descriptors lie.

    Raises:
        ValueError: Parts with different numbers of columns.
    """

    def __init__(self, encoders: Sequence[Encoder]) -> None:
        check_arguments({"encoders": ENCODERS}, locals())
        dims = {encoder.dim for encoder in encoders}
        if len(dims) != 1:
            raise ValueError(f"encoders: found parts of {sorted(dims)} columns; allowed: the same number")
        super().__init__(dims.pop(), sum(encoder.out_dim for encoder in encoders))
        self.encoders = nn.ModuleList(encoders)

    def forward(self, descriptors: Float[Tensor, "task dim"]) -> Float[Tensor, "task inputs"]:
        """The inputs of all parts side by side."""
        return torch.cat([encoder(descriptors) for encoder in self.encoders], dim=1)

    def sample(self, tasks: int) -> Float[Tensor, "task dim"]:
        """Samples of the first part."""
        return self._first.sample(tasks)

    def filler(self) -> Float[Tensor, " dim"]:
        """The filler of the first part."""
        return self._first.filler()

    @property
    def _first(self) -> Encoder:
        first: Any = self.encoders[0]
        return first  # type: ignore[no-any-return]
