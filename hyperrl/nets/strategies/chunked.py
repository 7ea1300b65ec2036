"""Weights generated in chunks by one small shared head."""

import math
from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from hyperrl.nets.flat import Flat
from hyperrl.nets.grouping import layout_of
from hyperrl.nets.layers import LayerSpec, initial_bias, initial_weight
from hyperrl.nets.outputs import Outputs
from hyperrl.nets.strategies.base import Strategy, zero_mean_head
from hyperrl.nets.weights import DenseLinear, GeneratedLinear, Weights

_LEAST = 0.05
"""Least mean square that chunks are assumed to have before they are scaled; large ones have 0.4."""


class Chunked(Strategy):
    """All weights are cut into chunks of one size; one head generates each from its learned embedding.

    Chunked hypernetworks (von Oswald et al., ICLR 2020). Chunk k of task c is
    ``(s_k * tanh(u(c) + v_k)) C``: u(c) is what the hypernetwork generates, (v_k, s_k) the embedding of the
    chunk and C the head that all chunks share, so that the number of parameters hardly grows with the
    target. Biases are shared ones plus chunks of their own.

    Args:
        layers: The layers to generate.
        chunk_size: Number of weights in a chunk.
        width: Size of u(c), v_k and s_k.
    """

    def __init__(self, layers: Mapping[str, LayerSpec], chunk_size: int = 256, width: int = 64) -> None:
        super().__init__()
        self.specs, self.size, self.width = dict(layers), chunk_size, width
        self.sections = {"chunks": width}
        biases = torch.cat([initial_bias(spec) for spec in layers.values()])
        self._counts = [math.ceil(spec.entries / chunk_size) for spec in layers.values()]
        self._counts.append(math.ceil(biases.numel() / chunk_size))
        shifts = torch.randn(sum(self._counts), width)
        head = torch.randn(width, chunk_size)
        if chunk_size > 1:
            head -= head.mean(dim=1, keepdim=True)
        head = nn.functional.normalize(head, dim=1) * math.sqrt(chunk_size / width)
        self.shared = Flat([shifts, self._scales(shifts, head), head, biases])
        self._add_offsets()

    def _scales(self, shifts: Tensor, head: Tensor) -> Tensor:
        """Scales that give each layer the mean square of its weights; bias chunks start at 0.

        The scale of a layer with few and tiny weights is limited.
        """
        chunks = torch.split((shifts.tanh() @ head).square(), self._counts)
        scales = [
            math.sqrt(spec.mean_square / max(float(chunk.flatten()[: spec.entries].mean()), _LEAST))
            for chunk, spec in zip(chunks, self.specs.values(), strict=False)
        ]
        by_chunk = torch.tensor([*scales, 0.0]).repeat_interleave(torch.tensor(self._counts))
        return by_chunk.unsqueeze(1).expand_as(shifts)

    @torch.no_grad()
    def _add_offsets(self) -> None:
        """Where a layer starts from existing weights, its chunks are changes of these."""
        self.offsets = nn.ParameterDict()
        chunks = self._chunks(torch.zeros(1, self.width))[0]
        for number, (chunk, spec) in enumerate(zip(chunks, self.specs.values(), strict=True)):
            if spec.start is not None:
                self.offsets[str(number)] = nn.Parameter(initial_weight(spec) - _cut(chunk, spec)[0])

    @torch.no_grad()
    def head(self, features: Float[Tensor, "task features"]) -> tuple[Tensor, Tensor]:
        """The generator's last layer at the start, weight (features, outputs) and bias (outputs,).

        u(c) has mean 0 over the tasks, moves no chunk by more than ``SHARE`` of its variance and
        leaves each layer's mean square unchanged to first order.
        """
        least = float(self.shared()[0].tanh().norm(dim=1).min())
        change = nn.init.orthogonal_(torch.empty(features.shape[1], self.width))
        growing = torch.linalg.qr(self._growing()[: self.width // 2].t()).Q
        change = change - change @ growing @ growing.t()
        return zero_mean_head(features, change, lambda codes: codes / least)

    @torch.enable_grad()
    def _growing(self) -> Float[Tensor, "layer width"]:
        """The directions of u in which the layers' mean squares grow."""
        shifts, scales, head, _ = (tensor.detach() for tensor in self.shared())
        codes = torch.zeros(1, self.width, requires_grad=True)
        *of_layers, _ = zip(shifts.split(self._counts), scales.split(self._counts), strict=True)
        grown = []
        for (shift, scale), spec in zip(of_layers, self.specs.values(), strict=True):
            chunks = (scale * torch.tanh(codes + shift)) @ head
            size = chunks.flatten()[: spec.entries].square().sum()
            grown.append(torch.autograd.grad(size, codes)[0])
        return nn.functional.normalize(torch.cat(grown), dim=1)

    def forward(self, outputs: Outputs, index: Int[Tensor, " row"] | None) -> Weights:
        """The materialized weights of the distinct tasks."""
        chunks, biases = self._chunks(outputs.values())
        layers: dict[str, GeneratedLinear] = {}
        for number, (name, spec) in enumerate(self.specs.items()):
            weight = _cut(chunks[number], spec)
            if spec.start is not None:
                weight = weight + self.offsets[str(number)]
            layers[name] = DenseLinear(weight, biases[number])
        return Weights(layers, layout_of(outputs.tasks, index))

    def _chunks(self, outputs: Tensor) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
        """Each layer's chunks (G, count, size), and biases (G, out)."""
        shifts, scales, head, biases = self.shared()
        codes = scales * torch.tanh(outputs.unsqueeze(1) + shifts)
        *weights, changes = torch.split(torch.matmul(codes, head), self._counts, dim=1)
        changed = biases + changes.flatten(1)[:, : biases.numel()]
        return weights, torch.split(changed, [spec.out_features for spec in self.specs.values()], dim=1)


def _cut(chunks: Float[Tensor, "task chunk size"], spec: LayerSpec) -> Float[Tensor, "task inputs outputs"]:
    return chunks.flatten(1)[:, : spec.entries].view(-1, spec.in_features, spec.out_features)
