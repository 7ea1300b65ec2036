"""The hypernetwork: descriptors of tasks in, weights of a target network out."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from hyperrl.nets.generator import Generator
from hyperrl.nets.strategies import Full, LowRank
from hyperrl.nets.targets import Target
from hyperrl.nets.weights import Weights

_CALIBRATION_TASKS = 512


class HyperNetwork(nn.Module):
    """Generates the weights and biases of every layer of a target network from a task's descriptor.

    Args:
        descriptor_dim: Size D of a descriptor; 0 gives one task with one learned descriptor.
        target: The network whose weights are generated.
        strategy: What is generated: ``"low-rank"``, a rank-r change of shared weights, or ``"full"``,
            every weight by one head a layer.
        rank: r of the low-rank strategy.
        hidden: Sizes of the hypernetwork's own hidden layers; empty is a linear hypernetwork.
        activation: Activation after each of them.
        descriptor_range: The range of descriptors over which the generated weights start with the
            target's own statistics: two numbers, or two tensors (D,).

    Raises:
        ValueError: An unknown strategy.
    """

    def __init__(
        self,
        descriptor_dim: int,
        target: Target,
        strategy: str = "low-rank",
        rank: int = 8,
        hidden: Sequence[int] = (64,),
        activation: type[nn.Module] = nn.Tanh,
        descriptor_range: tuple[Tensor | float, Tensor | float] = (-1.0, 1.0),
    ) -> None:
        super().__init__()
        self.descriptor_dim = descriptor_dim
        if strategy == "low-rank":
            self.strategy: LowRank | Full = LowRank(target.layers, rank)
        elif strategy == "full":
            self.strategy = Full(target.layers)
        else:
            raise ValueError(f"strategy: found {strategy!r}; allowed: 'low-rank', 'full'")
        self.learned = nn.Parameter(torch.ones(1, 1)) if descriptor_dim == 0 else None
        self.generator = Generator(max(descriptor_dim, 1), hidden, self.strategy.outputs, activation)
        self._calibrate(*descriptor_range)

    @torch.no_grad()
    def _calibrate(self, low: Tensor | float, high: Tensor | float) -> None:
        """Sets the generator's last layer by what it does on tasks all over the range, corners among them."""
        low, high = torch.as_tensor(low, dtype=torch.float32), torch.as_tensor(high, dtype=torch.float32)
        sample = torch.rand(_CALIBRATION_TASKS, self.descriptor_dim)
        sample[: len(sample) // 2].round_()
        features = self.generator.features(self._given(low + (high - low) * sample))
        self.generator.set_head(*self.strategy.head(features))

    def _given(self, descriptors: Tensor) -> Tensor:
        return descriptors if self.learned is None else self.learned.expand(len(descriptors), 1)

    @property
    def factored(self) -> bool:
        """Whether weights stay in their factors, at a cost that does not depend on the number of tasks."""
        return self.strategy.factored

    def forward(
        self, descriptors: Float[Tensor, "task descriptor"], index: Int[Tensor, " row"] | None = None
    ) -> Weights:
        """Generates the weights of the given tasks.

        Args:
            descriptors: (G, D), the distinct tasks.
            index: (B,), the task of each row that the target will be applied to, in any order. None: row i
                is task i, or all rows are the one task where G is 1.
        """
        weights: Weights = self.strategy(self.generator(self._given(descriptors)), index)
        return weights
