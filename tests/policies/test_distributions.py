"""The lean distributions are SB3's in all but the number of operations."""

import copy
import math
import pickle
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from stable_baselines3.common.distributions import (
    CategoricalDistribution,
    DiagGaussianDistribution,
    SquashedDiagGaussianDistribution,
    kl_divergence,
)
from torch import Tensor

from hyperrl.nets import Rows
from hyperrl.policies.distributions import FastCategorical, FastDiagGaussian, FastSquashedDiagGaussian
from hyperrl.policies.sac import HyperSACPolicy
from hyperrl.policies.task_rows import TaskRows
from tests.policies.worlds import ACTIONS, OBSERVATIONS, policy, samples, tensors


def pair(rows: int, actions: int, seed: int = 0, spread: float = 1.0) -> tuple[Tensor, ...]:
    torch.manual_seed(seed)
    means = torch.randn(rows, actions, requires_grad=True)
    log_std = (spread * torch.randn(actions)).requires_grad_()
    return means, log_std, torch.randn(rows, actions)


def both(means: Tensor, log_std: Tensor) -> tuple[FastDiagGaussian, DiagGaussianDistribution]:
    actions = means.shape[1]
    return (
        FastDiagGaussian(actions).proba_distribution(means, log_std),
        DiagGaussianDistribution(actions).proba_distribution(means, log_std),
    )


@given(
    rows=st.integers(1, 7),
    actions=st.integers(1, 6),
    seed=st.integers(0, 99),
    spread=st.sampled_from([0.0, 1.0, 3.0]),
)
def test_densities_entropies_and_modes_with_their_gradients(
    rows: int, actions: int, seed: int, spread: float
) -> None:
    means, log_std, taken = pair(rows, actions, seed, spread)
    lean, plain = both(means, log_std)
    # far out in the tails of narrow Gaussians the terms are large; rounding is relative to them
    for found, expected in (
        (lean.log_prob(taken), plain.log_prob(taken)),
        (lean.entropy(), plain.entropy()),
        (lean.mode(), plain.mode()),
        (lean.distribution.mean, plain.distribution.mean),
        (lean.distribution.stddev, plain.distribution.stddev),
    ):
        assert expected is not None
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
        gradients = (
            torch.autograd.grad(one.sum(), (means, log_std), retain_graph=True, allow_unused=True)
            for one in (found, expected)
        )
        for one, other in zip(*gradients, strict=True):
            assert (one is None) == (other is None)
            if one is not None and other is not None:
                torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("frozen", ["none", "means", "log_std"])
def test_gradients_of_densities_whose_actions_are_made_from_the_means(frozen: str, again: bool) -> None:
    means, log_std, noise = pair(5, 3)
    of = {"means": means, "log_std": log_std, "noise": noise.requires_grad_()}
    if frozen != "none":
        of.pop(frozen).requires_grad_(False)
    results = []
    for distribution in both(means, log_std):
        densities = distribution.log_prob(means * 0.5 + noise)
        found = torch.autograd.grad(densities.square().sum(), list(of.values()), create_graph=again)
        if again:
            found = torch.autograd.grad(
                torch.stack([g.square().sum() for g in found]).sum(), list(of.values())
            )
        results.append(found)
    torch.testing.assert_close(results[0], results[1], rtol=1e-4, atol=1e-4)


def test_samples_are_those_of_sb3_draw_by_draw() -> None:
    means, log_std, _ = pair(50, 3)
    lean, plain = both(means, log_std)
    torch.manual_seed(1)
    found = lean.sample()
    torch.manual_seed(1)
    torch.testing.assert_close(found, plain.sample())
    torch.testing.assert_close(lean.get_actions(deterministic=True), means)
    found.sum().backward()  # type: ignore[no-untyped-call]
    assert means.grad is not None
    assert log_std.grad is not None


def test_statistics_of_samples() -> None:
    means, log_std = torch.tensor([[0.5, -2.0]]).expand(40_000, 2), torch.tensor([0.3, -1.2])
    lean = FastDiagGaussian(2).proba_distribution(means, log_std)
    drawn = lean.sample()
    std = log_std.exp()
    error = 5 * std / math.sqrt(len(drawn))
    assert ((drawn.mean(dim=0) - means[0]).abs() < error).all()
    assert ((drawn.std(dim=0) - std).abs() < error).all()
    assert abs(torch.corrcoef(drawn.t())[0, 1]) < 5 / math.sqrt(len(drawn))
    # the mean surprise is the entropy
    torch.testing.assert_close(-lean.log_prob(drawn).mean(), lean.entropy()[0], rtol=0, atol=0.02)


def test_helpers_of_sb3() -> None:
    means, log_std, _ = pair(4, 2)
    lean = FastDiagGaussian(2)
    actions, log_prob = lean.log_prob_from_params(means, log_std)
    torch.testing.assert_close(log_prob, both(means, log_std)[1].log_prob(actions))
    torch.testing.assert_close(lean.actions_from_params(means, log_std, deterministic=True), means)
    one, other = both(means, log_std), both(means + 1, log_std)
    torch.testing.assert_close(kl_divergence(one[0], other[0]), kl_divergence(one[1], other[1]))


def test_a_distribution_does_not_follow_its_parameters() -> None:
    """TRPO compares the one before an update with the one after it."""
    made = policy("context")
    batch = tensors(made, samples(OBSERVATIONS["context"], 4))
    with torch.no_grad():
        before = copy.copy(made.get_distribution(batch))
        density, entropy = before.log_prob(torch.zeros(4, 2)), before.entropy()
        made.log_std.add_(1.0)
        made.log_std.data = made.log_std.data - 3.0
    assert torch.equal(before.log_prob(torch.zeros(4, 2)), density)
    found = before.entropy()
    assert found is not None
    assert entropy is not None
    assert torch.equal(found, entropy)


def test_pickled() -> None:
    lean, _ = both(*pair(4, 2)[:2])
    again = pickle.loads(pickle.dumps(lean))
    assert torch.equal(again.mode(), lean.mode())
    assert torch.equal(again.entropy(), lean.entropy())


@given(rows=st.integers(1, 7), actions=st.integers(1, 6), seed=st.integers(0, 99))
def test_squashed_samples_and_densities_with_their_gradients(rows: int, actions: int, seed: int) -> None:
    torch.manual_seed(seed)
    means = (0.5 * torch.randn(rows, actions)).requires_grad_()
    log_std = (0.5 * torch.randn(rows, actions) - 1).requires_grad_()
    upstream = torch.randn(rows, actions), torch.randn(rows)
    results = []
    for kind in (FastSquashedDiagGaussian, SquashedDiagGaussianDistribution):
        torch.manual_seed(seed)
        distribution = kind(actions)
        drawn, density = distribution.log_prob_from_params(means, log_std)
        loss = (drawn * upstream[0]).sum() + (density * upstream[1]).sum()
        again = distribution.log_prob(drawn.detach(), distribution.gaussian_actions)
        alone = distribution.log_prob(drawn.detach())
        mode = distribution.actions_from_params(means, log_std, deterministic=True)
        found = [drawn, density, again, alone, mode]
        results.append(
            [
                *found,
                *torch.autograd.grad(loss, (means, log_std), retain_graph=True),
                *torch.autograd.grad(alone.sum(), (means, log_std)),
            ]
        )
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_a_squashed_distribution_is_copied_without_its_last_pass() -> None:
    lean = FastSquashedDiagGaussian(2)
    lean.log_prob_from_params(*(torch.randn(4, 2, requires_grad=True) for _ in range(2)))
    assert copy.deepcopy(lean).gaussian_actions is None
    assert copy.deepcopy(lean).action_dim == 2
    assert lean.entropy() is None


def test_the_actor_of_generated_networks_has_the_squashed_one() -> None:
    for observation, kind in (
        ("context", FastSquashedDiagGaussian),
        ("box", SquashedDiagGaussianDistribution),
    ):
        made = HyperSACPolicy(OBSERVATIONS[observation], ACTIONS["box"], lambda _: 1e-3)
        assert type(made.actor.action_dist) is kind


@given(rows=st.integers(1, 7), actions=st.integers(2, 6), seed=st.integers(0, 99))
def test_probabilities_of_choices_with_their_gradients(rows: int, actions: int, seed: int) -> None:
    torch.manual_seed(seed)
    logits = (3 * torch.randn(rows, actions)).requires_grad_()
    taken = torch.randint(actions, (rows,))
    lean = FastCategorical(actions).proba_distribution(logits)
    plain = CategoricalDistribution(actions).proba_distribution(logits)
    assert torch.equal(lean.mode(), plain.mode())
    for found, expected in (
        (lean.log_prob(taken.float()), plain.log_prob(taken.float())),
        (lean.entropy(), plain.entropy()),
        (lean.distribution.probs, plain.distribution.probs),
    ):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
        one, other = (
            torch.autograd.grad(
                (each * torch.arange(1.0, rows + 1).view(-1, *[1] * (each.dim() - 1))).sum(),
                logits,
                retain_graph=True,
            )[0]
            for each in (found, expected)
        )
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_draws_of_choices_are_those_of_sb3() -> None:
    logits = torch.randn(200, 4, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(1)
    found = FastCategorical(4).proba_distribution(logits).sample()
    torch.manual_seed(1)
    assert torch.equal(found, CategoricalDistribution(4).proba_distribution(logits).sample())


def test_an_impossible_choice_has_no_part_in_the_entropy() -> None:
    logits = torch.tensor([[0.0, -torch.inf, 0.0]])
    lean = FastCategorical(3).proba_distribution(logits)
    torch.testing.assert_close(lean.entropy(), torch.tensor([math.log(2)]))
    again = pickle.loads(pickle.dumps(lean))
    assert torch.equal(again.mode(), lean.mode())
    assert copy.deepcopy(lean).action_dim == 3


@pytest.mark.parametrize("actions", ["box", "discrete"])
def test_an_evaluation_leaves_no_graph_behind(actions: str) -> None:
    """What a backward pass needs takes as much memory as the parameters, or more."""
    made: Any = policy("context", actions)
    observations = tensors(made, samples(made.observation_space, 6))
    tasks, index = observations["context"], torch.arange(6)
    known = TaskRows(observations, tasks[:3], Rows.of(index % 3, 3))
    taken = torch.zeros(6, 2) if actions == "box" else torch.zeros(6)
    values, densities, entropies = made.evaluate_actions(known, taken)
    assert values.requires_grad
    assert densities.requires_grad
    assert entropies is not None
    held = vars(made.action_dist).values()
    assert not any(isinstance(each, Tensor) and each.requires_grad for each in held)
