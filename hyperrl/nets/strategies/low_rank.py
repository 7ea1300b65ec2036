"""A low-rank change of shared weights."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from hyperrl.nets.flat import Flat
from hyperrl.nets.fused import Codes, FusedLayer, Saved, Upstream, fused_layers
from hyperrl.nets.grouping import SharedRows
from hyperrl.nets.layers import LayerSpec, fill_weight, initial_bias
from hyperrl.nets.outputs import Outputs
from hyperrl.nets.strategies.base import SHARE, SHARED_SCALE, Strategy, all_equal
from hyperrl.nets.weights import FactoredLinear, GeneratedLinear, Weights


class LowRank(Strategy):
    """A shared layer plus a low-rank change: ``[W; b](c) = [W0; b0] + [B; beta] diag(z(c)) A``.

    The form is LoRA's (Hu et al., ICLR 2022), with a generated diagonal between the factors.

    The hypernetwork generates only z(c) of each layer. The product is taken through the factors, so that
    a layer's cost does not depend on the number of tasks in a batch.

    Of each layer's 2 r directions, r start in its weights (beta is 0) and r in its bias (B is 0, and A too,
    so that biases start at zero). Where a task calls for an offset, such as a goal, a change through the
    weights alone learns it slowly or not at all.

    Args:
        layers: The layers to generate.
        rank: r.
    """

    factored = True

    def __init__(self, layers: Mapping[str, LayerSpec], rank: int = 8) -> None:
        super().__init__()
        self.rank = rank
        self.sections = dict.fromkeys(layers, 2 * rank)
        self.factors = Flat([shape for spec in layers.values() for shape in _shapes(spec, rank)])
        with torch.no_grad():
            for (base, bias, up), spec in zip(self._triples(), layers.values(), strict=True):
                out = spec.out_features
                base[:, out : out + rank], up[:rank] = _factors(spec, rank, base[:, :out])
                base[:, :out] *= SHARED_SCALE
                bias[:out], bias[out + rank :] = initial_bias(spec), 1.0
        self.fused_layers = fused_layers(FusedLowRank, self.sections, self.factors.places)

    def head(self, features: Float[Tensor, "task features"]) -> tuple[Tensor, Tensor]:
        """The generator's last layer at the start, weight (features, outputs) and bias (outputs,).

        Over the tasks, z has mean 0, and a mean square of 1 at most in every
        layer's weights and in its bias.
        """
        weight = nn.init.orthogonal_(torch.empty(features.shape[1], self.outputs))
        center = features.mean(dim=0)
        squares = ((features - center) @ weight).view(features.shape[0], -1, self.rank).square().mean(dim=2)
        largest = squares.amax(dim=0).clamp_min(1e-12).sqrt()
        if all_equal(features):
            largest.fill_(torch.inf)
        weight = weight / largest.repeat_interleave(self.rank)
        return weight, -center @ weight

    def forward(self, outputs: Outputs, index: Int[Tensor, " row"] | None) -> Weights:
        """The weights in their factors."""
        codes = outputs.values()
        row_codes = task_codes = torch.split(codes, 2 * self.rank, dim=1)
        if index is not None:
            row_codes = torch.split(codes.index_select(0, index), 2 * self.rank, dim=1)
        layers: dict[str, GeneratedLinear] = {
            name: FactoredLinear(*triple, code, row)
            for name, triple, code, row in zip(
                self.sections, self._triples(), task_codes, row_codes, strict=True
            )
        }
        return Weights(layers, SharedRows())

    def _triples(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """[W0, B], [b0, beta] and A of each layer."""
        factors = self.factors()
        return zip(factors[::3], factors[1::3], factors[2::3], strict=True)

    @property
    def flat(self) -> Flat:
        """The parameter that all tasks share."""
        return self.factors


def _shapes(spec: LayerSpec, rank: int) -> tuple[tuple[int, ...], ...]:
    """Shapes of [W0, B], [b0, beta] and A."""
    both = spec.out_features + 2 * rank
    return (spec.in_features, both), (both,), (2 * rank, spec.out_features)


def _factors(spec: LayerSpec, rank: int, weight: Float[Tensor, "inputs outputs"]) -> tuple[Tensor, Tensor]:
    """Sets W0 (in, out); returns the r directions of B (in, r) and A (r, out) that start in its weights.

    B diag(z) A has ``SHARE`` of W0's variance where the mean square of z is 1. Columns of B and rows of A
    are vectors of two orthonormal bases. An orthogonal W0 maps these bases onto each other, and no pair that
    W0 joins is taken, so that W0 and the r matrices of rank one are orthogonal to each other. A layer too
    small for r such pairs starts the rest of A at zero. No more vectors of a basis are made than are used:
    a whole basis takes time in proportion to the cube of its size.
    """
    into, out = spec.in_features, spec.out_features
    joined = min(into, out, rank + 1)
    pairs = list(islice(_unjoined(min(into, joined + rank), min(out, joined + rank)), rank))
    columns = max([joined, *(column + 1 for column, _ in pairs)])
    rows = max([joined, *(row + 1 for _, row in pairs)])
    inputs = nn.init.orthogonal_(torch.empty(into, columns))
    outputs = nn.init.orthogonal_(torch.empty(rows, out))
    if spec.gain is not None and joined == min(into, out):
        torch.mm(inputs[:, :joined], outputs[:joined], out=weight).mul_(spec.gain)
    else:
        fill_weight(weight, spec)
        if spec.gain and into <= out:
            outputs = inputs.t() @ weight / spec.gain
        elif spec.gain:
            inputs = weight @ outputs.t() / spec.gain
    down, up = _unit_columns(into, rank), torch.zeros(rank, out)
    if pairs:
        chosen_columns, chosen_rows = (list(chosen) for chosen in zip(*pairs, strict=True))
        down[:, : len(pairs)], up[: len(pairs)] = inputs[:, chosen_columns], outputs[chosen_rows]
    return down, up * math.sqrt(SHARE * spec.mean_square * into * out / max(len(pairs), 1))


def _unjoined(inputs: int, outputs: int) -> Iterator[tuple[int, int]]:
    """Pairs of different basis vectors, neighbors first."""
    larger = max(inputs, outputs)
    for shift in range(1, larger):
        for column in range(inputs):
            row = (column + shift) % larger
            if row < outputs:
                yield column, row


def _unit_columns(rows: int, columns: int) -> Tensor:
    return nn.functional.normalize(torch.randn(rows, columns), dim=0)


_NARROW = 32
"""Columns of [W0, B] below which the gradient takes half the time as its transpose."""


class FusedLowRank(FusedLayer):
    """``[p, q] = x [W0, B] + [b0, beta]`` and ``y = p + (q * z(c)) A``.

    The shared tensors are [W0, B], [b0, beta] and A, the codes z.
    """

    def forward(self, h: Tensor, codes: Codes, shared: Sequence[Tensor]) -> tuple[Tensor, Saved]:
        """See :meth:`FusedLayer.forward`."""
        base, bias, up = shared
        both, out = torch.baddbmm(bias, h, base), up.shape[2]
        p, q = both.narrow(2, 0, out), both.narrow(2, out, self.width)
        coded = q * codes
        # what belongs to a graph is not written over
        y = torch.baddbmm(p, coded, up) if torch.is_grad_enabled() else p.baddbmm_(coded, up)
        return y, (q, coded, codes)

    def backward(self, upstream: Upstream, h: Tensor, saved: Saved, shared: Sequence[Tensor]) -> None:
        """See :meth:`FusedLayer.backward`."""
        (q, coded, codes), (base, _, up) = saved, shared
        both = h.new_empty(*h.shape[:2], base.shape[2])
        of_p, of_q = both.narrow(2, 0, up.shape[2]), both.narrow(2, up.shape[2], self.width)
        upstream.before_activation(of_p)
        of_coded = torch.bmm(of_p, up.mT)
        torch.mul(of_coded, codes, out=of_q)
        if upstream.codes is not None:
            torch.mul(of_coded, q, out=upstream.codes)
        if upstream.shared is not None:
            of_base, of_bias, of_up = upstream.shared
            if base.shape[2] < _NARROW:
                of_base.copy_(torch.bmm(both.mT, h).mT)
            else:
                torch.bmm(h.mT, both, out=of_base)
            torch.sum(both, dim=1, keepdim=True, out=of_bias)
            torch.bmm(coded.mT, of_p, out=of_up)
        if upstream.inputs is not None:
            torch.bmm(both, base.mT, out=upstream.inputs)
