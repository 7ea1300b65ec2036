from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3 import A2C

from hyperrl.evaluation import ModelPolicy, evaluate_tasks
from hyperrl.evaluation.agent import Agent
from hyperrl.evaluation.policy import WithOtherContexts
from hyperrl.nets import Rows
from hyperrl.policies import HyperActorCriticPolicy
from hyperrl.policies.networks import GeneratedNetworks
from hyperrl.tasks import Family
from tests import masked
from tests.suite import needs

ACTIONS: dict[str, gym.Space[Any]] = {
    "box": gym.spaces.Box(np.array([-0.1, -2.0], np.float32), np.array([0.1, 1.0], np.float32)),
    "matrix": gym.spaces.Box(-0.2, 0.1, (2, 3), np.float32),
    "discrete": gym.spaces.Discrete(5),
    "multi-discrete": gym.spaces.MultiDiscrete([2, 3]),
    "multi-binary": gym.spaces.MultiBinary(4),
}


SEEN = gym.spaces.Dict(
    obs=gym.spaces.Box(-1, 1, (3,), np.float32), context=gym.spaces.Box(-1, 1, (2,), np.float32)
)


def model_on(actions: gym.Space[Any], policy: Any, **options: Any) -> A2C:
    model = A2C(policy, None, device="cpu", _init_setup_model=False, **options)  # type: ignore[arg-type]
    model.observation_space, model.action_space, model.n_envs = SEEN, actions, 1
    model._setup_model()
    return model


@pytest.mark.parametrize("deterministic", [True, False])
@pytest.mark.parametrize("policy", [HyperActorCriticPolicy, "MultiInputPolicy"])
@pytest.mark.parametrize("kind", [*ACTIONS, "squashed"])
def test_a_models_actions_are_those_of_its_predict(kind: str, policy: Any, deterministic: bool) -> None:
    squashed: dict[str, Any] = {"use_sde": True, "policy_kwargs": {"squash_output": True}}
    model = model_on(ACTIONS.get(kind, ACTIONS["box"]), policy, **(squashed if kind == "squashed" else {}))
    rng = np.random.default_rng(0)
    act = ModelPolicy(model, deterministic)
    for _ in range(12):  # kept weights are put into another form after eight uses
        parts = {name: rng.uniform(-1, 1, (6, *space.shape)) for name, space in SEEN.items() if space.shape}
        batch = {name: part.astype(np.float32) for name, part in parts.items()}
        batch["context"][:] = [0.5, -0.5]
        torch.manual_seed(3)
        actions = act(batch)
        torch.manual_seed(3)
        expected = model.predict(batch, deterministic=deterministic)[0]
        assert actions.shape == expected.shape
        assert actions.dtype == expected.dtype
        np.testing.assert_allclose(actions, expected, rtol=1e-5, atol=1e-6)
        model.policy.set_training_mode(False)


def test_a_model_takes_its_most_likely_actions_unless_they_are_to_be_drawn() -> None:
    model = model_on(gym.spaces.Box(-1, 1, (2,), np.float32), HyperActorCriticPolicy)
    batch = {"obs": np.zeros((4, 3), np.float32), "context": np.zeros((4, 2), np.float32)}
    expected = model.predict(batch, deterministic=True)[0]
    np.testing.assert_allclose(ModelPolicy(model)(batch), expected, rtol=1e-5, atol=1e-6)
    assert not np.allclose(ModelPolicy(model, deterministic=False)(batch), expected)


def test_weights_are_generated_once_for_an_evaluation(ode: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    """And once more to be formed, when they have been used some times."""
    model = model_on(gym.spaces.Box(-1, 1, (2,), np.float32), HyperActorCriticPolicy)
    model.observation_space = ode.observation_space
    model._setup_model()
    calls = 0
    generate = GeneratedNetworks._generated

    def counted(self: GeneratedNetworks, descriptors: torch.Tensor, rows: Rows) -> Any:
        nonlocal calls
        calls += 1
        return generate(self, descriptors, rows)

    monkeypatch.setattr(GeneratedNetworks, "_generated", counted)
    model.policy.set_training_mode(True)
    evaluate_tasks(ModelPolicy(model), ode, [{}, {"c0": 2.0}], episodes=1)
    assert calls == 2
    assert not model.policy.training
    agent = Agent(None, ode, model)  # type: ignore[arg-type]
    for _ in range(3):
        assert agent.act([0.5], {"c0": 3.0}).shape == (2,)
    assert calls == 3


@needs("contrib")
@pytest.mark.parametrize("deterministic", [True, False])
@pytest.mark.parametrize("agent", ["hyper-maskable-ppo", "concat-maskable-ppo"])
@pytest.mark.parametrize("actions", masked.ACTIONS)
def test_masked_actions_are_those_of_predict(actions: str, agent: str, deterministic: bool) -> None:
    model = masked.masked_model(masked.masked_family(actions), agent)
    rng, size = np.random.default_rng(0), sum(masked.SIZES[actions])
    act = ModelPolicy(model, deterministic)
    assert act.masked
    for _ in range(12):
        batch = {"obs": rng.uniform(-1, 1, (6, 3)), "context": np.full((6, 1), 0.3)}
        batch = {name: part.astype(np.float32) for name, part in batch.items()}
        masks = rng.random((6, size)) < 0.4
        masks[:, np.cumsum((0, *masked.SIZES[actions][:-1]))] = True
        for each in (masks, None):
            torch.manual_seed(3)
            found = act(batch) if each is None else act(batch, each)
            torch.manual_seed(3)
            expected = model.predict(batch, deterministic=deterministic, action_masks=each)[0]
            np.testing.assert_array_equal(found, expected)
            model.policy.set_training_mode(False)


def test_what_a_policy_within_another_takes_is_handed_on() -> None:
    """Masks and resets."""
    seen: list[Any] = []

    class Inner:
        masked = True

        def __call__(self, observation: Any, masks: Any) -> Any:
            seen.append((observation["context"], masks))
            return np.zeros(2, np.int64)

        def reset(self) -> None:
            seen.append("reset")

    outer = WithOtherContexts(Inner(), lambda contexts: contexts + 1)
    outer.reset()
    outer({"obs": np.zeros(1), "context": np.zeros(1)}, "masks")  # type: ignore[arg-type]
    assert seen == ["reset", (np.ones(1), "masks")]
    assert outer.masked
    assert not WithOtherContexts(lambda observation: observation, lambda contexts: contexts).masked
    WithOtherContexts(lambda observation: observation, lambda contexts: contexts).reset()
