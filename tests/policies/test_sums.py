"""A sum of networks is one network."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from hyperrl.policies.sums import sum_of


def network(hidden: tuple[int, ...]) -> nn.Sequential:
    sizes = (3, *hidden, 2)
    modules: list[nn.Module] = []
    for size, following in pairwise(sizes):
        modules += [nn.Linear(size, following), nn.Tanh()]
    return nn.Sequential(*modules[:-1])


@pytest.mark.parametrize("widths", [[(), ()], [(5,), (4,)], [(5, 6), (4, 7), (3, 3)]])
def test_outputs_add_up(widths: list[tuple[int, ...]]) -> None:
    networks, factors = [network(hidden) for hidden in widths], [0.5, -2.0, 3.0][: len(widths)]
    x, together = torch.randn(7, 3), sum_of(networks, factors)
    with torch.no_grad():
        expected = torch.stack([factor * each(x) for each, factor in zip(networks, factors, strict=True)])
        torch.testing.assert_close(together(x), expected.sum(dim=0))
    assert not any(parameter.requires_grad for parameter in together.parameters())


def test_networks_must_be_alike_and_plain() -> None:
    with pytest.raises(ValueError, match=r"found \['Tanh', 'ReLU'\]"):
        sum_of([network((4,)), nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))], [1, 1])
    normalized = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 2))
    with pytest.raises(ValueError, match="LayerNorm"):
        sum_of([normalized, normalized], [1, 1])
