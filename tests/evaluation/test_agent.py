from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import hyperrl
from hyperrl import api
from hyperrl.evaluation import zero_shot
from hyperrl.evaluation.agent import Agent
from tests import masked
from tests.runs import message
from tests.suite import needs


def test_an_agent_acts_on_one_task(runs: Path) -> None:
    agent = hyperrl.load(runs / "seed-0", checkpoint="latest")
    assert (agent.family.name, agent.model.num_timesteps) == ("ode", 64)
    one = agent.act([0.5], {"c0": 3})
    many = agent.act(np.array([[0.5], [-1.0]]), {"c0": 3})
    assert (one.shape, many.shape) == ((2,), (2, 2))
    np.testing.assert_allclose(many[0], one, atol=1e-6)
    np.testing.assert_allclose(agent.act({"obs": [0.5]}, {"c0": 3}), one)
    assert not np.allclose(agent.act([0.5], {"c0": -3}), one)
    np.testing.assert_array_equal(agent.act([0.5], {}), agent.act([0.5], {"c0": 1}))
    sampled = {tuple(agent.act([0.5], {"c0": 3}, deterministic=False)) for _ in range(3)}
    assert len(sampled) == 3


def test_an_agent_acts_as_in_evaluation(runs: Path) -> None:
    agent = api.load(runs / "seed-0")
    (task,) = api.evaluate(runs / "seed-0", contexts=[{"c0": 4}], save=False).tasks
    env = agent.family.make()
    (start,) = zero_shot.start_seeds(agent.family.space.complete({"c0": 4}), 1, 0)
    observation, _ = env.reset(seed=start, options={"context": {"c0": 4}, "x": 1.0})
    total, over = 0.0, False
    while not over:
        action = agent.act(observation["obs"], {"c0": 4})
        observation, reward, terminated, truncated, _ = env.step(action)
        total, over = total + float(reward), terminated or truncated
    assert total == pytest.approx(task.mean, abs=0.6)


def test_weights_and_specialist_are_those_that_act(runs: Path) -> None:
    agent = api.load(runs / "seed-0")
    weights, context = agent.weights({"c0": -3}), {"c0": -3.0}
    assert weights["actor.0.weight"].shape == (64, 1)
    assert {name.split(".")[0] for name in weights} == {"actor", "critic"}
    assert not np.allclose(weights["actor.2.weight"], agent.weights({"c0": 3})["actor.2.weight"])
    hidden = np.array([[0.7]], dtype=np.float32)
    for layer in range(3):
        hidden = hidden @ weights[f"actor.{layer}.weight"].T + weights[f"actor.{layer}.bias"]
        hidden = np.tanh(hidden) if layer < 2 else hidden
    expected = agent.act([[0.7]], context)
    np.testing.assert_allclose(np.clip(hidden, -1, 1), expected, atol=1e-5)
    with torch.no_grad():
        special = agent.specialize(context)(torch.tensor([[0.7]])).numpy()
    np.testing.assert_allclose(np.clip(special, -1, 1), expected, atol=1e-5)


@pytest.mark.parametrize("c0", [-10.0, 10.0])
def test_a_task_outside_the_training_range_is_not_moved_into_it(runs: Path, c0: float) -> None:
    """Actions, weights and specialist are those of the task itself and not of the end of the range."""
    agent = api.load(runs / "seed-0")
    low, high = agent.family.space.features["c0"].train
    assert not low <= c0 <= high
    descriptor = torch.tensor([2 * (c0 - low) / (high - low) - 1])
    policy: Any = agent.model.policy
    expected = policy.generated_weights(descriptor[None])
    for name, weight in agent.weights({"c0": c0}).items():
        np.testing.assert_allclose(weight, expected[name][0], atol=1e-6)
    observation = torch.tensor([[0.7]])
    with torch.no_grad():
        outputs = policy.specialize(descriptor)(observation)
        torch.testing.assert_close(agent.specialize({"c0": c0})(observation), outputs)
    np.testing.assert_allclose(agent.act([[0.7]], {"c0": c0}), outputs.clip(-1, 1), atol=1e-5)


def test_a_baseline_acts_and_has_no_generated_weights(runs: Path) -> None:
    agent = api.load(runs / "concat")
    assert agent.act([0.5], {"c0": 3}).shape == (2,)
    for call in (agent.weights, agent.specialize):
        assert "'concat-ppo': generates no weights" in message(call, {"c0": 3})


def test_an_agent_tells_a_wrong_context_and_observation(runs: Path) -> None:
    agent = api.load(runs / "seed-0")
    for call in (agent.weights, agent.specialize, lambda context: agent.act([0.5], context)):
        assert "'c1'" in message(call, {"c1": 1.0})
        assert "c0" in message(call, {"c0": float("nan")})
    with pytest.raises(ValueError, match="obs"):
        agent.act({"position": [0.5]}, {"c0": 1.0})
    with pytest.raises(ValueError, match=r"obs: found shape \(2,\); allowed: \(1,\), or \(n, 1\) for n"):
        agent.act([0.5, 0.5], {"c0": 1.0})


@needs("contrib")
@pytest.mark.parametrize("actions", masked.ACTIONS)
def test_an_agent_takes_valid_actions_alone_in_the_bases_own_terms(actions: str) -> None:
    family = masked.masked_family(actions)
    model, size = masked.masked_model(family), sum(masked.SIZES[actions])
    agent = Agent(None, family, model)  # type: ignore[arg-type]
    base, rng = masked.Masked(actions), np.random.default_rng(0)
    observation, _ = base.reset(seed=0)
    for _ in range(9):
        action = agent.act(observation, {"pay": 1.5}, action_masks=base.action_masks())
        observation = base.step(action)[0]  # raises where it is masked
    many = rng.uniform(-1, 1, (5, 3))
    masks = np.stack([base._observed() and base.mask for _ in range(5)])
    drawn = agent.act(many, {}, deterministic=False, action_masks=masks)
    assert drawn.shape == (5, *(base.action_space.shape or ()))
    one = agent.act(many, {}, action_masks=masks[0])
    np.testing.assert_array_equal(one[2], agent.act(many[2], {}, action_masks=masks[:1]))
    np.testing.assert_array_equal(agent.act(many, {}), agent.act(many, {}, action_masks=np.ones(size)))
    for wrong in (np.ones(size + 1), np.ones((4, size)), np.zeros(size), "all"):
        with pytest.raises(ValueError, match=r"^action_masks: found "):
            agent.act(many, {}, action_masks=wrong)


def test_masks_for_an_agent_that_takes_none_are_refused(runs: Path) -> None:
    agent = hyperrl.load(runs / "seed-0")
    with pytest.raises(ValueError, match="action_masks: found some; allowed: none with the algorithm 'ppo'"):
        agent.act([0.5], {}, action_masks=[1, 1])
