"""Targets as plain networks of one task, and several targets at once."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hyperrl.nets import MLP, STRATEGIES, HyperNetwork, Parallel
from tests.nets.cases import CASES, assert_equal, moved, naive, perturbed


def parts(plain: Any, generated: Any) -> list[tuple[Tensor, Tensor]]:
    """What a plain network gives beside what a target gives, latent left out."""
    both = zip(plain, generated, strict=True) if isinstance(plain, tuple) else [(plain, generated)]
    return [(one, other[..., : one.shape[-1]]) for one, other in both]


SPECIALIZED = [kind for kind in CASES if kind not in ("varying", "actor-critic")]


@pytest.mark.parametrize("kind", [kind for kind in SPECIALIZED if kind != "module"])
def test_plain_network_of_one_task_with_adapters_that_have_an_activation(kind: str) -> None:
    case = CASES[kind]()
    options = {"activation": nn.ReLU, "rank": 2}
    hyper = HyperNetwork(2, case.target, "adapter", hidden=(4,), strategy_options=options)
    moved(hyper)
    descriptors, x = torch.randn(4, 2), torch.randn(3, *case.shape)
    more = case.rest(slice(3))
    plain = case.target.specialize(hyper(descriptors), task=2)
    for one, other in parts(plain(x, *more), case.target(x, hyper(descriptors[2:3]), *more)):
        assert_equal(one, other)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("kind", SPECIALIZED)
def test_plain_network_of_one_task(kind: str, strategy: str) -> None:
    torch.manual_seed(0)
    case = CASES[kind]()
    hyper = HyperNetwork(2, case.target, strategy, rank=2, hidden=(4,))
    moved(hyper)
    descriptors, x = torch.randn(4, 2), torch.randn(3, *case.shape)
    more = case.rest(slice(3))
    plain = case.target.specialize(hyper(descriptors), task=2)
    for one, other in parts(plain(x, *more), case.target(x, hyper(descriptors[2:3]), *more)):
        assert_equal(one, other)
    assert not any(parameter.requires_grad for parameter in plain.parameters())


def test_a_parallel_target_applies_each_network_with_its_own_weights() -> None:
    target = Parallel({"actor": MLP(3, 2, (4,)), "critic": MLP(3, 1, (6, 5))})
    hyper = HyperNetwork(2, target, "full")
    perturbed(hyper)
    x, descriptors = torch.randn(6, 3), torch.randn(6, 2)
    weights = hyper(descriptors)
    outputs = target(x, weights)
    assert {name: tuple(y.shape) for name, y in outputs.items()} == {"actor": (6, 2), "critic": (6, 1)}
    for name, y in outputs.items():
        assert_equal(y, naive(weights[name], x, torch.arange(6), torch.tanh))
    with pytest.raises(KeyError, match="value"):
        weights["value"]
