"""An encoder of transitions: what a window of an episode says about its task."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hyperrl.arguments import SIZES, check_arguments, integer
from hyperrl.nets.encoders.base import Encoder

_SMALLEST = 1e-6
"""Added to a mean square before it divides."""


class Transitions(Encoder):
    """The transitions of a window, whose order does not matter.

    Each transition passes the same multilayer perceptron, and a second layer reads the mean of the outputs,
    as in Deep Sets (Zaheer et al., NeurIPS 2017, eq. 4), and the part of the window that holds transitions.
    Its outputs are divided by their root mean square, so that they keep their size whatever the layer's
    weights are, and squashed by tanh: the inputs of the hypernetwork lie in (-1, 1).

    Args:
        columns: Size of a transition, such as those of its observation, action and change together.
        window: The most transitions, K.
        out_dim: Number of inputs of the hypernetwork, at least 2.
        hidden: Sizes of the hidden layers that each transition passes.

    A descriptor (K * (columns + 1),) holds K rows, one after the other, of a transition and a last entry: 1
    where there is one, and 0 where the row is empty.
    """

    def __init__(self, columns: int, window: int, out_dim: int, hidden: Sequence[int] = (64, 64)) -> None:
        check_arguments(
            {"columns": integer(1), "window": integer(1), "out_dim": integer(2), "hidden": SIZES}, locals()
        )
        super().__init__(window * (columns + 1), out_dim)
        self.columns, self.window = columns, window
        sizes = (columns, *hidden)
        layers: list[nn.Module] = []
        for before, after in pairwise(sizes):
            layers += [nn.Linear(before, after), nn.ReLU()]
        self.embedding = nn.Sequential(*layers)
        self.summary = nn.Linear(sizes[-1] + 1, out_dim)

    def forward(self, descriptors: Float[Tensor, "task dim"]) -> Float[Tensor, "task inputs"]:
        """The inputs for each window."""
        transitions, present = torch.split(
            descriptors.reshape(-1, self.window, self.columns + 1), [self.columns, 1], dim=2
        )
        count = present.sum(dim=1)
        mean = (self.embedding(transitions) * present).sum(dim=1) / count.clamp(min=1)
        outputs: Tensor = self.summary(torch.cat([mean, count / self.window], dim=1))
        size = torch.sqrt(outputs.square().mean(dim=1, keepdim=True) + _SMALLEST)
        return torch.tanh(outputs / size)

    def sample(self, tasks: int) -> Float[Tensor, "task dim"]:
        """Standard normal transitions; each window has any number of them with the same probability."""
        rows = torch.randn(tasks, self.window, self.columns + 1)
        count = torch.randint(self.window + 1, (tasks, 1))
        rows[:, :, -1] = (torch.arange(self.window) < count).float()
        return rows.flatten(1)
