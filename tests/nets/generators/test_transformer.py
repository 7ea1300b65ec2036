"""The transformer's attention."""

import math

import torch

from hyperrl.nets.generators.transformer import TransformerGenerator


def test_attention_equals_its_definition() -> None:
    torch.manual_seed(0)
    generator = TransformerGenerator(3, (8,), (2, 2, 2))
    mixed = torch.randn(5, 3, 24)
    found = generator._attend(mixed)
    query, key, value = torch.split(mixed, 8, dim=2)
    for head in range(4):
        own = slice(2 * head, 2 * head + 2)
        scores = query[..., own] @ key[..., own].transpose(1, 2) / math.sqrt(2)
        torch.testing.assert_close(found[..., own], scores.softmax(dim=-1) @ value[..., own])
