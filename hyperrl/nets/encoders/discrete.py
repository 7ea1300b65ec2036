"""Encoders of what names or counts something: categories, tasks, sizes of networks."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from hyperrl.arguments import SIZES, check_arguments, integer, short_repr
from hyperrl.nets.encoders.base import Encoder


class Categorical(Encoder):
    """A category in each column, as its index, from 0 on.

    Args:
        sizes: Number of categories of each column.
        embedding_dim: Size of a learned embedding of each column's category; None: one-hot.
    """

    sizes: Tensor
    starts: Tensor

    def __init__(self, sizes: Sequence[int], embedding_dim: int | None = None) -> None:
        check_arguments({"sizes": SIZES, "embedding_dim": integer(1).or_none()}, locals())
        total = sum(sizes)
        super().__init__(len(sizes), total if embedding_dim is None else embedding_dim * len(sizes))
        sizes_tensor = torch.tensor(list(sizes), dtype=torch.long)
        self.register_buffer("sizes", sizes_tensor)
        self.register_buffer("starts", sizes_tensor.cumsum(0) - sizes_tensor)
        self.table = None if embedding_dim is None else nn.Parameter(torch.randn(total, embedding_dim))

    def forward(self, descriptors: Float[Tensor, "task dim"]) -> Float[Tensor, "task inputs"]:
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
        return descriptors.new_zeros(descriptors.shape[0], self.out_dim).scatter_(1, entries, 1.0)

    def sample(self, tasks: int) -> Float[Tensor, "task dim"]:
        """Uniform over the categories of each column; where there is one column, each of them in turn."""
        draws = torch.rand(tasks, self.dim)
        if self.dim == 1:
            draws = (torch.arange(tasks).unsqueeze(1) % int(self.sizes[0]) + 0.5) / int(self.sizes[0])
        return (draws * self.sizes).floor()


class Members(Encoder):
    """One of several networks, as a 1 among zeros.

    The rows of the hypernetwork's first layer are the learned embeddings of the members.

    Args:
        count: Number of members.
    """

    def __init__(self, count: int) -> None:
        check_arguments({"count": integer(1)}, locals())
        super().__init__(count, count)

    def forward(self, descriptors: Float[Tensor, "task dim"]) -> Float[Tensor, "task inputs"]:
        """The descriptors, scaled to a mean square of 1."""
        return descriptors * math.sqrt(self.dim)

    def sample(self, tasks: int) -> Float[Tensor, "task dim"]:
        """Each member in turn."""
        return torch.eye(self.dim)[torch.arange(tasks) % self.dim]


class TaskEmbedding(Categorical):
    """One learned embedding for each task, if only the index of a task is known (von Oswald et al., 2020).

    Args:
        tasks: Number of tasks; the descriptor has one column, the task's index, from 0 on.
        embedding_dim: Size of an embedding.
    """

    def __init__(self, tasks: int, embedding_dim: int = 8) -> None:
        check_arguments({"tasks": integer(1), "embedding_dim": integer(1)}, locals())
        super().__init__([tasks], embedding_dim)


class NearestTask(Encoder):
    """One learned embedding for each training task; any other descriptor takes that of the nearest task.

    The distance is Euclidean over the columns that are not missing (NaN).

    Args:
        tasks: The descriptors of the training tasks, one in each row; a part of the module's state.
        embedding_dim: Size of an embedding.

    Raises:
        ValueError: No tasks, or descriptors of no size.
    """

    tasks: Tensor

    def __init__(self, tasks: Sequence[Sequence[float]], embedding_dim: int = 8) -> None:
        integer(1).check("embedding_dim", embedding_dim)
        try:
            table = torch.as_tensor(tasks, dtype=torch.float32)
        except (TypeError, ValueError, RuntimeError):
            raise ValueError(
                f"tasks: found {short_repr(tasks)}; allowed: rows of numbers, equally long"
            ) from None
        if table.dim() != 2 or not table.numel():
            raise ValueError(f"tasks: found {tuple(table.shape)} numbers; allowed: one row or more a task")
        super().__init__(table.shape[1], embedding_dim)
        self.register_buffer("tasks", table)
        self.table = nn.Parameter(torch.randn(len(table), embedding_dim))

    def forward(self, descriptors: Float[Tensor, "task dim"]) -> Float[Tensor, "task inputs"]:
        """The embedding of each descriptor's nearest task."""
        return self.table[self.nearest(descriptors)]

    def nearest(self, descriptors: Float[Tensor, "task dim"]) -> Tensor:
        """The number of each descriptor's nearest task, (G,)."""
        known = descriptors.isfinite()
        there, tasks = torch.where(known, descriptors, 0.0).double(), self.tasks.double()
        # |d - t|^2 over the known columns, less |d|^2, which is the same for all tasks
        distance = known.double() @ tasks.square().t() - 2 * there @ tasks.t()
        return distance.argmin(dim=1)

    def sample(self, tasks: int) -> Float[Tensor, "task dim"]:
        """Descriptors of the training tasks, in turn."""
        return self.tasks[torch.randperm(tasks) % len(self.tasks)]


class Architecture(Encoder):
    """The target's own architecture: the width of each hidden layer, 0 where there is none.

    These are the rows of :meth:`hyperrl.nets.VaryingMLP.sizes` (SMASH, Brock et al., ICLR 2018). The
    output is the depth and, for each layer, whether it is there and its width, on a logarithmic scale.

    Args:
        max_depth: Number of columns, the largest number of hidden layers.
        max_width: The largest width.
    """

    def __init__(self, max_depth: int, max_width: int) -> None:
        check_arguments({"max_depth": integer(1), "max_width": integer(1)}, locals())
        super().__init__(max_depth, 1 + 2 * max_depth)
        self.max_width = max_width

    def forward(self, descriptors: Float[Tensor, "task dim"]) -> Float[Tensor, "task inputs"]:
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
