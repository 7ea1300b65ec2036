"""Batches of stacked observations against single environments, transition for transition."""

from functools import partial

import numpy as np
import pytest

from hyperrl.recipes import EnvironmentOptions
from hyperrl.tasks import Family, TaskSampler
from hyperrl.tasks.vector import ContextualSyncEnv, StackedBatchedEnv
from tests.tasks.vector.same import assert_same
from tests.tasks.vector.test_batched import BATCHED, one_by_one


@pytest.mark.parametrize(("name", "frames"), [("cartpole", 40), *((name, 3) for name in BATCHED)])
def test_a_batch_equals_single_environments(name: str, frames: int) -> None:
    options = EnvironmentOptions(frame_stack=frames)
    recipe, singles = Family.load(name).recipe, one_by_one(name)
    families = Family(recipe, None, options), Family(recipe, singles._make_base, options)
    samplers = [TaskSampler(each.tasks("train"), seed=3) for each in families]
    batch, sync = (each.make_vec(4, sampler=own) for each, own in zip(families, samplers, strict=True))
    assert isinstance(batch, StackedBatchedEnv)
    assert type(sync) is ContextualSyncEnv
    assert batch.single_observation_space == sync.single_observation_space == families[0].observation_space
    for left, right in zip(batch.reset(seed=5), sync.reset(seed=5), strict=True):
        assert_same(left, right)
    batch.action_space.seed(0)
    ends = 0
    for _ in range(430):
        actions = batch.action_space.sample()
        (seen, *_, ended), (seen_, *_, ended_) = batch.advance(actions), sync.advance(actions)
        assert_same(seen, seen_)
        for one, other in zip(ended, ended_, strict=True):
            assert one.env == other.env
            assert_same(one.observation, other.observation)
        ends += len(ended)
    assert ends >= 8


@pytest.mark.parametrize("name", ["ode", "cartpole", "pendulum-actuator"])
def test_a_restored_batch_continues_exactly(name: str) -> None:
    family = Family(Family.load(name).recipe, None, EnvironmentOptions(frame_stack=4))
    make = partial(family.make_vec, 4)
    batch, other = (make(sampler=TaskSampler(family.tasks("train"), seed=seed)) for seed in (1, 9))
    assert isinstance(batch, StackedBatchedEnv)
    assert isinstance(other, StackedBatchedEnv)
    batch.action_space.seed(0)
    batch.reset(seed=2)
    for _ in range(37):
        batch.step(batch.action_space.sample())
    other.set_state(batch.get_state())
    assert_same(other.observation(), batch.observation())
    for _ in range(300):
        actions = batch.action_space.sample()
        (seen, reward, *_), (seen_, reward_, *_) = batch.advance(actions), other.advance(actions)
        assert_same(seen, seen_)
        np.testing.assert_array_equal(reward, reward_)
    shorter = Family(family.recipe, None, EnvironmentOptions(frame_stack=2)).make_vec(4)
    with pytest.raises(ValueError, match="broadcast"):
        shorter.set_state(batch.get_state())  # type: ignore[union-attr]


def test_masked_resets_clear_their_own_stacks_alone() -> None:
    batch = Family(Family.load("cartpole").recipe, None, EnvironmentOptions(frame_stack=3)).make_vec(2)
    batch.reset(seed=0)
    for _ in range(3):
        before = batch.step(np.array([0, 1]))[0]["obs"]
    after = batch.reset(options={"reset_mask": np.array([True, False])})[0]["obs"]
    np.testing.assert_array_equal(after[0, :8], 0)
    np.testing.assert_array_equal(after[1], before[1])
