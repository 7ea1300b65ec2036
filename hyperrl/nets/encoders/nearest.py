"""A learned embedding of the nearest of the tasks seen in training."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hyperrl.arguments import integer, short_repr
from hyperrl.nets.encoders.base import Encoder


class NearestTask(Encoder):
    """One learned embedding a training task; any other descriptor takes that of the nearest of them.

    Distance is Euclidean over the columns that are there; those that are missing (NaN) have no part.

    Args:
        tasks: The descriptors of the training tasks, one a row. They are a part of the module's state.
        features: Size of an embedding.

    Raises:
        ValueError: No tasks, or descriptors of no size.
    """

    tasks: Tensor

    def __init__(self, tasks: Sequence[Sequence[float]], features: int = 8) -> None:
        integer(1).check("features", features)
        try:
            table = torch.as_tensor(tasks, dtype=torch.float32)
        except (TypeError, ValueError, RuntimeError):
            raise ValueError(
                f"tasks: found {short_repr(tasks)}; allowed: rows of numbers, equally long"
            ) from None
        if table.dim() != 2 or not table.numel():
            raise ValueError(f"tasks: found {tuple(table.shape)} numbers; allowed: one row or more a task")
        super().__init__(table.shape[1], features)
        self.register_buffer("tasks", table)
        self.table = nn.Parameter(torch.randn(len(table), features))

    def forward(self, descriptors: Float[Tensor, "task dim"]) -> Float[Tensor, "task features"]:
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
        """Descriptors of the training tasks, each in turn."""
        return self.tasks[torch.randperm(tasks) % len(self.tasks)]
