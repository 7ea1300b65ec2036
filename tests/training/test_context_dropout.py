"""Features of the context that training leaves out."""

from typing import Any

import numpy as np

from hyperrl.tasks import Family, TaskSampler
from hyperrl.training.context_dropout import ContextDropout
from hyperrl.training.observed_context import ObservedContextVecEnv


def forgetful(num_envs: int = 64, probability: float = 0.3, seed: int = 2) -> ObservedContextVecEnv:
    family = Family.load("ode-2d")
    batch = family.make_vec(num_envs, sampler=TaskSampler(family.tasks("train"), seed=1))
    env = ObservedContextVecEnv(batch, [ContextDropout(num_envs, family.space.owners, probability, seed)])
    env.seed(0)
    return env


def absent(env: ObservedContextVecEnv) -> Any:
    (dropout,) = env.changes
    assert isinstance(dropout, ContextDropout)
    return dropout.absent


def act(env: ObservedContextVecEnv, rng: np.random.Generator) -> Any:
    space: Any = env.action_space
    return rng.uniform(space.low, space.high, (env.num_envs, *space.shape)).astype(np.float32)


def test_what_is_left_out_stays_so_for_an_episode_and_its_end() -> None:
    env, rng = forgetful(), np.random.default_rng(0)
    before: Any = env.reset()
    ended = 0
    for _ in range(450):
        after, _, dones, infos = env.step(act(env, rng))
        hidden, now = np.isnan(before["context"]), np.isnan(after["context"])  # type: ignore[call-overload]
        assert (now[~dones] == hidden[~dones]).all()
        for index in np.flatnonzero(dones):
            ended += 1
            last = infos[index]["terminal_observation"]["context"]
            assert (np.isnan(last) == hidden[index]).all()
            assert np.array_equal(last, before["context"][index], equal_nan=True)
            assert not any(np.isnan(value) for value in infos[index]["context"].values())
        before = after
    assert ended > 100
    assert absent(env).any(axis=0).all()


def test_each_feature_is_left_out_as_often_as_asked_and_for_itself() -> None:
    env = forgetful(200)
    drawn = np.concatenate([np.isnan(env.reset()["context"]) for _ in range(20)])  # type: ignore[call-overload]
    assert np.abs(drawn.mean(axis=0) - 0.3).max() < 0.03
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 0.06


def test_the_state_goes_on_where_it_was() -> None:
    env, other, rng = forgetful(8), forgetful(8, seed=7), np.random.default_rng(0)
    env.reset()
    for _ in range(30):
        env.step(act(env, rng))
    state = env.get_state()
    assert state is not None
    for _ in range(3):
        other.reset()
    assert not np.array_equal(absent(env), absent(other))
    other.set_state(state)
    ended = 0
    for _ in range(450):
        action = act(env, rng)
        (found, rewards, dones, _), (expected, *others) = other.step(action), env.step(action)
        for key in ("obs", "context"):
            np.testing.assert_array_equal(found[key], expected[key])  # type: ignore[call-overload]
        np.testing.assert_array_equal([rewards, dones], others[:2])
        ended += int(dones.sum())
    assert ended == 16


def test_the_entries_of_a_feature_go_together() -> None:
    family = Family.load("ode-2d")
    batch = family.make_vec(200, sampler=TaskSampler(family.tasks("train")))
    env = ObservedContextVecEnv(batch, [ContextDropout(200, [0, 0], 0.5, 0)])
    context: Any = env.reset()["context"]  # type: ignore[call-overload]
    hidden = np.isnan(context)
    assert (hidden[:, 0] == hidden[:, 1]).all()
    assert 60 < hidden[:, 0].sum() < 140
