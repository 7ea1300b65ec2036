"""A transformer over one token for each generated layer."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from hyperrl.nets.generators.base import Generator, bending_layers, plain_layer

_HEADS = 4


class TransformerGenerator(Generator):
    """Self-attention over one token for each generated layer (Vaswani et al., NeurIPS 2017).

    A token starts as a learned embedding of the layer plus a hidden layer of the descriptor.
    Blocks of self-attention and a hidden layer (pre-norm, Xiong et al., ICML 2020) let layers be generated
    with regard to each other; a layer's features are its token. Norms have no parameters. ``hidden`` are
    equal widths of the tokens, one for each transformer block.
    """

    def _body(self, descriptor_dim: int, hidden: Sequence[int]) -> tuple[list[Tensor], int]:
        width = hidden[0]
        body = [torch.randn(len(self.sections), width), *bending_layers((descriptor_dim, width))]
        gain = 1 / math.sqrt(2 * len(hidden))
        for _ in hidden:
            body += [*plain_layer(width, 3 * width), *plain_layer(width, width, gain)]
            body += [*plain_layer(width, 2 * width), *plain_layer(2 * width, width, gain)]
        return body, width

    @property
    def attention_heads(self) -> int:
        """Number of heads: up to four, as the width can be shared out."""
        return math.gcd(self.features_dim, _HEADS)

    def _features(self, descriptors: Tensor, body: Sequence[Tensor]) -> Tensor:
        embeddings, weight, bias, *rest = body
        h = self.activation(torch.addmm(bias, descriptors, weight)).unsqueeze(1) + embeddings
        for start in range(0, len(rest), 8):
            mix, mix_bias, merge, merge_bias, into, into_bias, out, out_bias = rest[start : start + 8]
            h = h + self._attend(_norm(h) @ mix + mix_bias) @ merge + merge_bias
            h = h + self.activation(_norm(h) @ into + into_bias) @ out + out_bias
        return _norm(h)

    def _attend(self, mixed: Tensor) -> Tensor:
        """Attention of queries, keys and values, (G, L, 3 F) to (G, L, F)."""
        tasks, tokens, _ = mixed.shape
        split = mixed.view(tasks, tokens, 3, self.attention_heads, -1).permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(split[0], split[1], split[2])
        return attended.transpose(1, 2).flatten(2)


def _norm(h: Tensor) -> Tensor:
    return functional.layer_norm(h, h.shape[-1:])
