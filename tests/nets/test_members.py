"""Members that share nothing."""

from typing import Any

import torch

from hyperrl.nets import MLP, SeparateMembers


def test_members_start_apart_as_plain_networks_do() -> None:
    torch.manual_seed(0)
    members = SeparateMembers(4, MLP(3, 2, (32, 32), gain=None))
    dense = members(torch.eye(4)).dense()
    first = dense["0.weight"].detach()
    assert first.shape == (4, 32, 3)
    assert (first[0] - first[1]).abs().max() > 0.1
    assert 0.5 < float(first.abs().max()) * 3**0.5 <= 1.0 + 1e-6
    correlation = torch.corrcoef(first.flatten(1))
    assert (correlation - torch.eye(4)).abs().max() < 0.4


def test_each_learns_alone() -> None:
    torch.manual_seed(0)
    members = SeparateMembers(3, MLP(3, 2, (8,)))
    before = {name: tensor.clone() for name, tensor in members(torch.eye(3)).dense().items()}
    optimizer = torch.optim.Adam(members.parameters(), 0.01)
    x = torch.randn(5, 3)
    weights = members(torch.eye(3)[[1]], torch.zeros(5, dtype=torch.long))
    members.target(x, weights).square().mean().backward()
    optimizer.step()
    after = members(torch.eye(3)).dense()
    for name, tensor in before.items():
        assert torch.equal(after[name][[0, 2]], tensor[[0, 2]])
        assert not torch.equal(after[name][1], tensor[1])


def test_rows_go_through_their_own_member() -> None:
    torch.manual_seed(0)
    members, x = SeparateMembers(3, MLP(3, 2, (8, 8))), torch.randn(6, 3)
    index = torch.tensor([0, 1, 2, 2, 1, 0])
    together = members.target(x, members(torch.eye(3), index))
    target: Any = members.target
    plain = [target.specialize(members(torch.eye(3)), number) for number in range(3)]
    expected = torch.stack([plain[number](row) for number, row in zip(index.tolist(), x, strict=True)])
    torch.testing.assert_close(together, expected)
