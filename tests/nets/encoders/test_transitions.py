"""The encoder of transitions: order, empty rows and size do not matter."""

import pytest
import torch

from hyperrl.nets import MLP, HyperNetwork
from hyperrl.nets.encoders import Transitions


def encoder() -> Transitions:
    torch.manual_seed(0)
    return Transitions(3, window=4, out_dim=5, hidden=(16,))


def windows(*counts: int) -> torch.Tensor:
    rows = torch.randn(len(counts), 4, 4)
    rows[:, :, -1] = torch.tensor([[float(row < count) for row in range(4)] for count in counts])
    return rows


def test_the_order_of_transitions_does_not_matter() -> None:
    network, rows = encoder(), windows(3)
    found = network(rows.flatten(1))
    torch.testing.assert_close(network(rows[:, [2, 3, 0, 1]].flatten(1)), found)
    rows[0, 1, 0] += 1
    assert not torch.allclose(network(rows.flatten(1)), found, atol=1e-3)


def test_what_empty_rows_hold_does_not_matter() -> None:
    network, rows = encoder(), windows(2, 0)
    found = network(rows.flatten(1))
    rows[:, 2:, :-1] = 9.0
    torch.testing.assert_close(network(rows.flatten(1)), found)
    assert not torch.allclose(found[0], found[1], atol=1e-3)


def test_outputs_have_one_size_whatever_the_weights_are() -> None:
    network, rows = encoder(), windows(1, 2, 3, 4).flatten(1)
    before = network(rows)
    with torch.no_grad():
        for parameter in network.summary.parameters():
            parameter.mul_(50)
    torch.testing.assert_close(network(rows), before, rtol=1e-2, atol=1e-2)
    assert 0.3 < before.square().mean().sqrt() < 1


def test_windows_of_all_lengths_are_sampled() -> None:
    rows = encoder().sample(500).reshape(500, 4, 4)
    counts = torch.bincount(rows[:, :, -1].sum(dim=1).long())
    assert len(counts) == 5
    assert int(counts.min()) > 50


def test_a_hypernetwork_learns_through_it() -> None:
    network = encoder()
    target = MLP(2, 1)
    hyper = HyperNetwork(network.dim, target, encoder=network)
    target(torch.randn(3, 2), hyper(windows(1, 2, 4).flatten(1))).sum().backward()
    assert all(float(parameter.grad.abs().max()) > 0 for parameter in network.parameters())  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("arguments", "name"), [((3, 0, 5), "window"), ((3, 4, 1), "out_dim"), ((0, 4, 5), "columns")]
)
def test_sizes_that_are_too_small_are_refused(arguments: tuple[int, int, int], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        Transitions(*arguments)
