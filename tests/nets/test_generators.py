"""Architectures, initializations and normalizations of hypernetworks, with every strategy."""

import math
from itertools import product
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from hyperrl.nets import MLP, HyperNetwork
from hyperrl.nets.generators import GENERATORS, Head, TransformerGenerator, apply_head
from hyperrl.nets.strategies import STRATEGIES

HIDDEN: dict[str, tuple[int, ...]] = {
    "linear": (64,),
    "mlp": (6, 5),
    "residual": (6, 6, 6),
    "transformer": (8, 8),
    "recurrent": (6, 6),
}
INITIALIZATIONS = ["matched", "hyperfan-in", "hyperfan-out", "bias-hyperinit"]
LAYERWISE = ["transformer", "recurrent"]


def hypernetwork(target: MLP, strategy: str, architecture: str, **options: Any) -> HyperNetwork:
    hidden = options.pop("hidden", HIDDEN[architecture])
    return HyperNetwork(3, target, strategy, rank=4, hidden=hidden, architecture=architecture, **options)


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


@pytest.mark.parametrize("initialization", INITIALIZATIONS)
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("architecture", GENERATORS)
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


@pytest.mark.parametrize("head_norm", ["weight", "spectral"])
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("architecture", ["mlp", "transformer"])
def test_a_normalization_changes_nothing_at_the_start(
    head_norm: str, strategy: str, architecture: str
) -> None:
    target, descriptors = MLP(4, 2, (16,)), torch.rand(5, 3)
    outputs = []
    for norm in [None, head_norm]:
        torch.manual_seed(0)
        hyper = hypernetwork(target, strategy, architecture, head_norm=norm)
        outputs.append(hyper.generator(descriptors))
    torch.testing.assert_close(outputs[0], outputs[1], rtol=1e-4, atol=1e-5)


def test_spectral_norm_bounds_each_head() -> None:
    head = Head(6, (3, 9), "spectral")
    weight, bias = torch.randn(6, 12), torch.randn(12)
    head.set(weight, bias)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.mul_(torch.linspace(1, 7, parameter.numel()))
    blocks = (torch.split(each.detach(), [3, 9], dim=1) for each in (head()[0], weight))
    for block, start in zip(*blocks, strict=True):
        assert torch.linalg.matrix_norm(block, 2) == pytest.approx(
            float(torch.linalg.matrix_norm(start, 2)), rel=1e-4
        )


def test_weight_norm_tells_directions_from_lengths() -> None:
    head = Head(6, (3, 9), "weight")
    weight, bias = torch.randn(6, 12), torch.randn(12)
    head.set(weight, bias)
    with torch.no_grad():
        own, _, length = head.layers()
        own.mul_(torch.rand(12) + 0.5)
        length.mul_(3)
    torch.testing.assert_close(head()[0], 3 * weight)


def test_weight_norm_learns_from_heads_of_zero() -> None:
    hyper = hypernetwork(MLP(4, 2, (8,)), "full", "mlp", head_norm="weight", initialization="bias-hyperinit")
    descriptors = torch.rand(5, 3)
    assert hyper.generator(descriptors).std(dim=0).max() < 1e-6
    optimizer = torch.optim.SGD(hyper.parameters(), 0.1)
    (hyper.generator(descriptors) * torch.randn(5, hyper.strategy.outputs)).sum().backward()
    optimizer.step()
    assert hyper.generator(descriptors).std(dim=0).max() > 1e-3


@given(
    tasks=st.integers(1, 4),
    blocks=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    size=st.integers(1, 5),
    equal=st.booleans(),
)
def test_heads_act_on_their_own_features(tasks: int, blocks: list[int], size: int, equal: bool) -> None:
    blocks = [blocks[0]] * len(blocks) if equal else blocks
    features = torch.randn(tasks, len(blocks), size)
    weight, bias = torch.randn(size, sum(blocks)), torch.randn(sum(blocks))
    expected = torch.cat(
        [
            features[:, number] @ own + own_bias
            for number, (own, own_bias) in enumerate(
                zip(torch.split(weight, blocks, dim=1), torch.split(bias, blocks), strict=True)
            )
        ],
        dim=1,
    )
    torch.testing.assert_close(apply_head(features, weight, bias, blocks), expected)


@pytest.mark.parametrize("architecture", LAYERWISE)
def test_layers_have_features_of_their_own(architecture: str) -> None:
    hyper = hypernetwork(MLP(4, 2, (8, 8)), "low-rank", architecture)
    features = hyper.generator.features(torch.rand(5, 3))
    assert features.shape == (5, 3, hyper.generator.features_dim)
    assert (features[:, 0] - features[:, 1]).abs().max() > 0.1
    assert features.std(dim=0).mean() > 0.05


def test_attention_equals_its_definition() -> None:
    torch.manual_seed(0)
    generator = TransformerGenerator(3, (8,), (2, 2, 2))
    mixed = torch.randn(5, 3, 24)
    found = generator._attend(mixed)
    query, key, value = torch.split(mixed, 8, dim=2)
    for head in range(4):
        own = slice(2 * head, 2 * head + 2)
        scores = query[..., own] @ key[..., own].transpose(1, 2) / math.sqrt(2)
        torch.testing.assert_close(found[..., own], scores.softmax(dim=-1) @ value[..., own])


def test_the_recurrence_is_torch_s() -> None:
    torch.manual_seed(0)
    hyper = hypernetwork(MLP(4, 2, (8,)), "low-rank", "recurrent", hidden=(6,))
    assert hyper.generator.layers is not None
    embeddings, weight, bias, into, into_bias, state, state_bias, *_ = hyper.generator.layers()
    descriptors = torch.rand(5, 3)
    first = torch.tanh(descriptors @ weight + bias)
    unit = nn.GRU(6, 6, batch_first=True)
    values = [into.t(), state.t(), into_bias, state_bias]
    with torch.no_grad():
        for parameter, value in zip(unit.parameters(), values, strict=True):
            parameter.copy_(value)
    expected, _ = unit(first.unsqueeze(1) + embeddings, first.unsqueeze(0).contiguous())
    torch.testing.assert_close(hyper.generator.features(descriptors), expected)


@pytest.mark.parametrize("architecture", GENERATORS)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_parameter_groups_hold_every_parameter_once(strategy: str, architecture: str) -> None:
    hyper = hypernetwork(MLP(4, 2, (8,)), strategy, architecture, separate_head=True)
    groups = hyper.parameter_groups(0.5, 2.0, 0.1, lr=1e-2)
    scales = {group["name"]: group["lr_scale"] for group in groups}
    assert scales.items() <= {"generator": 0.5, "shared": 2.0, "heads": 0.1}.items()
    assert all(group["lr"] == pytest.approx(group["lr_scale"] * 1e-2) for group in groups)
    found = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(found) == sorted(id(parameter) for parameter in hyper.parameters())
    torch.optim.Adam(groups)
    assert [list(group["params"]) for group in groups if group["name"] == "heads"] == [
        list(hyper.generator.head.parameters()) if hyper.generator.head is not None else []
    ]


def test_heads_in_one_parameter_with_the_rest_have_no_rate_of_their_own() -> None:
    hyper = hypernetwork(MLP(4, 2, (8,)), "low-rank", "mlp")
    assert [group["name"] for group in hyper.parameter_groups(0.5, 1.0, 0.5)] == ["generator", "shared"]
    with pytest.raises(ValueError, match="separate_head"):
        hyper.parameter_groups(head_lr_scale=0.1)


@pytest.mark.parametrize("architecture", GENERATORS)
def test_a_separate_head_changes_no_weight(architecture: str) -> None:
    found = []
    for separate in [False, True]:
        torch.manual_seed(0)
        hyper = hypernetwork(MLP(4, 2, (8,)), "full", architecture, separate_head=separate)
        found.append(hyper(torch.full((2, 3), 0.3)).dense()["1.weight"])
    assert torch.equal(*found)
