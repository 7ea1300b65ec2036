"""Encoders of numbers that name or count something."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from hyperrl.arguments import SIZES, check_arguments, integer
from hyperrl.nets.encoders.base import Encoder


class Categorical(Encoder):
    """Categories, one a column: the number of the category, from 0 on.

    Args:
        sizes: Number of categories of each column.
        embedding: Size of a learned embedding of each column's category; None: one-hot.
    """

    sizes: Tensor
    starts: Tensor

    def __init__(self, sizes: Sequence[int], embedding: int | None = None) -> None:
        check_arguments({"sizes": SIZES, "embedding": integer(1).or_none()}, locals())
        total = sum(sizes)
        super().__init__(len(sizes), total if embedding is None else embedding * len(sizes))
        sizes_tensor = torch.tensor(list(sizes), dtype=torch.long)
        self.register_buffer("sizes", sizes_tensor)
        self.register_buffer("starts", sizes_tensor.cumsum(0) - sizes_tensor)
        self.table = None if embedding is None else nn.Parameter(torch.randn(total, embedding))

    def forward(self, descriptors: Float[Tensor, "task dim"]) -> Float[Tensor, "task features"]:
        """Embeddings side by side, or one-hot vectors side by side.

        Raises:
            ValueError: A number that is no category.
        """
        numbers = descriptors.round().long()
        if not bool(((numbers >= 0) & (numbers < self.sizes)).all()):
            row, column = ((numbers < 0) | (numbers >= self.sizes)).nonzero()[0].tolist()
            raise ValueError(
                f"descriptor, column {column}: found category {numbers[row, column]}; "
                f"allowed: 0 to {int(self.sizes[column]) - 1}"
            )
        entries = numbers + self.starts
        if self.table is not None:
            return functional.embedding(entries, self.table).flatten(1)
        return descriptors.new_zeros(descriptors.shape[0], self.features).scatter_(1, entries, 1.0)

    def sample(self, tasks: int) -> Float[Tensor, "task dim"]:
        """Uniform over the categories of each column; where there is one column, each of them in turn."""
        draws = torch.rand(tasks, self.dim)
        if self.dim == 1:
            draws = (torch.arange(tasks).unsqueeze(1) % int(self.sizes[0]) + 0.5) / int(self.sizes[0])
        return (draws * self.sizes).floor()


class TaskEmbedding(Categorical):
    """One learned embedding a task, where nothing is known of tasks but which they are.

    Args:
        tasks: How many tasks there are; the descriptor's one column is the task's number, from 0 on.
        features: Size of an embedding.
    """

    def __init__(self, tasks: int, features: int = 8) -> None:
        check_arguments({"tasks": integer(1), "features": integer(1)}, locals())
        super().__init__([tasks], embedding=features)


class Architecture(Encoder):
    """The target's own architecture: the width of each hidden layer, 0 where there is none.

    Features are the depth and, for each layer, whether it is there and its width, on a logarithmic scale.

    Args:
        max_depth: Number of columns, the largest number of hidden layers.
        max_width: The largest width.
    """

    def __init__(self, max_depth: int, max_width: int) -> None:
        check_arguments({"max_depth": integer(1), "max_width": integer(1)}, locals())
        super().__init__(max_depth, 1 + 2 * max_depth)
        self.max_width = max_width

    def describe(self, hidden: Sequence[int]) -> Float[Tensor, " dim"]:
        """The descriptor of hidden layers of these widths.

        Raises:
            ValueError: More layers, or wider ones, than declared.
        """
        widths = [float(width) for width in hidden]
        if len(widths) > self.dim or not all(1 <= width <= self.max_width for width in widths):
            raise ValueError(
                f"hidden: found {tuple(hidden)}; allowed: at most {self.dim} widths "
                f"from 1 to {self.max_width}"
            )
        return torch.tensor(widths + [0.0] * (self.dim - len(widths)))

    def forward(self, descriptors: Float[Tensor, "task dim"]) -> Float[Tensor, "task features"]:
        """Depth, presence and widths, all within [-1, 1]."""
        present = (descriptors > 0).to(descriptors.dtype)
        width = descriptors.clamp_min(1).log() / max(math.log(self.max_width), 1e-6)
        depth = present.mean(dim=1, keepdim=True)
        return torch.cat([2 * depth - 1, 2 * present - 1, (2 * width - 1) * present], dim=1)

    def sample(self, tasks: int) -> Float[Tensor, "task dim"]:
        """Any depth, the widths uniform on a logarithmic scale."""
        widths = torch.exp(torch.rand(tasks, self.dim) * math.log(self.max_width)).round()
        depth = torch.randint(0, self.dim + 1, (tasks, 1))
        return torch.where(torch.arange(self.dim) < depth, widths, 0.0)
