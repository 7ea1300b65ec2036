"""The last layer of a generator, from features to outputs, as a separate parameter."""

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from hyperrl.nets.flat import Flat


class Head(nn.Module):
    """The heads as a separate parameter, with an optional normalization.

    Args:
        features: Size F of the features.
        sections: Sizes of the sections of outputs; each has a head.
        normalization: ``"weight"`` learns direction and length of each output's weights separately (Salimans
            and Kingma, NeurIPS 2016); ``"spectral"`` fixes the largest singular value of each head at its
            initial value, which bounds how fast weights change with the features (Miyato et al., ICLR 2018).
    """

    limits: Tensor

    def __init__(self, features: int, sections: Sequence[int], normalization: str | None) -> None:
        super().__init__()
        self.sections, self.normalization = tuple(sections), normalization
        outputs = sum(self.sections)
        length = [(outputs,)] if normalization == "weight" else []
        self.layers = Flat([(features, outputs), (outputs,), *length])
        if normalization == "spectral":
            self.register_buffer("limits", torch.zeros(len(self.sections)))

    def forward(self) -> tuple[Tensor, Tensor]:
        """Weight (F, outputs) and bias (outputs,)."""
        weight, bias, *length = self.layers()
        if self.normalization == "weight":
            return functional.normalize(weight, dim=0) * length[0], bias
        if self.normalization == "spectral":
            scale = self.limits / torch.stack(list(self._norms(weight))).clamp_min(1e-12)
            sizes = torch.tensor(self.sections, device=weight.device)
            return weight * scale.repeat_interleave(sizes, output_size=weight.shape[1]), bias
        return weight, bias

    def _norms(self, weight: Tensor) -> Iterator[Tensor]:
        for head in torch.split(weight, list(self.sections), dim=1):
            square = head @ head.t() if head.shape[0] <= head.shape[1] else head.t() @ head
            yield torch.linalg.eigvalsh(square)[-1].clamp_min(1e-24).sqrt()

    @torch.no_grad()
    def set(self, weight: Float[Tensor, "features outputs"], bias: Float[Tensor, " outputs"]) -> None:
        """Sets what :meth:`forward` returns."""
        direction, head_bias, *length = self.layers()
        direction.copy_(weight)
        head_bias.copy_(bias)
        if self.normalization == "weight":
            length[0].copy_(weight.norm(dim=0))
            direction.copy_(torch.where(length[0] > 0, weight, torch.randn_like(weight)))
        elif self.normalization == "spectral":
            self.limits.copy_(torch.stack(list(self._norms(weight))))
