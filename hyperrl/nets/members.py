"""Several networks that share nothing, in the form of a hypernetwork."""

import torch
from torch import Tensor

from hyperrl.config import GenerationConfig
from hyperrl.nets.generators import Generator
from hyperrl.nets.generators.table import TableGenerator
from hyperrl.nets.hypernetwork import HyperNetwork
from hyperrl.nets.layers import LayerSpec, initial_bias, initial_weight
from hyperrl.nets.targets import Target


class SeparateMembers(HyperNetwork):
    """A hypernetwork that is a table of networks: an ensemble, each member of which starts and learns alone.

    Descriptors are a 1 among zeros, at the member's place.

    Args:
        members: How many.
        target: The network that each of them is.
    """

    def __init__(self, members: int, target: Target) -> None:
        super().__init__(members, target, "full")

    def _make_generator(self, inputs: int, config: GenerationConfig, separate_head: bool) -> Generator:
        return TableGenerator(inputs, tuple(self.strategy.sections.values()))

    def _initialize(self, config: GenerationConfig, sample: Tensor, layers: dict[str, LayerSpec]) -> None:
        """Every member starts as the plain network does."""
        rows = []
        for _ in range(self.descriptor_dim):
            parts = [(initial_weight(spec).flatten(), initial_bias(spec)) for spec in layers.values()]
            rows.append(torch.cat([part for pair in parts for part in pair]))
        assert isinstance(self.generator, TableGenerator)
        self.generator.set_rows(torch.stack(rows))
