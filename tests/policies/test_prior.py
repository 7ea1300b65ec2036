"""Prior functions: fixed, of mean zero over indices, and a plain network for each of them."""

import torch
from torch import nn

from hyperrl.nets import MLP
from hyperrl.policies.prior import PriorFunction


def prior(scale: float = 1.0) -> PriorFunction:
    torch.manual_seed(0)
    return PriorFunction(MLP(4, 3, (16, 16), nn.ReLU), context_dim=2, index_dim=5, scale=scale)


def rows(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    contexts = torch.cat([torch.rand(count, 2) * 2 - 1, torch.randn(count, 5)], dim=1)
    return torch.randn(count, 4), contexts


def test_values_are_linear_in_the_index_and_scaled() -> None:
    made, (x, contexts) = prior(), rows(6)
    doubled = torch.cat([contexts[:, :2], 2 * contexts[:, 2:]], dim=1)
    torch.testing.assert_close(made(x, doubled), 2 * made(x, contexts))
    torch.testing.assert_close(prior(7.0)(x, contexts), 7 * made(x, contexts))
    zero = torch.cat([contexts[:, :2], torch.zeros(6, 5)], dim=1)
    assert not made(x, zero).any()


def test_values_differ_between_observations_contexts_and_indices() -> None:
    made, (x, contexts) = prior(), rows(2)
    base = made(x[:1], contexts[:1])
    other_context = torch.cat([contexts[1:, :2], contexts[:1, 2:]], dim=1)
    for changed in (made(x[1:], contexts[:1]), made(x[:1], other_context), made(x[:1], contexts[1:])):
        assert (changed - base).abs().max() > 0.01
    beyond = torch.cat([torch.full((1, 2), 9.0), contexts[:1, 2:]], dim=1)
    edge = torch.cat([torch.ones(1, 2), contexts[:1, 2:]], dim=1)
    assert torch.equal(made(x[:1], beyond), made(x[:1], edge))
    missing = torch.cat([torch.full((1, 2), torch.nan), contexts[:1, 2:]], dim=1)
    assert made(x[:1], missing).isfinite().all()


def test_nothing_of_it_learns_and_all_of_it_is_stored() -> None:
    made = prior()
    assert list(made.parameters()) == []
    assert len(made.state_dict()) == 5


def test_one_context_and_index_have_a_plain_network() -> None:
    made, (x, contexts) = prior(), rows(6)
    plain = made.specialize(contexts[0])
    torch.testing.assert_close(plain(x), made(x, contexts[:1].expand(6, -1)))
