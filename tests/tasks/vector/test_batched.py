"""Batched environments against single ones, transition for transition."""

import json
import time
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.seeding import np_random
from gymnasium.vector import AutoresetMode
from hypothesis import given, settings
from hypothesis import strategies as st
from stable_baselines3.common.vec_env import DummyVecEnv

from hyperrl.errors import UserError
from hyperrl.tasks import Family, TaskSampler
from hyperrl.tasks.dynamics import CartPole, Pendulum
from hyperrl.tasks.registration import batchable
from hyperrl.tasks.vector import BatchedEnv, ContextualSyncEnv
from tests.tasks.vector.same import assert_same

BATCHED = [
    "ode",
    "ode-2d",
    "ode-aib",
    "ode-da",
    "ode-da-2d",
    "point-goal",
    "point-reach",
    "double-integrator",
    "double-integrator-friction",
    "double-integrator-permuted",
    "cartpole",
    "pendulum",
    "pendulum-actuator",
    "wall-gap",
    "deep-sea",
]


def one_by_one(name: str) -> Family:
    """The same family over single environments: a factory of its own has no batched dynamics."""
    family = Family.load(name)
    return Family(family.recipe, family.make_base)


@pytest.mark.parametrize(
    ("name", "num_envs"), [("ode", 1), ("cartpole", 1), *((name, 5) for name in BATCHED)]
)
def test_a_batch_equals_single_environments(name: str, num_envs: int) -> None:
    family, singles = Family.load(name), one_by_one(name)
    samplers = [TaskSampler(family.tasks("train"), seed=3) for _ in range(2)]
    batch, sync = (
        family.make_vec(num_envs, sampler=samplers[0]),
        singles.make_vec(num_envs, sampler=samplers[1]),
    )
    assert isinstance(batch, BatchedEnv)
    assert isinstance(sync, ContextualSyncEnv)
    assert batch.observation_space == sync.observation_space
    assert batch.action_space == sync.action_space
    assert batch.metadata["autoreset_mode"] == sync.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP
    for left, right in zip(batch.reset(seed=5), sync.reset(seed=5), strict=True):
        assert_same(left, right)
    batch.action_space.seed(0)
    ends = 0
    for _ in range(430):
        actions = batch.action_space.sample()
        seen, reward, terminated, truncated, infos = batch.step(actions)
        seen_, reward_, terminated_, truncated_, infos_ = sync.step(actions)
        assert_same(seen, seen_)
        np.testing.assert_allclose(reward, reward_, rtol=0, atol=1e-12 if name.startswith("pendulum") else 0)
        np.testing.assert_array_equal(terminated, terminated_)
        np.testing.assert_array_equal(truncated, truncated_)
        if name.startswith("pendulum") and infos:
            returns = [each["final_info"]["episode"].pop("r") for each in (infos, infos_)]
            np.testing.assert_allclose(returns[0], returns[1], rtol=1e-12)
        assert_same(infos, infos_)
        ends += int((terminated | truncated).sum())
    assert ends >= 2 * num_envs
    if not name.startswith("pendulum"):
        assert samplers[0].get_state() == samplers[1].get_state()


@settings(max_examples=40)
@given(data=st.data(), name=st.sampled_from(BATCHED), num_envs=st.integers(1, 70))
def test_no_row_depends_on_its_neighbors(data: st.DataObject, name: str, num_envs: int) -> None:
    dynamics = batchable(Family.load(name).recipe)
    assert dynamics is not None
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    size = len(dynamics.start(rng, None))
    state = rng.normal(size=(num_envs, size)) * data.draw(st.sampled_from([1e-3, 1.0, 10.0]))
    action = np.stack([np.asarray(dynamics.action_space.sample()) for _ in range(num_envs)])
    constants = dynamics.constants({n: v * 1.3 for n, v in dynamics.parameters.items()})
    context = {key: value * rng.uniform(0.5, 2, num_envs) for key, value in constants.items()}
    together = dynamics.step(state, action, context)
    for row in range(num_envs):
        alone = dynamics.step(
            state[row : row + 1].copy(),
            action[row : row + 1].copy(),
            {k: float(v[row]) for k, v in context.items()},
        )
        for one, other in zip(together, alone, strict=True):
            np.testing.assert_array_equal(one[row], other[0])


@pytest.mark.parametrize("family", [Family.load("cartpole"), one_by_one("cartpole")], ids=["batched", "sync"])
def test_contexts_stay_with_their_environment(family: Family) -> None:
    tasks = family.tasks("extrapolation")[:5]
    batch = family.make_vec(5, contexts=tasks)
    descriptors = family.space.descriptors(tasks)
    seen, infos = batch.reset(seed=0)
    assert list(infos["context"]) == tasks
    finished = np.zeros(5, int)
    for _ in range(120):
        np.testing.assert_array_equal(seen["context"], descriptors)
        seen, _, terminated, truncated, infos = batch.step(np.ones(5, int))
        done = terminated | truncated
        assert bool(infos) == done.any()
        for i in np.flatnonzero(done):
            assert infos["context"][i] == infos["final_info"]["context"][i] == tasks[i]
            assert infos["final_info"]["task"][i] == i
        finished += done
    assert finished.min() >= 3


@pytest.mark.parametrize("alone", [False, True])
def test_options_of_one_reset_are_forgotten_by_the_next(alone: bool) -> None:
    """Gymnasium's own CartPoleVectorEnv starts the episodes after it between them too."""
    family = one_by_one("cartpole") if alone else Family.load("cartpole")
    batch = family.make_vec(2)
    first, _ = batch.reset(seed=0, options={"low": 0.15, "high": 0.2})
    assert first["obs"].min() >= 0.15
    starts: list[Any] = []
    while len(starts) < 4:
        seen, _, terminated, truncated, _ = batch.step(np.ones(2, np.int64))
        starts += list(seen["obs"][terminated | truncated])
    assert np.abs(starts).max() <= 0.05


@pytest.mark.parametrize("family", [Family.load("ode"), one_by_one("ode")], ids=["batched", "sync"])
def test_options_reach_every_reset(family: Family) -> None:
    batch = family.make_vec(3, contexts=[{"c0": 0.0}] * 3, options={"x": 1.0})
    batch.reset(seed=0)
    for _ in range(400):
        seen, *_ = batch.step(np.zeros((3, 2), np.float32))
        assert (seen["obs"] == 1.0).all()


@pytest.mark.parametrize("family", [Family.load("ode"), one_by_one("ode")], ids=["batched", "sync"])
def test_a_context_of_the_callers_own_is_for_one_episode(family: Family) -> None:
    sampler = TaskSampler(family.tasks("train"), "round-robin")
    batch = family.make_vec(2, sampler=sampler)
    seen, infos = batch.reset(seed=0, options={"context": {"c0": 7.5}})
    assert list(infos["context"]) == [{"c0": 7.5}] * 2
    for _ in range(200):
        np.testing.assert_array_equal(seen["context"], np.full((2, 1), 1.5, np.float32))
        seen, _, _, truncated, infos = batch.step(np.zeros((2, 2), np.float32))
    assert truncated.all()
    assert infos["final_info"]["task"].tolist() == [-1, -1]
    assert list(infos["context"]) == family.tasks("train")[:2]
    assert sum(sampler.finished) == 0


def test_the_pushed_action_has_the_contexts_effect() -> None:
    batch = Family.load("ode").make_vec(
        3, contexts=[{"c0": -5.0}, {"c0": 0.0}, {"c0": 5.0}], options={"x": 0.0}
    )
    batch.reset()
    seen, *_ = batch.step(np.tile(np.array([1.0, 0.0], np.float32), (3, 1)))
    np.testing.assert_allclose(seen["obs"][:, 0], [-0.05, 0.0, 0.05], rtol=1e-6)


@pytest.mark.parametrize("name", BATCHED)
def test_a_restored_state_continues_exactly(name: str) -> None:
    family = Family.load(name)
    rng = np.random.default_rng(0)
    batch = family.make_vec(4, sampler=TaskSampler(family.tasks("train"), seed=1))
    batch.action_space.seed(0)
    batch.reset(seed=2)
    for _ in range(rng.integers(30, 90)):
        batch.step(batch.action_space.sample())
    assert isinstance(batch, BatchedEnv)
    state = batch.get_state()
    json.dumps({key: value for key, value in state.items() if not isinstance(value, np.ndarray)})
    other = family.make_vec(4, sampler=TaskSampler(family.tasks("train"), seed=9))
    assert isinstance(other, BatchedEnv)
    other.set_state(state)
    assert_same(other.observation(), batch.observation())
    for _ in range(300):
        actions = batch.action_space.sample()
        for one, two in zip(batch.step(actions), other.step(actions), strict=True):
            if isinstance(one, dict):
                assert_same(one, two)
            else:
                np.testing.assert_array_equal(one, two)
    with pytest.raises(ValueError, match="4 environments; 3 are needed"):
        family.make_vec(3).set_state(state)  # type: ignore[union-attr]


def test_what_was_returned_is_the_callers() -> None:
    batch = Family.load("cartpole").make_vec(3)
    first, _ = batch.reset(seed=0)
    kept = {key: value.copy() for key, value in first.items()}
    for _ in range(60):
        batch.step(np.ones(3, int))
    assert_same(first, kept)
    first["context"][:] = 99.0
    assert batch.step(np.ones(3, int))[0]["context"].max() < 99


def test_seeds() -> None:
    family = Family.load("ode")
    whole = family.make_vec(3, contexts=[{}] * 3).reset(seed=11)[0]["obs"]
    listed = family.make_vec(3, contexts=[{}] * 3).reset(seed=[11, 12, 13])[0]["obs"]
    single = [family.make_default().reset(seed=seed)[0]["obs"] for seed in (11, 12, 13)]
    np.testing.assert_array_equal(whole, listed)
    np.testing.assert_array_equal(whole, single)
    batch = family.make_vec(2)
    tasks = [batch.reset(seed=4)[1]["task"].tolist() for _ in range(2)]
    assert tasks[0] == tasks[1]
    with pytest.raises(ValueError, match="2 seeds for 3"):
        family.make_vec(3).reset(seed=[1, 2])


@pytest.mark.parametrize("context", [None, {"c0": 9.0}])
def test_a_mask_resets_some_environments(context: dict[str, float] | None) -> None:
    outcomes = []
    for family in (Family.load("ode"), one_by_one("ode")):
        batch = family.make_vec(3, sampler=TaskSampler(family.tasks("train"), seed=1))
        batch.reset(seed=0)
        for _ in range(50):
            seen, *_ = batch.step(np.ones((3, 2), np.float32))
        options: dict[str, Any] = {"reset_mask": np.array([True, False, True])}
        options |= {} if context is None else {"context": context}
        after, infos = batch.reset(seed=5, options=options)
        assert after["obs"][1] == seen["obs"][1]
        assert after["context"][1] == seen["context"][1]
        assert infos["_context"].tolist() == [True, False, True]
        ends = [batch.step(np.zeros((3, 2), np.float32))[3].tolist() for _ in range(200)]
        outcomes.append((after, infos, ends))
    assert_same(outcomes[0][0], outcomes[1][0])
    assert_same(outcomes[0][1], outcomes[1][1])
    assert outcomes[0][2] == outcomes[1][2]
    assert outcomes[0][2][149] == [False, True, False]
    assert outcomes[0][2][199] == [True, False, True]


@pytest.mark.slow
@pytest.mark.parametrize("name", BATCHED)
def test_a_batch_of_64_is_ten_times_as_fast_as_sb3s_dummy(name: str) -> None:
    """Processor time, alternating, best of three; random actions, so that CartPole ends all the time."""
    family = Family.load(name)
    sampler = TaskSampler(family.tasks("train"), seed=0)
    batch, dummy = (
        family.make_vec(64, sampler=sampler),
        DummyVecEnv([lambda: family.make(sampler=sampler)] * 64),
    )
    batch.reset(seed=0)
    dummy.reset()
    batch.action_space.seed(0)
    actions = [batch.action_space.sample() for _ in range(64)]

    def seconds(step: Callable[[Any], Any], rounds: int) -> float:
        begun = time.process_time()
        for index in range(rounds):
            step(actions[index % 64])
        return (time.process_time() - begun) / rounds

    pairs = [(seconds(dummy.step, 40), seconds(batch.step, 400)) for _ in range(3)]
    assert max(slow / fast for slow, fast in pairs) >= 10


def test_wrong_use_is_refused() -> None:
    family = Family.load("ode")
    with pytest.raises(UserError, match="2 environments need 2 contexts"):
        family.make_vec(2, contexts=[{}])
    with pytest.raises(UserError, match="2 environments need 2 contexts and no sampler"):
        family.make_vec(2, contexts=[{}, {}], sampler=TaskSampler([{}]))
    with pytest.raises(UserError, match="num_envs: found 0; allowed: a whole number"):
        family.make_vec(0)
    with pytest.raises(gym.error.ResetNeeded):
        family.make_vec(2).step(np.zeros((2, 2)))
    batch = family.make_vec(2)
    batch.reset()
    with pytest.raises(ValueError, match="shape"):
        batch.step(np.zeros((3, 2)))
    with pytest.raises(UserError, match="c9"):
        batch.reset(options={"context": {"c9": 1.0}})


@pytest.mark.parametrize(("made", "base"), [(CartPole, "CartPole-v1"), (Pendulum, "Pendulum-v1")])
def test_what_no_feature_sets_is_as_in_gymnasiums_environment(made: Any, base: str) -> None:
    parameters, env = made().parameters, gym.make(base).unwrapped
    assert parameters == {name: getattr(env, name) for name in parameters}


@pytest.mark.parametrize(
    ("made", "base", "options"),
    [
        (CartPole, "CartPole-v1", None),
        (CartPole, "CartPole-v1", {"high": 0.2}),
        (CartPole, "CartPole-v1", {"low": -0.3}),
        (Pendulum, "Pendulum-v1", None),
        (Pendulum, "Pendulum-v1", {"x_init": 0.5}),
        (Pendulum, "Pendulum-v1", {"y_init": 0.25}),
    ],
)
def test_a_start_of_which_a_part_is_given_is_as_in_gymnasiums_environment(
    made: Any, base: str, options: dict[str, float] | None
) -> None:
    env: Any = gym.make(base).unwrapped
    env.reset(seed=7, options=options)
    np.testing.assert_array_equal(made().start(np_random(7)[0], options), env.state)


def test_masks_of_a_batch_are_those_of_single_environments() -> None:
    """By actions that masks allow, and that move; a batch without masks has none."""
    family, singles = Family.load("wall-gap"), one_by_one("wall-gap")
    batch, sync = (
        each.make_vec(6, sampler=TaskSampler(family.tasks("train"), seed=3)) for each in (family, singles)
    )
    assert isinstance(batch, BatchedEnv)
    with pytest.raises(gym.error.ResetNeeded, match="Call reset before action_masks"):
        batch.action_masks()
    seen, rng = batch.reset(seed=1)[0], np.random.default_rng(0)
    sync.reset(seed=1)
    assert batch.masked
    assert sync.masked
    for _ in range(120):
        masks = batch.action_masks()
        np.testing.assert_array_equal(masks, sync.action_masks())
        assert masks.shape == (6, 4)
        actions = np.array([rng.choice(np.flatnonzero(mask)) for mask in masks])
        before = seen["obs"]
        seen, _, terminated, truncated, _ = batch.step(actions)
        sync.step(actions)
        assert ((seen["obs"] != before).any(axis=1) | terminated | truncated).all()
    other = Family.load("cartpole").make_vec(2)
    other.reset(seed=0)
    assert not other.masked
