"""The last layer of a generator: from features to the numbers that weights are made of."""

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from hyperrl.nets.flat import Flat


def apply_head(
    features: Float[Tensor, "task ... features"],
    weight: Float[Tensor, "features outputs"],
    bias: Float[Tensor, " outputs"],
    blocks: Sequence[int],
) -> Float[Tensor, "task outputs"]:
    """The outputs of each task.

    Args:
        features: (G, F), seen by all blocks of outputs, or (G, L, F), one vector a block.
        weight: (F, outputs).
        bias: (outputs,).
        blocks: Sizes of the L blocks.
    """
    if features.dim() == 2:
        return torch.addmm(bias, features, weight)
    tasks, count, size = features.shape
    if len(set(blocks)) == 1:
        heads = weight.view(size, count, -1).transpose(0, 1)
        outputs = torch.baddbmm(bias.view(count, 1, -1), features.transpose(0, 1), heads)
        return outputs.transpose(0, 1).reshape(tasks, -1)
    weights, biases = torch.split(weight, list(blocks), dim=1), torch.split(bias, list(blocks))
    parts = zip(features.unbind(1), weights, biases, strict=True)
    return torch.cat([torch.addmm(b, f, w) for f, w, b in parts], dim=1)


class Head(nn.Module):
    """The heads as parameters of their own, normalized if asked.

    Args:
        features: Size F of the features.
        blocks: Sizes of the blocks of outputs, one head each.
        normalization: ``"weight"`` learns direction and length of each output's weights apart (Salimans and
            Kingma, NeurIPS 2016); ``"spectral"`` holds the largest singular value of each head where it was
            set, which bounds how fast weights can change with the features (Miyato et al., ICLR 2018).
    """

    limits: Tensor

    def __init__(self, features: int, blocks: Sequence[int], normalization: str | None) -> None:
        super().__init__()
        self.blocks, self.normalization = tuple(blocks), normalization
        outputs = sum(self.blocks)
        tensors = [torch.zeros(features, outputs), torch.zeros(outputs)]
        if normalization == "weight":
            tensors.append(torch.zeros(outputs))
        self.layers = Flat(tensors)
        if normalization == "spectral":
            self.register_buffer("limits", torch.zeros(len(self.blocks)))

    def forward(self) -> tuple[Tensor, Tensor]:
        """Weight (F, outputs) and bias (outputs,)."""
        weight, bias, *length = self.layers()
        if self.normalization == "weight":
            return functional.normalize(weight, dim=0) * length[0], bias
        if self.normalization == "spectral":
            scale = self.limits / torch.stack(list(self._norms(weight))).clamp_min(1e-12)
            sizes = torch.tensor(self.blocks, device=weight.device)
            return weight * scale.repeat_interleave(sizes, output_size=weight.shape[1]), bias
        return weight, bias

    def _norms(self, weight: Tensor) -> Iterator[Tensor]:
        for head in torch.split(weight, list(self.blocks), dim=1):
            square = head @ head.t() if head.shape[0] <= head.shape[1] else head.t() @ head
            yield torch.linalg.eigvalsh(square)[-1].clamp_min(1e-24).sqrt()

    @torch.no_grad()
    def set(self, weight: Float[Tensor, "features outputs"], bias: Float[Tensor, " outputs"]) -> None:
        """Sets what :meth:`forward` returns."""
        own, own_bias, *length = self.layers()
        own.copy_(weight)
        own_bias.copy_(bias)
        if self.normalization == "weight":
            length[0].copy_(weight.norm(dim=0))
            own.copy_(torch.where(length[0] > 0, weight, torch.randn_like(weight)))
        elif self.normalization == "spectral":
            self.limits.copy_(torch.stack(list(self._norms(weight))))
