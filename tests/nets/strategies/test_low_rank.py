"""A low-rank change: its rank, and its start from a part of a basis."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from hyperrl.nets.layers import LayerSpec
from hyperrl.nets.strategies import build
from hyperrl.nets.strategies.base import SHARE
from hyperrl.nets.strategies.low_rank import _factors
from tests.nets.strategies.cases import StrategyCase


@pytest.mark.parametrize("rank", [1, 2])
def test_weights_of_tasks_differ_by_the_rank_of_weights_and_of_biases(rank: int) -> None:
    case = StrategyCase.of(build("low-rank", {"0": LayerSpec(6, 7)}, rank=rank), 3)
    weight = case.weights().dense()["0.weight"]
    assert torch.linalg.matrix_rank(weight[1:] - weight[0], rtol=1e-4).tolist() == [2 * rank] * 2


@pytest.mark.parametrize("gain", [1.0, None])
def test_bases_have_no_more_vectors_than_are_used(
    gain: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole basis takes time in proportion to the cube of its size; an orthogonal layer is one."""
    bases: list[int] = []
    orthogonal = torch.nn.init.orthogonal_

    def recorded(tensor: Tensor, *arguments: Any, **options: Any) -> Tensor:
        bases.append(min(tensor.shape))
        return orthogonal(tensor, *arguments, **options)

    monkeypatch.setattr(torch.nn.init, "orthogonal_", recorded)
    weight = torch.empty(300, 200)
    down, up = _factors(LayerSpec(300, 200, gain), 4, weight)
    assert sorted(bases) == [5, 5] + ([200] if gain else [])
    changes = torch.stack([torch.outer(down[:, k], up[k]).flatten() for k in range(4)])
    products = changes @ changes.T
    torch.testing.assert_close(products, torch.diag(products.diag()), atol=1e-6, rtol=0)
    assert products.diag().sum() == pytest.approx(
        SHARE * LayerSpec(300, 200, gain).mean_square * 300 * 200, rel=1e-4
    )
    if gain:
        torch.testing.assert_close(changes @ weight.flatten(), torch.zeros(4), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("into", "out"), [(6, 3000), (3000, 6), (3, 2)])
@pytest.mark.parametrize("gain", [1.0, None])
def test_a_wide_layer_starts_from_a_part_of_a_basis(into: int, out: int, gain: float | None) -> None:
    """Not from a matrix of 3,000 times 3,000; what the rank changes is orthogonal to the weights as ever."""
    sizes: list[int] = []

    class Counted(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            made = func(*args, **(kwargs or {}))
            sizes.extend([made.numel()] if isinstance(made, Tensor) else [])
            return made

    weight = torch.empty(into, out)
    with Counted():
        down, up = _factors(LayerSpec(into, out, gain), 4, weight)
    assert max(sizes) <= 4 * into * out
    if gain is not None and into > 3:
        ones = torch.stack([torch.outer(down[:, k], up[k]).flatten() for k in range(4)])
        torch.testing.assert_close(ones @ weight.flatten(), torch.zeros(4), atol=1e-3, rtol=0)
        apart = ones @ ones.T
        torch.testing.assert_close(apart, torch.diag(apart.diag()), atol=1e-3, rtol=0)
