"""The part of a view that answers for policies with an index: which of many networks acts."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from hyperrl.index_config import IndexConfig
from hyperrl.policies.base import HyperPolicy
from hyperrl.policies.indices import draw_indices, for_each_index
from hyperrl.policies.noise import indices_of


class IndexView:
    """Base of views: of policies where noise is among the hypernetwork's inputs, it plays many networks."""

    policy: Any
    hyper: HyperPolicy | None

    def act_outputs(self, observation: Any) -> Tensor:
        """The outputs that determine the deterministic action, (batch, outputs)."""
        raise NotImplementedError

    @property
    def index(self) -> IndexConfig | None:
        """What the noise is that its hypernetwork sees; None without."""
        hyper = self.hyper
        if hyper is None or not hyper.parts or "noise" not in hyper.config.inputs:
            return None
        return hyper.config.index

    def draw_indices(self, count: int, seed: int = 0) -> Tensor:
        """Indices, (index, dim), from a generator of their own; each member once, where they are members.

        Args:
            count: How many, unless they are members.
            seed: Of the draws.

        Raises:
            ValueError: A policy without an index.
        """
        if self.index is None or self.hyper is None:
            raise ValueError(f"{type(self.policy).__name__}: found no 'noise' in inputs; an index needs it")
        return draw_indices(self.hyper.config, count, seed).to(self.hyper.device)

    def draw_indices_of_rows(self, count: int, seed: int = 0) -> Tensor:
        """An index for each of so many rows, (row, dim), members too; as :meth:`draw_indices`."""
        if self.index is None or self.hyper is None:
            raise ValueError(f"{type(self.policy).__name__}: found no 'noise' in inputs; an index needs it")
        generator = torch.Generator().manual_seed(seed)
        normal = torch.randn(count, self.hyper.config.index_dim, generator=generator)
        return indices_of(self.index.kind, normal).to(self.hyper.device)

    @torch.no_grad()
    def act_outputs_by_index(self, observation: Any, indices: Tensor) -> Tensor:
        """:meth:`act_outputs` of each index, (index, row, outputs), all in one pass.

        Args:
            observation: As tensors, (row, ...), with the family's own context.
            indices: (index, dim).
        """
        outputs = self.act_outputs(for_each_index(observation, indices))
        return outputs.view(len(indices), -1, *outputs.shape[1:])

    @torch.no_grad()
    def values_by_index(self, observation: Any, indices: Tensor) -> Tensor:
        """The value of each index's own deterministic action, (index, row), all in one pass.

        Args:
            observation: As tensors, (row, ...), with the family's own context.
            indices: (index, dim).
        """
        return self.values(for_each_index(observation, indices)).view(len(indices), -1)

    def values(self, observation: Any) -> Tensor:
        """The value of the deterministic action, by the lowest of several critics, (row,).

        Args:
            observation: As tensors.
        """
        raise NotImplementedError
