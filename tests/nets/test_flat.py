"""Gradients through flat parameters are those of plain operations, however they are asked for."""

import pytest
import torch
from torch import Tensor

from hyperrl.nets import MLP, HyperNetwork
from hyperrl.nets.flat import Flat, materialize
from tests.nets.cases import assert_equal, moved
from tests.nets.strategies.cases import EXECUTIONS_OF, costs

SHAPES = ((3, 2), (2,), (2, 1), (1,))


OUTPUTS = 11


def pieces() -> tuple[Flat, Tensor, list[Tensor]]:
    flat = Flat([torch.randn(4, 5), torch.randn(5, OUTPUTS), torch.randn(OUTPUTS)])
    return flat, torch.randn(6, 4), [torch.randn(6, *shape) for shape in SHAPES]


def plain(flat: Flat, x: Tensor, upstream: list[Tensor]) -> Tensor:
    body, weight, bias = flat()
    outputs = torch.tanh(x @ body) @ weight + bias
    loss: Tensor = (outputs * torch.cat([each.flatten(1) for each in upstream], dim=1)).sum()
    return loss


def in_one_step(flat: Flat, x: Tensor, upstream: list[Tensor]) -> Tensor:
    body, weight, bias = flat()
    made = materialize(torch.tanh(x @ body), weight, bias, SHAPES)
    assert [tuple(each.shape[1:]) for each in made] == list(SHAPES)
    products = [(one * other).sum() for one, other in zip(made, upstream, strict=True)]
    return torch.stack(products).sum()


def test_a_shape_in_place_of_values_is_room_for_the_caller_to_fill() -> None:
    flat = Flat([(2, 3), torch.ones(2), (4,)])
    first, second, third = flat()
    assert (first.shape, second.tolist(), third.tolist()) == ((2, 3), [1, 1], [0] * 4)
    with torch.no_grad():
        first[:, 1] = 5
    assert flat.values.tolist() == [0, 5, 0, 0, 5, 0, 1, 1, 0, 0, 0, 0]


def test_gradients_reach_the_flat_parameter() -> None:
    flat, x, upstream = pieces()
    (expected,) = torch.autograd.grad(plain(flat, x, upstream), flat.values)
    value = in_one_step(flat, x, upstream)
    for _ in range(2):
        (found,) = torch.autograd.grad(value, flat.values, retain_graph=True)
        torch.testing.assert_close(found, expected)


def test_pieces_used_elsewhere_too_get_both_gradients() -> None:
    flat, x, upstream = pieces()

    def penalized(function: object) -> Tensor:
        body, weight, bias = flat()
        features = torch.tanh(x @ body)
        if function is plain:
            made = torch.split(features @ weight + bias, [6, 2, 2, 1], dim=1)
        else:
            made = tuple(each.flatten(1) for each in materialize(features, weight, bias, SHAPES))
            made = tuple(
                one + other.flatten(1)
                for one, other in zip(made, materialize(features * 0, weight, bias * 0, SHAPES), strict=True)
            )
        products = [(one * other.flatten(1)).sum() for one, other in zip(made, upstream, strict=True)]
        loss: Tensor = torch.stack(products).sum() + weight.square().sum() + bias.exp().sum() + body.sum()
        return loss

    expected, found = (torch.autograd.grad(penalized(each), flat.values)[0] for each in (plain, in_one_step))
    torch.testing.assert_close(found, expected)


def test_gradients_of_gradients() -> None:
    flat, x, upstream = pieces()
    results = []
    for function in (plain, in_one_step):
        (first,) = torch.autograd.grad(function(flat, x, upstream), flat.values, create_graph=True)
        results.append(torch.autograd.grad(first.square().sum(), flat.values)[0])
    torch.testing.assert_close(results[1], results[0])


def test_a_frozen_part_gets_no_gradient() -> None:
    features, weight = torch.randn(6, 5), torch.randn(5, OUTPUTS)
    bias = torch.randn(OUTPUTS, requires_grad=True)
    made = materialize(features, weight, bias, SHAPES)
    torch.stack([each.sum() for each in made]).sum().backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(bias.grad, torch.full((OUTPUTS,), 6.0))
    assert weight.grad is None


INDEX = torch.tensor([2, 0, 0, 1, 2, 2])


class Batch:
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


def of_both(batch: Batch) -> list[Tensor]:
    return list(torch.autograd.grad(batch.loss() + batch.loss(), batch.inputs))


def of_weights_used_twice(batch: Batch) -> list[Tensor]:
    weights = batch.hyper(batch.descriptors, INDEX)
    y = batch.target(batch.x, weights) + batch.target(batch.x, weights)
    return list(torch.autograd.grad((y * batch.upstream).sum(), batch.inputs))


def accumulated(batch: Batch) -> list[Tensor]:
    torch.autograd.backward(batch.loss())
    torch.autograd.backward(batch.loss())
    return [one.grad for one in batch.inputs if one.grad is not None]


def of_a_graph_kept(batch: Batch) -> list[Tensor]:
    loss = batch.loss()
    torch.autograd.grad(loss, [batch.descriptors], retain_graph=True)
    torch.autograd.backward(loss, retain_graph=True)
    torch.autograd.backward(loss)
    return [one.grad for one in batch.inputs if one.grad is not None]


def one_by_one(batch: Batch) -> list[Tensor]:
    return [2 * torch.autograd.grad(batch.loss(), [one])[0] for one in batch.inputs]


def with_a_graph_of_their_own(batch: Batch) -> list[Tensor]:
    found = torch.autograd.grad(batch.loss(), batch.inputs, create_graph=True)
    return [2 * one.detach() for one in found]


TWICE = [
    of_both,
    of_weights_used_twice,
    accumulated,
    of_a_graph_kept,
    one_by_one,
    with_a_graph_of_their_own,
]


@pytest.mark.parametrize("architecture", ["linear", "mlp", "transformer"])
@pytest.mark.parametrize(("strategy", "execution"), EXECUTIONS_OF)
def test_gradients_do_not_depend_on_how_they_are_batch_for(
    strategy: str, execution: str, architecture: str
) -> None:
    for ways in TWICE:
        batch = Batch(strategy, architecture)
        with costs(execution):
            expected, gradients = batch.expected(), ways(batch)
        for one, other in zip(gradients, expected, strict=True):
            assert_equal(one, 2 * other)


@pytest.mark.parametrize(("strategy", "execution"), EXECUTIONS_OF)
def test_gradients_of_the_gradients_of_a_hypernetwork(strategy: str, execution: str) -> None:
    """As a gradient penalty takes them, beside the difference of two penalties."""
    batch = Batch(strategy, "mlp", torch.float64)

    def penalty() -> Tensor:
        found = torch.autograd.grad(batch.loss(), [batch.x, batch.descriptors], create_graph=True)
        return sum((one.square().sum() for one in found), torch.zeros(()))

    parameters = list(batch.hyper.parameters())
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
