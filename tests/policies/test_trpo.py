"""TRPO's policy: its steps move the actor alone, within the trust region."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.policies.contributed import HYPER, OBSERVED, assert_learns_and_survives_saving, made, observed


def distribution(policy: Any, seen: Any) -> torch.distributions.Distribution:
    with torch.no_grad():
        found: torch.distributions.Distribution = policy.get_distribution(seen).distribution
    return found


@pytest.mark.parametrize("strategy", ["low-rank", "full"])
@pytest.mark.parametrize("action", ["box", "discrete"])
def test_a_step_of_trpo_moves_all_of_the_actor_within_the_bound(action: str, strategy: str) -> None:
    hyper = {**HYPER, "strategy": strategy}
    model = made("TRPO", action=action, target_kl=0.05, policy_kwargs={"hypernetwork": hyper})
    before = copy.deepcopy(model.policy)
    model.learn(32)
    pairs = zip(model.policy.named_parameters(), before.parameters(), strict=True)
    moved = {name: not torch.equal(parameter, old) for (name, parameter), old in pairs}
    assert all(moved.values())
    assert {name.startswith("value.") for name in moved} == {True, False}
    rollout = model.rollout_buffer.observations
    seen = {key: torch.as_tensor(each.reshape(-1, each.shape[-1])) for key, each in rollout.items()}
    new, old = (distribution(policy, seen) for policy in (model.policy, before))
    divergence = float(torch.distributions.kl_divergence(new, old).mean())
    assert 0.005 < divergence < 0.05
    assert divergence == pytest.approx(model.logger.name_to_value["train/kl_divergence_loss"], rel=1e-3)


def test_the_critic_of_trpo_learns_and_leaves_the_actor() -> None:
    model = made("TRPO", n_critic_updates=5)
    model.learn(32)
    seen = observed(model, 32)
    before, valued = distribution(model.policy, seen), model.policy.predict_values(seen)
    loss = model.policy.predict_values(seen).square().mean()
    model.policy.optimizer.zero_grad()
    loss.backward()
    model.policy.optimizer.step()
    assert torch.equal(distribution(model.policy, seen).mean, before.mean)
    assert not torch.equal(model.policy.predict_values(seen), valued)


def test_fisher_products_are_those_of_plain_layers() -> None:
    """Twice through generated layers: against the difference of two gradients."""
    policy = made("TRPO").policy.double()
    features = torch.rand(16, 6, dtype=torch.float64) * 2 - 1
    parameters = [one for name, one in policy.named_parameters() if not name.startswith("value.")]
    torch.manual_seed(0)
    direction = [torch.randn_like(one) for one in parameters]

    def gradient(create_graph: bool = False) -> Any:
        loss = policy.mlp_extractor.forward_actor(features).sin().square().sum()
        return torch.autograd.grad(loss, parameters, create_graph=create_graph, allow_unused=True)

    first = gradient(create_graph=True)
    used = [index for index, each in enumerate(first) if each is not None]
    product = sum((first[index] * direction[index]).sum() for index in used)
    found = torch.autograd.grad(product, [parameters[index] for index in used])
    sides = []
    for sign in (1, -1):
        with torch.no_grad():
            for one, along in zip(parameters, direction, strict=True):
                one.add_(sign * 1e-5 * along)
        sides.append(gradient())
        with torch.no_grad():
            for one, along in zip(parameters, direction, strict=True):
                one.sub_(sign * 1e-5 * along)
    for number, index in enumerate(used):
        expected = (sides[0][index] - sides[1][index]) / 2e-5
        torch.testing.assert_close(found[number], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"hypernetwork": {"trunk": "shared"}}, "trunk: found 'shared'; allowed: 'separate' with TRPO"),
        ({"effort_coef": 0.1}, "effort_coef: found 0.1; allowed: 0 with TRPO"),
    ],
)
def test_what_would_break_trusted_steps_is_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        made("TRPO", policy_kwargs=options)


@OBSERVED
def test_it_learns_on_every_observation_and_survives_saving(observation: str, tmp_path: Path) -> None:
    assert_learns_and_survives_saving("TRPO", observation, tmp_path)
