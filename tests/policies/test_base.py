"""Saving, copying, callbacks and wrappers of Stable-Baselines3."""

import copy
import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.callbacks import CheckpointCallback, EvalCallback
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.vec_env import VecNormalize

from hyperrl.policies import HyperActorCriticPolicy
from tests.policies.worlds import (
    OBSERVATIONS,
    STRATEGIES,
    model,
    policy,
    policy_of,
    same_predictions,
    samples,
    tensors,
    values,
    vector,
    venv,
)

BATCH = samples(OBSERVATIONS["context"], 6)
KINDS: list[dict[str, Any]] = [
    {"action": "discrete"},
    {"action": "box"},
    {"action": "box", "use_sde": True, "squash_output": True},
    {"action": "box", "share_features_extractor": False, "ortho_init": False, "log_std_init": -1.0},
    {"action": "box", "net_arch": {"pi": [5], "vf": [9, 4]}, "activation_fn": torch.nn.ReLU},
]


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_policy_alone_is_saved_and_loaded(kind: dict[str, Any], strategy: str, tmp_path: Path) -> None:
    made = policy("context", strategy=strategy, **kind)
    made.save(str(tmp_path / "policy.pt"))
    loaded = HyperActorCriticPolicy.load(str(tmp_path / "policy.pt"), device="cpu")
    assert loaded.hypernetwork == made.hypernetwork
    assert loaded.share_features_extractor == made.share_features_extractor
    assert same_predictions(made, loaded, BATCH)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_policy_alone_is_pickled(kind: dict[str, Any], strategy: str) -> None:
    made = policy("context", strategy=strategy, **kind)
    made.predict(BATCH)
    assert same_predictions(made, pickle.loads(pickle.dumps(made)), BATCH)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("action", ["discrete", "box"])
def test_a_policy_is_deep_copied(action: str, strategy: str) -> None:
    made = policy("context", action, strategy)
    made.predict(BATCH)
    copied = copy.deepcopy(made)
    assert same_predictions(made, copied, BATCH)
    before = values(made, BATCH)
    with torch.no_grad():
        for parameter in copied.parameters():
            parameter.add_(0.1)
    assert not same_predictions(made, copied, BATCH)
    assert torch.equal(values(made, BATCH), before)


def test_a_policy_is_deep_copied_after_learning() -> None:
    built = model(venv("context"))
    built.learn(16)
    copied = copy.deepcopy(built.policy)
    assert same_predictions(built, copied, BATCH)
    assert copied.action_dist is not built.policy.action_dist
    actions = copied.get_distribution(tensors(copied, BATCH)).mode()
    assert torch.equal(actions, built.policy.get_distribution(tensors(copied, BATCH)).mode())


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("algorithm", [PPO, A2C])
def test_parameters_are_got_and_set(algorithm: Any, strategy: str) -> None:
    one, other = (model(venv("context"), algorithm, strategy=strategy, seed=seed) for seed in (0, 1))
    one.learn(16)
    assert not same_predictions(one, other, BATCH)
    other.set_parameters(one.get_parameters(), exact_match=True)  # type: ignore[arg-type]
    assert same_predictions(one, other, BATCH)
    smaller = model(venv("context"), algorithm, strategy=strategy, net_arch=[3])
    with pytest.raises(RuntimeError, match="size mismatch"):
        smaller.set_parameters(one.get_parameters())  # type: ignore[arg-type]


def test_a_loaded_model_learns_as_the_saved_one_would() -> None:
    built = model(venv("context"))
    built.learn(16)
    file = io.BytesIO()
    built.save(file)
    loaded = PPO.load(file, device="cpu")
    for each in (built, loaded):
        each.set_env(venv("context"))
        each.set_random_seed(7)
        each.learn(16)
    assert same_predictions(built, loaded, BATCH)


def test_custom_objects_and_policy_kwargs_survive() -> None:
    built = model(
        venv("context"), strategy="full", activation_fn=torch.nn.ELU, net_arch={"pi": [3], "vf": [4]}
    )
    file = io.BytesIO()
    built.save(file)
    loaded = policy_of(PPO.load(file, device="cpu", custom_objects={"learning_rate": 1e-5}))
    assert loaded.activation_fn is torch.nn.ELU
    assert loaded.net_arch == {"pi": [3], "vf": [4]}
    assert loaded.hypernetwork["strategy"] == "full"


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_callbacks(strategy: str, tmp_path: Path) -> None:
    built = model(venv("context"), strategy=strategy)
    evaluation = EvalCallback(
        venv("context"),
        n_eval_episodes=2,
        eval_freq=8,
        best_model_save_path=str(tmp_path),
        log_path=str(tmp_path),
        verbose=0,
    )
    checkpoints = CheckpointCallback(16, str(tmp_path))
    built.learn(64, callback=[evaluation, checkpoints])
    assert np.load(tmp_path / "evaluations.npz")["timesteps"].tolist() == [16, 32, 48, 64]
    PPO.load(tmp_path / "best_model.zip", device="cpu").predict(BATCH)
    last = PPO.load(tmp_path / "rl_model_64_steps.zip", device="cpu")
    assert last.num_timesteps == 64


def test_evaluating_in_the_middle_of_training_changes_nothing_but_rounding() -> None:
    """Weights are formed at another moment."""
    plain = model(venv("context"))
    plain.learn(48)
    evaluated = model(venv("context"))
    evaluated.learn(48, callback=EvalCallback(venv("context"), n_eval_episodes=1, eval_freq=3, verbose=0))
    found, expected = (values(made.policy, BATCH) for made in (evaluated, plain))
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_normalizing_the_observation_leaves_the_context(strategy: str) -> None:
    env = VecNormalize(venv("context"), norm_obs_keys=["obs"])
    built = model(env, strategy=strategy)
    seen: list[torch.Tensor] = []
    generated = policy_of(built).generated
    generated.hyper.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    built.learn(32)
    assert env.obs_rms["obs"].count > 16
    assert "context" not in env.obs_rms
    tasks = torch.cat(seen)
    raw = torch.as_tensor(env.get_original_obs()["context"])
    assert (tasks[:, None] == raw).all(-1).any(0).all()


@pytest.mark.parametrize("observation", ["box", "discrete", "dictionary"])
def test_a_drop_in_for_sb3s_policies(observation: str) -> None:
    """The same spaces, calls, shapes and types of everything that comes out."""
    env = venv(observation)
    theirs = model(env, policy="MultiInputPolicy" if observation == "dictionary" else "MlpPolicy").policy
    ours = policy_of(model(env))
    batch = samples(env.observation_space, 5)
    assert isinstance(ours, ActorCriticPolicy)
    for found, expected in zip(ours(tensors(ours, batch)), theirs(tensors(theirs, batch)), strict=True):
        assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    found, expected = (each.predict(batch)[0] for each in (ours, theirs))
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)


def test_specialize_gives_the_actor_of_one_task() -> None:
    made = policy("context", strategy="full")
    descriptor = torch.tensor([0.2, -0.4])
    plain = made.specialize(descriptor)
    observations = {"obs": torch.randn(6, 4), "context": descriptor.expand(6, 2)}
    torch.testing.assert_close(
        plain(observations["obs"]), made.get_distribution(observations).mode(), rtol=1e-5, atol=1e-6
    )
    assert all(parameter.requires_grad for parameter in made.parameters())
    before = plain(observations["obs"])
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.zero_()
    assert torch.equal(plain(observations["obs"]), before)


def test_generated_weights_name_every_layer() -> None:
    made = policy(spaces.Dict(obs=vector(3), context=vector(2)), net_arch={"pi": [5], "vf": [6, 7]})
    shapes = {name: tuple(one.shape) for name, one in made.generated_weights(torch.randn(4, 2)).items()}
    assert shapes == {
        "actor.0.weight": (4, 5, 3),
        "actor.0.bias": (4, 5),
        "actor.1.weight": (4, 2, 5),
        "actor.1.bias": (4, 2),
        "critic.0.weight": (4, 6, 3),
        "critic.0.bias": (4, 6),
        "critic.1.weight": (4, 7, 6),
        "critic.1.bias": (4, 7),
        "critic.2.weight": (4, 1, 7),
        "critic.2.bias": (4, 1),
    }
    assert not any(one.requires_grad for one in made.generated_weights(torch.randn(4, 2)).values())


def test_time_spent_generating_is_counted() -> None:
    built = model(venv("context"))
    start = policy_of(built).generation_seconds
    built.learn(16)
    assert policy_of(built).generation_seconds > start
