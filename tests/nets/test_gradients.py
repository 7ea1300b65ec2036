"""Gradients are the same however they are asked for: in parts, twice, accumulated, of gradients."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from hyperrl.nets import MLP, STRATEGIES, HyperNetwork
from tests.nets.cases import moved
from tests.nets.test_executions import assert_equal
from tests.nets.test_strategies import costs

INDEX = torch.tensor([2, 0, 0, 1, 2, 2])


class SpecialistRequest:
    """A hypernetwork, the loss of a batch, and the gradients that one plain call gives."""

    def __init__(self, strategy: str, architecture: str, dtype: torch.dtype = torch.float32) -> None:
        self.target = MLP(3, 2, (6, 5))
        self.hyper = HyperNetwork(2, self.target, strategy, hidden=(6,), architecture=architecture)
        moved(self.hyper)
        self.hyper.to(dtype)
        self.x = torch.randn(6, 3, dtype=dtype, requires_grad=True)
        self.descriptors = torch.randn(3, 2, dtype=dtype, requires_grad=True)
        self.upstream = torch.randn(6, 2, dtype=dtype)
        self.inputs = [self.x, self.descriptors, *self.hyper.parameters()]

    def outputs(self) -> Tensor:
        y: Tensor = self.target(self.x, self.hyper(self.descriptors, INDEX))
        return y

    def loss(self) -> Tensor:
        return (self.outputs() * self.upstream).sum()

    def expected(self) -> list[Tensor]:
        return list(torch.autograd.grad(self.loss(), self.inputs))


def of_both(asked: SpecialistRequest) -> list[Tensor]:
    return list(torch.autograd.grad(asked.loss() + asked.loss(), asked.inputs))


def of_weights_used_twice(asked: SpecialistRequest) -> list[Tensor]:
    weights = asked.hyper(asked.descriptors, INDEX)
    y = asked.target(asked.x, weights) + asked.target(asked.x, weights)
    return list(torch.autograd.grad((y * asked.upstream).sum(), asked.inputs))


def accumulated(asked: SpecialistRequest) -> list[Tensor]:
    torch.autograd.backward(asked.loss())
    torch.autograd.backward(asked.loss())
    return [one.grad for one in asked.inputs if one.grad is not None]


def of_a_graph_kept(asked: SpecialistRequest) -> list[Tensor]:
    loss = asked.loss()
    torch.autograd.grad(loss, [asked.descriptors], retain_graph=True)
    torch.autograd.backward(loss, retain_graph=True)
    torch.autograd.backward(loss)
    return [one.grad for one in asked.inputs if one.grad is not None]


def one_by_one(asked: SpecialistRequest) -> list[Tensor]:
    return [2 * torch.autograd.grad(asked.loss(), [one])[0] for one in asked.inputs]


def with_a_graph_of_their_own(asked: SpecialistRequest) -> list[Tensor]:
    found = torch.autograd.grad(asked.loss(), asked.inputs, create_graph=True)
    return [2 * one.detach() for one in found]


TWICE = [
    of_both,
    of_weights_used_twice,
    accumulated,
    of_a_graph_kept,
    one_by_one,
    with_a_graph_of_their_own,
]


@pytest.mark.parametrize("way", TWICE)
@pytest.mark.parametrize("architecture", ["linear", "mlp", "transformer"])
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("execution", ["formed", "basis"])
def test_gradients_do_not_depend_on_how_they_are_asked_for(
    execution: str, strategy: str, architecture: str, way: Callable[[SpecialistRequest], list[Tensor]]
) -> None:
    asked = SpecialistRequest(strategy, architecture)
    with costs(execution):
        expected, found = asked.expected(), way(asked)
    for one, other in zip(found, expected, strict=True):
        assert_equal(one, 2 * other)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("execution", ["formed", "basis"])
def test_gradients_of_gradients(execution: str, strategy: str) -> None:
    """As a gradient penalty takes them, beside the difference of two penalties."""
    asked = SpecialistRequest(strategy, "mlp", torch.float64)

    def penalty() -> Tensor:
        found = torch.autograd.grad(asked.loss(), [asked.x, asked.descriptors], create_graph=True)
        return sum((one.square().sum() for one in found), torch.zeros(()))

    parameters = list(asked.hyper.parameters())
    steps = [torch.randn_like(parameter) * 1e-5 for parameter in parameters]
    with costs(execution):
        gradients = torch.autograd.grad(penalty(), parameters)
        sides = []
        for sign in (1, -2):
            with torch.no_grad():
                for parameter, step in zip(parameters, steps, strict=True):
                    parameter.add_(sign * step)
            sides.append(penalty().item())
    expected = sum(float((gradient * step).sum()) for gradient, step in zip(gradients, steps, strict=True))
    assert (sides[0] - sides[1]) / 2 == pytest.approx(expected, rel=1e-4, abs=1e-12)
