"""At step 0 every task's network looks like the plain one it stands for, and tasks already differ."""

import math
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hyperrl.nets import (
    CNN,
    GENERATORS,
    GRU,
    INITIALIZATIONS,
    MLP,
    STRATEGIES,
    HyperNetwork,
    Weights,
)
from tests.nets.cases import (
    all_pairs,
)

SQRT2 = math.sqrt(2)


CONTEXTS = 100


HIDDEN: dict[str, tuple[int, ...]] = {
    "linear": (64,),
    "mlp": (6, 5),
    "residual": (6, 6, 6),
    "transformer": (8, 8),
    "recurrent": (6, 6),
}


def hypernetwork(target: MLP, strategy: str, architecture: str, **options: Any) -> HyperNetwork:
    hidden = options.pop("hidden", HIDDEN[architecture])
    return HyperNetwork(3, target, strategy, rank=4, hidden=hidden, architecture=architecture, **options)


@pytest.mark.parametrize(
    ("strategy", "trunk", "sizes", "hidden", "reach"),
    all_pairs(
        ["low-rank", "full"],
        [(), (64,), (32, 32)],
        [(1, 2), (4, 2), (17, 6)],
        [(64, 64), (256, 256)],
        [1.0, 5.0],
    ),
)
def test_statistics_of_orthogonal_initialization(
    strategy: str, trunk: tuple[int, ...], sizes: tuple[int, int], hidden: tuple[int, ...], reach: float
) -> None:
    torch.manual_seed(0)
    target = MLP(*sizes, hidden, out_gain=0.01)
    hyper = HyperNetwork(3, target, strategy, hidden=trunk, descriptor_range=(-reach, reach))
    descriptors = torch.cat(
        [(2 * torch.rand(20, 3) - 1) * reach, torch.tensor([[reach] * 3, [-reach] * 3, [0.0] * 3])]
    )
    with torch.no_grad():
        dense = hyper(descriptors).dense()
    for number, spec in enumerate(target.specs):
        plain = nn.Linear(spec.in_features, spec.out_features).requires_grad_(False)
        nn.init.orthogonal_(plain.weight, gain=SQRT2 if number < len(hidden) else 0.01)
        weight = dense[f"{number}.weight"].detach()
        variance = plain.weight.square().mean()
        assert weight.square().mean(dim=(1, 2)) / variance == pytest.approx(1.0, abs=0.1)
        error = variance.sqrt() / math.sqrt(weight[0].numel())
        assert (weight.mean(dim=(1, 2)).abs() <= 4 * error).all()
        assert not dense[f"{number}.bias"].any()
        # the variance of y for x of independent entries of variance 1 is the squared norm of W's rows
        output = weight.square().sum(dim=2).mean(dim=1)
        assert output / plain.weight.square().sum(dim=1).mean() == pytest.approx(1.0, abs=0.1)
    spread = dense["1.weight"][:3].std(dim=0).mean() / dense["1.weight"].std()
    assert spread > 0.01


@pytest.mark.parametrize("strategy", ["low-rank", "full"])
def test_without_orthogonal_initialization_layers_start_as_torch_does(strategy: str) -> None:
    torch.manual_seed(0)
    target = MLP(40, 30, (64,), gain=None)
    with torch.no_grad():
        dense = HyperNetwork(2, target, strategy)(torch.rand(5, 2) * 2 - 1).dense()
    for number, spec in enumerate(target.specs):
        plain = nn.Linear(spec.in_features, spec.out_features).requires_grad_(False)
        ratio = dense[f"{number}.weight"].detach().square().mean(dim=(1, 2)) / plain.weight.square().mean()
        assert ratio == pytest.approx(1.0, abs=0.1)
        assert dense[f"{number}.bias"].std() == pytest.approx(float(plain.bias.std()), rel=0.4)


def pass_through(target: MLP, weights: Weights) -> tuple[list[Tensor], list[Tensor]]:
    """Mean squares of each layer's inputs and of the outputs, and of the gradients with respect to them."""
    dense = weights.dense()
    h = torch.randn(CONTEXTS, 10, target.in_features, requires_grad=True)
    seen = [h]
    for number in range(len(target.specs)):
        weight, bias = dense[f"{number}.weight"], dense[f"{number}.bias"]
        h = torch.baddbmm(bias.unsqueeze(1), h, weight.transpose(1, 2))
        h = torch.relu(h) if number < len(target.hidden) else h
        seen.append(h)
    gradients = torch.autograd.grad(h, seen, torch.randn_like(h))
    return [each.square().mean() for each in seen], [each.square().mean() for each in gradients]


@pytest.mark.parametrize("architecture", ["mlp", "residual", "transformer", "recurrent"])
@pytest.mark.parametrize("fan", ["in", "out"])
def test_hyperfan_keeps_variances_from_layer_to_layer(fan: str, architecture: str) -> None:
    """Of activations (in) or gradients (out), over contexts, random inputs and hypernetworks."""
    found = []
    for seed in range(5):
        torch.manual_seed(seed)
        target = MLP(50, 60, (80, 60, 90, 70), nn.ReLU, out_gain=1.0)
        options: dict[str, Any] = {"architecture": architecture, "initialization": f"hyperfan-{fan}"}
        hyper = HyperNetwork(3, target, "full", hidden=(32, 32), **options)
        activations, gradients = pass_through(target, hyper(torch.rand(CONTEXTS, 3) * 2 - 1))
        found.append(torch.stack(activations if fan == "in" else gradients))
    variances = torch.stack(found).detach().mean(dim=0)
    assert variances[0 if fan == "in" else -1] == pytest.approx(1.0, abs=0.05)
    assert variances[1:] / variances[:-1] == pytest.approx(torch.ones(5), abs=0.2)
    # what varies between contexts multiplies from layer to layer
    assert variances == pytest.approx(torch.ones(6), abs=0.5)


@pytest.mark.parametrize("architecture", GENERATORS)
@pytest.mark.parametrize("fan", ["in", "out"])
def test_hyperfan_variances_are_those_of_the_paper(fan: str, architecture: str) -> None:
    """Table 1 of Chang et al. (2020): weights and generated biases, before a ReLU and before nothing."""
    torch.manual_seed(0)
    target = MLP(30, 45, (60, 40), gain=SQRT2, out_gain=1.0)
    weights, biases = [], []
    for _ in range(6):
        hyper = HyperNetwork(3, target, "full", initialization=f"hyperfan-{fan}", architecture=architecture)
        with torch.no_grad():
            dense = hyper(torch.rand(50, 3) * 2 - 1).dense()
        weights.append([dense[f"{number}.weight"].square().mean() for number in range(3)])
        biases.append([dense[f"{number}.bias"].square().mean() for number in range(3)])
    paper = {
        "in": ([2 / (2 * 30), 2 / (2 * 60), 1 / (2 * 40)], [2 / 2, 2 / 2, 1 / 2]),
        "out": ([2 / 60, 2 / 40, 1 / 45], [2 * (1 - 30 / 60), 0.0, 1 - 40 / 45]),
    }[fan]
    assert torch.tensor(weights).mean(dim=0) == pytest.approx(torch.tensor(paper[0]), rel=0.1)
    assert torch.tensor(biases).mean(dim=0) == pytest.approx(torch.tensor(paper[1]), rel=0.2)


@pytest.mark.parametrize("fan", ["in", "out"])
def test_hyperfan_counts_gates_and_patches(fan: str) -> None:
    """A gate is a map of its own, and an entry of an image is in several patches."""
    torch.manual_seed(0)
    gru, cnn = GRU(32, 4, 64), CNN((8, 21, 21), 4, ((24, 5, 2),), gain=SQRT2)
    dense: dict[str, Tensor] = {}
    for target in (gru, cnn):
        hyper = HyperNetwork(3, target, "full", initialization=f"hyperfan-{fan}")
        dense |= hyper(torch.rand(50, 3) * 2 - 1).dense()
    expected = {
        "in": {"input": 1 / (2 * 32), "recurrent": 1 / (2 * 64), "conv.0": 2 / (2 * 8 * 25)},
        "out": {"input": 1 / 64, "recurrent": 1 / 64, "conv.0": 2 / (24 * 25 * (9 / 21) ** 2)},
    }[fan]
    for name, variance in expected.items():
        found = dense[f"{name}.weight"].detach().square().mean()
        assert found / variance == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("initialization", INITIALIZATIONS)
def test_layers_that_start_at_zero_start_finite(initialization: str, strategy: str) -> None:
    module = nn.Linear(3, 2)
    nn.init.zeros_(module.weight)
    hyper = HyperNetwork.for_module(module, 2, strategy=strategy, initialization=initialization)
    assert all(tensor.isfinite().all() for tensor in hyper(torch.rand(5, 2)).dense().values())


@pytest.mark.parametrize("generate", ["all", ["0", "1"]])
def test_bias_hyperinit_is_a_plain_start_for_all_contexts(generate: Any) -> None:
    torch.manual_seed(0)
    options = {"initialization": "bias-hyperinit", "generate": generate}
    target = MLP(20, 10, (30, 16), gain=SQRT2, out_gain=0.01)
    dense = HyperNetwork(3, target, "full", **options)(torch.rand(9, 3) * 2 - 1).dense()
    for number, gain in enumerate([SQRT2, SQRT2, 0.01]):
        weight, bias = dense[f"{number}.weight"].detach(), dense[f"{number}.bias"]
        assert torch.equal(weight, weight[:1].expand_as(weight))
        assert torch.linalg.svdvals(weight[0]) == pytest.approx(gain, rel=1e-4)
        assert not bias.any()
    module = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3))
    hyper = HyperNetwork.for_module(module, 3, strategy="full", initialization="bias-hyperinit")
    x = torch.randn(7, 5)
    torch.testing.assert_close(hyper.target(x, hyper(torch.rand(7, 3))), module(x))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_bias_hyperinit_of_a_change_is_the_same_for_all_contexts(strategy: str) -> None:
    torch.manual_seed(0)
    target = MLP(40, 20, (64, 64), out_gain=1.0)
    hyper = HyperNetwork(3, target, strategy, initialization="bias-hyperinit")
    dense = hyper(torch.rand(9, 3) * 2 - 1).dense()
    for number, spec in enumerate(target.specs):
        weight = dense[f"{number}.weight"].detach()
        torch.testing.assert_close(weight, weight[:1].expand_as(weight))
        assert weight[0].square().mean() / spec.mean_square == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("architecture", GENERATORS)
@pytest.mark.parametrize("strategy", ["low-rank", "full"])
def test_matched_statistics_hold_whatever_the_architecture(strategy: str, architecture: str) -> None:
    torch.manual_seed(0)
    target = MLP(4, 2, (64, 64), out_gain=0.01)
    hyper = hypernetwork(target, strategy, architecture, hidden=(32, 32))
    with torch.no_grad():
        dense = hyper(torch.rand(30, 3) * 2 - 1).dense()
    for number, spec in enumerate(target.specs):
        weight = dense[f"{number}.weight"]
        assert weight.square().mean(dim=(1, 2)) / spec.mean_square == pytest.approx(1.0, abs=0.1)
        assert dense[f"{number}.bias"].abs().max() < 1e-6
    spread = dense["1.weight"].std(dim=0).mean() / dense["1.weight"].std()
    assert spread > 0.01


@pytest.mark.parametrize("architecture", GENERATORS)
@pytest.mark.parametrize("strategy", ["low-rank", "full"])
def test_bias_hyperinit_starts_all_tasks_alike(strategy: str, architecture: str) -> None:
    torch.manual_seed(0)
    target = MLP(4, 2, (64, 64))
    hyper = hypernetwork(target, strategy, architecture, initialization="bias-hyperinit")
    dense = hyper(torch.rand(9, 3) * 2 - 1).dense()
    for number, spec in enumerate(target.specs):
        weight = dense[f"{number}.weight"].detach()
        assert torch.equal(weight, weight[:1].expand_as(weight))
        assert weight.square().mean() / spec.mean_square == pytest.approx(1.0, abs=0.06)
    dense["1.weight"][0, 0, 0].backward()
    assert any(p.grad is not None and p.grad.any() for p in hyper.generator.parameters())


@pytest.mark.parametrize("fan", ["in", "out"])
@pytest.mark.parametrize("architecture", ["mlp", "transformer"])
def test_hyperfan_of_a_change_follows_the_fan(fan: str, architecture: str) -> None:
    target = MLP(16, 4, (64,), gain=1.0)
    descriptors = torch.rand(400, 3) * 2 - 1
    spread = {"matched": 0.0, f"hyperfan-{fan}": 0.0}
    for seed, initialization in product(range(8), spread):
        torch.manual_seed(seed)
        hyper = hypernetwork(target, "low-rank", architecture, hidden=(64,), initialization=initialization)
        with torch.no_grad():
            weight = hyper(descriptors).dense()["0.weight"]
        spread[initialization] += float((weight - weight.mean(dim=0)).square().mean())
    ratio = spread[f"hyperfan-{fan}"] / spread["matched"]
    assert ratio == pytest.approx(64 / 16 if fan == "in" else 1.0, rel=0.35)


@pytest.mark.parametrize(
    ("initialization", "strategy", "architecture"),
    all_pairs(INITIALIZATIONS, tuple(STRATEGIES), tuple(GENERATORS)),
)
def test_every_initialization_gives_finite_outputs_and_gradients(
    initialization: str, strategy: str, architecture: str
) -> None:
    torch.manual_seed(0)
    target = MLP(4, 2, (16, 16))
    hyper = hypernetwork(target, strategy, architecture, initialization=initialization)
    y = target(torch.randn(50, 4), hyper(torch.rand(50, 3) * 2 - 1))
    y.square().mean().backward()
    assert 1e-4 < y.square().mean() < 100
    assert all(p.grad is not None and p.grad.isfinite().all() for p in hyper.strategy.parameters())
