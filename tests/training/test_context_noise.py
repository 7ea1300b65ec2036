"""Contexts that are off in training, and in training alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hyperrl import api
from hyperrl.tasks import Family, TaskSampler
from hyperrl.tasks.context_errors import ContextErrors
from hyperrl.training.context_dropout import ContextDropout
from hyperrl.training.context_noise import ContextNoise
from hyperrl.training.observed_context import ObservedContextVecEnv
from tests.runs import SMALL, message

FAMILY = Family.load("double-integrator")


def noisy(num_envs: int = 8, seed: int = 2, dropout: float = 0.0) -> ObservedContextVecEnv:
    batch = FAMILY.make_vec(num_envs, sampler=TaskSampler(FAMILY.tasks("train"), seed=1))
    changes: list[Any] = [ContextNoise(num_envs, ContextErrors(FAMILY.space), np.array([0.3, 0.1]), seed)]
    if dropout:
        changes.append(ContextDropout(num_envs, FAMILY.space.owners, dropout, seed))
    env = ObservedContextVecEnv(batch, changes)
    env.seed(0)
    return env


def act(env: ObservedContextVecEnv, rng: np.random.Generator) -> Any:
    return rng.uniform(-1, 1, (env.num_envs, 2)).astype(np.float32)


def test_an_error_holds_for_an_episode_and_its_end() -> None:
    env, rng = noisy(64), np.random.default_rng(0)
    before: Any = env.reset()
    errors, flips = [], 0
    for _ in range(201):
        after: Any
        after, _, dones, infos = env.step(act(env, rng))
        assert np.array_equal(after["context"][~dones], before["context"][~dones])
        for index in np.flatnonzero(dones):
            told = infos[index]["terminal_observation"]["context"]
            assert np.array_equal(told, before["context"][index])
            true = FAMILY.space.descriptors([infos[index]["context"]])[0]
            flips += told[0] != true[0]
            errors.append(float(told[1] - true[1]) / 2)
        before = after
    assert len(errors) == 128
    assert 0.08 < max(errors) <= 0.1 + 1e-6
    assert -0.1 - 1e-6 <= min(errors) < -0.08
    assert 20 < flips < 60


def test_noise_comes_before_dropout() -> None:
    env: Any = noisy(200, dropout=0.5)
    context = env.reset()["context"]
    assert 0.4 < np.isnan(context).mean() < 0.6
    true = FAMILY.space.descriptors(env.batch._playing)
    known = ~np.isnan(context[:, 1])
    assert (context[known, 1] != true[known, 1]).all()


def test_the_state_goes_on_where_it_was() -> None:
    env, other, rng = noisy(dropout=0.2), noisy(seed=7, dropout=0.2), np.random.default_rng(0)
    env.reset()
    other.reset()
    for _ in range(30):
        env.step(act(env, rng))
    state = env.get_state()
    assert state is not None
    other.set_state(state)
    for _ in range(180):
        action = act(env, rng)
        found, expected = other.step(action), env.step(action)
        for key in ("obs", "context"):
            np.testing.assert_array_equal(found[0][key], expected[0][key])  # type: ignore[call-overload]
        np.testing.assert_array_equal(found[2], expected[2])


@pytest.mark.parametrize("agent", ["hyper-ppo", "concat-ppo"])
def test_a_resumed_training_is_the_same_bit_for_bit(tmp_path: Path, agent: str, no_figures: None) -> None:
    overrides = [*SMALL, "context_noise={mass: 0.2, action_sign: 0.3}", "checkpoint_every=32"]
    whole = api.train(agent, FAMILY, steps=256, overrides=overrides, out=tmp_path / "whole")
    part = api.train(agent, FAMILY, steps=128, overrides=overrides, out=tmp_path / "part")
    resumed = api.resume(part, steps=256)
    one, other = (api.load(run, checkpoint="latest").model.policy.state_dict() for run in (whole, resumed))
    assert all(np.array_equal(one[name], other[name]) for name in one)
    plain = api.train(agent, FAMILY, steps=128, overrides=SMALL, out=tmp_path / "plain")
    without = api.load(plain, checkpoint="latest").model.policy.state_dict()
    with_noise = api.load(tmp_path / "part", checkpoint="latest").model.policy.state_dict()
    assert any(not np.array_equal(without[name], with_noise[name]) for name in without)


def test_weights_that_are_kept_while_acting_follow_the_wrong_contexts() -> None:
    """The actions in noisy episodes are those of a policy that generates its weights anew at each step."""
    from hyperrl.recipes import load_agent, resolve
    from hyperrl.training.build import bare_model

    agent = resolve(load_agent("hyper-ppo"), FAMILY.recipe)
    model = bare_model(agent, FAMILY.observation_space, FAMILY.action_space, to_learn=False)
    policy: Any = model.policy
    env = noisy()
    policy.set_training_mode(False)
    observation: Any = env.reset()
    contexts = set()
    for _ in range(205):
        acting, _ = policy.predict(observation, deterministic=True)
        for part in policy.parts.values():
            part.clear_cache()
        anew, _ = policy.predict(observation, deterministic=True)
        np.testing.assert_allclose(acting, anew, atol=1e-6)
        contexts |= set(map(bytes, observation["context"]))
        observation, *_ = env.step(acting)
    assert len(contexts) == 24  # three episodes of eight environments


def test_what_cannot_be_is_refused_in_one_line(tmp_path: Path) -> None:
    def refusal(agent: str, noise: str, family: str = "double-integrator", *more: str) -> str:
        overrides = [f"context_noise={noise}", *more]
        return message(api.train, agent, family, overrides=overrides, out=tmp_path / "x")

    assert refusal("blind-ppo", "0.1") == (
        "overrides: context_noise: found 0.1; allowed: 0 with policy.kind 'blind', which sees no context"
    )
    assert "context_noise: found 1.5; allowed: " in refusal("hyper-ppo", "1.5")
    assert "context_noise.mass: found -1" in refusal("hyper-ppo", "{mass: -1}")
    assert "context_noise: unknown feature 'mas'; did you mean 'mass'?" in refusal("hyper-ppo", "{mas: 0.1}")
    assert not (tmp_path / "x").exists()
