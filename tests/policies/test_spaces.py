"""PPO and A2C learn, act, are evaluated, saved and loaded on every space, as with SB3's own policies."""

import io
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from tests.policies.worlds import (
    ACTIONS,
    OBSERVATIONS,
    STRATEGIES,
    image,
    model,
    policy_of,
    same_predictions,
    samples,
    tensors,
    vector,
    venv,
)

ALGORITHMS: list[type[OnPolicyAlgorithm]] = [PPO, A2C]


def use(built: OnPolicyAlgorithm) -> None:
    """Everything that a person does with a model, in order."""
    env = built.get_env()
    assert env is not None
    policy, space = policy_of(built), env.observation_space
    before = policy.parameters_to_vector()
    built.learn(32)
    assert np.isfinite(policy.parameters_to_vector()).all()
    assert not np.array_equal(before, policy.parameters_to_vector())
    acts(built, space)
    mean, _ = evaluate_policy(built, env, n_eval_episodes=2, warn=False)
    assert np.isfinite(mean)
    file = io.BytesIO()
    built.save(file)
    loaded = type(built).load(file, env, device="cpu")
    assert same_predictions(built, loaded, samples(space, 6))
    loaded.learn(16)
    assert not same_predictions(built, loaded, samples(space, 6))


def acts(built: OnPolicyAlgorithm, space: Any) -> None:
    batch = samples(space, 6)
    for deterministic in (True, False):
        actions, _ = built.predict(batch, deterministic=deterministic)
        assert actions.shape == (6, *built.action_space.shape)  # type: ignore[misc]
        assert all(built.action_space.contains(action) for action in actions)
    single = space.sample()
    action, _ = built.predict(single, deterministic=True)
    assert built.action_space.contains(action if action.ndim else action.item())
    policy, observations = policy_of(built), tensors(built.policy, batch)
    taken, values, log_prob = policy(observations)
    again = policy.evaluate_actions(observations, taken.flatten(1) if taken.dim() > 2 else taken)
    torch.testing.assert_close(again[0], values)
    torch.testing.assert_close(again[1], log_prob, rtol=1e-3, atol=1e-3)  # squashed actions are inverted


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_action_space(algorithm: type[OnPolicyAlgorithm], action: str, strategy: str) -> None:
    use(model(venv("context", action), algorithm, strategy=strategy))


@pytest.mark.parametrize("options", [{}, {"squash_output": True}, {"full_std": False, "use_expln": True}])
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_state_dependent_exploration(
    algorithm: type[OnPolicyAlgorithm], strategy: str, options: dict[str, Any]
) -> None:
    use(model(venv("context"), algorithm, strategy=strategy, use_sde=True, **options))


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("observation", OBSERVATIONS)
@pytest.mark.parametrize(("algorithm", "action"), [(PPO, "box"), (A2C, "discrete")])
def test_every_observation_space(
    algorithm: type[OnPolicyAlgorithm], action: str, observation: str, strategy: str
) -> None:
    use(model(venv(observation, action), algorithm, strategy=strategy))


@pytest.mark.parametrize("normalize_images", [True, False])
@pytest.mark.parametrize("context", [True, False])
def test_images(context: bool, normalize_images: bool) -> None:
    space = spaces.Dict({"picture": image(), **({"context": vector(2)} if context else {})})
    built = model(
        venv(space, "discrete"),
        strategy="low-rank",
        normalize_images=normalize_images,
        features_extractor_kwargs={"cnn_output_dim": 8},
    )
    policy = policy_of(built)
    assert policy.features_dim == (10 if context else 8)
    use(built)


@pytest.mark.parametrize(
    ("context", "size"),
    [
        (spaces.Discrete(4), 4),
        (spaces.MultiDiscrete([2, 3]), 5),
        (spaces.MultiBinary(3), 3),
        (spaces.Box(-1.0, 1.0, (2, 3), np.float32), 6),
        (spaces.Box(-1.0, 1.0, (2,), np.float64), 2),
        (spaces.Box(0, 9, (2,), np.int64), 2),
    ],
)
def test_contexts_of_other_kinds_than_vectors(context: spaces.Space[Any], size: int) -> None:
    built = model(venv(spaces.Dict(obs=vector(3), context=context)))
    assert policy_of(built).generated.descriptor_dim == size
    use(built)


@pytest.mark.parametrize("bound", [np.inf, np.finfo(np.float32).max, 1e30])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_context_without_useful_bounds_starts_with_finite_weights(strategy: str, bound: float) -> None:
    space = spaces.Dict(obs=vector(3), context=vector(2, float(bound)))
    policy = policy_of(model(venv(space), strategy=strategy))
    weights = policy.generated_weights(torch.randn(5, 2))
    assert all(tensor.isfinite().all() for tensor in weights.values())
    assert (weights["actor.0.weight"][0] - weights["actor.0.weight"][1]).abs().max() > 1e-3
