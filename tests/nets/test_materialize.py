"""Weights formed in one step: the gradients are those of plain operations, wherever they are written."""

import torch
from torch import Tensor

from hyperrl.nets.flat import Flat, materialize

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
