"""The outputs of a generator, before or after they are computed from its features."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Outputs(NamedTuple):
    """The numbers from which a strategy makes the weights of tasks: ``features @ weight + bias``.

    A strategy computes them with :meth:`values`, or takes products through the factors.

    Args:
        features: Inputs of the generator's last layer: (G, F), or (G, L, F), a vector for each section.
        weight: Of the last layer, (F, outputs).
        bias: Of the last layer, (outputs,).
        sections: How many outputs belong to each of the L generated layers.
    """

    features: Float[Tensor, "task ... features"]
    weight: Float[Tensor, "features outputs"]
    bias: Float[Tensor, " outputs"]
    sections: Sequence[int]

    @property
    def tasks(self) -> int:
        """Number of tasks G."""
        return self.features.shape[0]

    def values(self) -> Float[Tensor, "task outputs"]:
        """The outputs of each task."""
        features, weight, bias, sections = self
        if features.dim() == 2:
            return torch.addmm(bias, features, weight)
        tasks, count, size = features.shape
        if len(set(sections)) == 1:
            joined = weight.view(size, count, -1).transpose(0, 1)
            outputs: Tensor = torch.baddbmm(bias.view(count, 1, -1), features.transpose(0, 1), joined)
            return outputs.transpose(0, 1).reshape(tasks, -1)
        weights, biases = torch.split(weight, list(sections), dim=1), torch.split(bias, list(sections))
        heads = zip(features.unbind(1), weights, biases, strict=True)
        return torch.cat([torch.addmm(b, f, w) for f, w, b in heads], dim=1)
