"""Any module as a target: equal to the fast path, started at its own weights."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hyperrl.nets import MLP, STRATEGIES, HyperNetwork, ModuleTarget
from tests.nets.cases import assert_equal, perturbed


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_any_module_equals_the_fast_path(strategy: str) -> None:
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 2))
    fast = MLP(3, 2, (5, 4), nn.Tanh)
    fast.specs = list(ModuleTarget(plain).layers.values())
    of_fast = HyperNetwork(2, fast, strategy, rank=3)
    of_module = HyperNetwork.for_module(plain, 2, strategy=strategy, rank=3)
    perturbed(of_fast)
    of_module.load_state_dict(of_fast.state_dict())
    x, descriptors, index = torch.randn(9, 3), torch.randn(4, 2), torch.tensor([3, 0, 0, 1, 3, 3, 1, 0, 3])
    y = fast(x, of_fast(descriptors, index))
    y_module = of_module.target(x, of_module(descriptors, index))
    assert_equal(y_module, y)
    upstream = torch.randn_like(y)
    for one, other in zip(
        torch.autograd.grad((y_module * upstream).sum(), list(of_module.parameters())),
        torch.autograd.grad((y * upstream).sum(), list(of_fast.parameters())),
        strict=True,
    ):
        assert_equal(one, other)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_generated_module_starts_near_its_own_weights(strategy: str) -> None:
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 10))
    before = {name: parameter.clone() for name, parameter in plain.named_parameters()}
    hyper = HyperNetwork.for_module(plain, 2, strategy=strategy)
    dense = hyper(torch.rand(20, 2) * 2 - 1).dense()
    for name, parameter in plain.named_parameters():
        assert torch.equal(parameter, before[name])
        for task in dense[name].flatten(1):
            all_equal = torch.nn.functional.cosine_similarity(task, parameter.flatten(), dim=0)
            assert all_equal > 0.6  # masks leave half of the entries
    assert not any(parameter is own for parameter in hyper.parameters() for own in plain.parameters())


def test_zeros_of_a_module_stay_where_they_start() -> None:
    class Shifted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.shift = nn.Parameter(torch.zeros(3))

        def forward(self, x: Tensor) -> Tensor:
            return x + self.shift

    for strategy in STRATEGIES:
        hyper = HyperNetwork.for_module(Shifted(), 2, strategy=strategy)
        y = hyper.target(torch.zeros(5, 3), hyper(torch.randn(5, 2)))
        assert torch.isfinite(y).all(), strategy
        assert y.abs().max() < 1e-3, strategy


def test_a_module_may_take_and_give_several_tensors() -> None:
    class Pick(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table, self.out = nn.Embedding(5, 3), nn.Linear(3, 2)

        def forward(self, token: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
            h = self.table(token) + x
            return self.out(h), h.sum(dim=1)

    hyper = HyperNetwork.for_module(Pick(), 2)
    perturbed(hyper)
    index, descriptors = torch.tensor([1, 0, 1, 1]), torch.randn(2, 2)
    token, x = torch.tensor([4, 0, 2, 2]), torch.randn(4, 3)
    weights, target = hyper(descriptors, index), hyper.target
    assert isinstance(target, ModuleTarget)
    y, total = target(token, weights, x)
    assert y.shape == (4, 2)
    assert total.shape == (4,)
    for row, task in enumerate(index):
        plain = target.specialize(weights, int(task))
        one, alone = plain(token[row : row + 1], x[row : row + 1])
        assert_equal(y[row], one[0])
        assert_equal(total[row], alone[0])


@pytest.mark.parametrize(
    ("module", "named"),
    [
        (nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)), "BatchNorm1d at '1'.*LayerNorm"),
        (nn.LSTM(2, 2), "LSTM at its root.*GRU"),
        (nn.LSTMCell(2, 2), "LSTMCell at its root; torch.vmap has no rule for it; use nn.GRUCell"),
        (
            nn.utils.parametrizations.spectral_norm(nn.Linear(2, 2)),
            "_SpectralNorm at 'parametrizations.weight.0'",
        ),
        (
            nn.Sequential(nn.utils.spectral_norm(nn.Linear(2, 2))),
            "SpectralNorm at '0'; use torch.nn.utils.param",
        ),
        (nn.Sequential(nn.LazyLinear(2)), "LazyLinear at '0'; its sizes are not known yet"),
        (nn.Tanh(), "no parameters"),
    ],
)
def test_modules_that_cannot_be_generated_are_named(module: nn.Module, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        HyperNetwork.for_module(module, 2)


@pytest.mark.filterwarnings("ignore:There is a performance drop")
@pytest.mark.parametrize(
    "wrap", [nn.utils.parametrizations.weight_norm, nn.utils.parametrizations.orthogonal]
)
def test_a_parametrized_module_is_generated(wrap: Any) -> None:
    """`torch.func.stack_module_state` refuses these; their original parameters are what is generated."""
    hyper = HyperNetwork.for_module(wrap(nn.Linear(3, 3)), 2)
    perturbed(hyper)
    index, x = torch.tensor([1, 0, 1]), torch.randn(3, 3)
    weights, target = hyper(torch.randn(2, 2), index), hyper.target
    assert isinstance(target, ModuleTarget)
    y = target(x, weights)
    for row, task in enumerate(index):
        assert_equal(y[row], target.specialize(weights, int(task))(x[row]))
