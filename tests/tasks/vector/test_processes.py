"""Environments in processes of their own: the same trajectories, and nothing left behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from hyperrl.errors import BaseEnvironmentError
from hyperrl.tasks import Family, TaskSampler, contextualize
from hyperrl.tasks.vector import BatchedEnv, ProcessEnv
from tests.masked import NoChoice, masked_family, random_valid
from tests.tasks.vector.same import assert_same


def short(name: str) -> Family:
    """The family with episodes of 30 steps, which its batches end in turns."""
    family = Family.load(name)
    return Family(family.recipe, lambda **kwargs: gym.wrappers.TimeLimit(family.make_base(**kwargs), 30))


@pytest.fixture
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[Any, Any, list[TaskSampler]]]:
    """The same five environments in this process and in two others."""
    name, mode = request.param
    family = short(name)
    samplers = [TaskSampler(family.tasks("train"), mode, seed=3) for _ in range(2)]
    here = family.make_vec(5, sampler=samplers[0])
    there = family.make_vec(5, sampler=samplers[1], subprocesses=2)
    yield here, there, samplers
    here.close()
    there.close()


@pytest.mark.parametrize("pair", [("acrobot", "uniform"), ("mountaincar", "cvar")], indirect=True)
def test_trajectories_are_those_of_one_process(pair: tuple[Any, Any, list[TaskSampler]]) -> None:
    here, there, samplers = pair
    assert isinstance(there, ProcessEnv)
    assert here.observation_space == there.observation_space
    assert here.action_space == there.action_space
    (one, told), (two, heard) = here.reset(seed=7), there.reset(seed=7)
    assert_same(one, two)
    assert_same(told, heard)
    here.action_space.seed(0)
    mask = np.array([True, False, True, False, False])
    for step in range(100):
        if step == 11:
            options = {"reset_mask": mask}
            assert_same(here.reset(options=dict(options))[0], there.reset(options=dict(options))[0])
        action = here.action_space.sample()
        left, right = here.step(action), there.step(action)
        assert_same(left[0], right[0])
        for one, two in zip(left[1:4], right[1:4], strict=True):
            np.testing.assert_array_equal(one, two)
        assert_same(left[4], right[4])
    assert samplers[0].get_state() == samplers[1].get_state()
    assert sum(samplers[0].finished) >= 12


def test_a_context_of_ones_own_takes_no_task() -> None:
    family = Family.load("mountaincar")
    sampler = TaskSampler(family.tasks("train"), "round-robin")
    env = family.make_vec(2, sampler=sampler, subprocesses=1)
    _, infos = env.reset(seed=0, options={"context": {"power": 0.002}})
    assert [context["power"] for context in infos["context"]] == [0.002] * 2
    assert infos["task"].tolist() == [-1, -1]
    assert sampler.next() == 0
    env.close()


def test_each_environment_plays_its_own_context() -> None:
    family = Family.load("mountaincar")
    contexts = [{"power": 0.001}, {"power": 0.002}, {"power": 0.0015}]
    env = family.make_vec(3, contexts=contexts, subprocesses=8)
    assert isinstance(env, ProcessEnv)
    assert len(env.workers) == 3
    _, infos = env.reset(seed=0)
    assert infos["context"].tolist() == contexts
    env.close()


def test_an_owned_sampler_is_seeded_by_reset() -> None:
    family = Family.load("mountaincar")
    env = family.make_vec(4, subprocesses=2)
    first, second, third = (env.reset(seed=seed)[1]["task"].tolist() for seed in (1, 1, 2))
    assert first == second != third
    env.close()


def test_batches_stay_batches() -> None:
    assert isinstance(Family.load("ode").make_vec(2, subprocesses=2), BatchedEnv)


def test_attributes_and_pictures_travel() -> None:
    family = Family.load("mountaincar")
    recipe = family.recipe
    made = Family(recipe, lambda **kwargs: gym.make(recipe.base, render_mode="rgb_array"))
    env = made.make_vec(2, subprocesses=2)
    env.reset(seed=0)
    frames: Any = env.render()
    assert [frame.ndim for frame in frames] == [3, 3]
    assert env.render_mode == "rgb_array"
    remote: Any = env.envs[1]  # type: ignore[union-attr]
    assert remote.get_wrapper_attr("task") in range(32)
    remote.set_wrapper_attr("marked", 7)
    assert remote.get_wrapper_attr("marked") == 7
    env.close()


def test_no_process_outlives_its_batch() -> None:
    env = Family.load("mountaincar").make_vec(3, subprocesses=2)
    assert isinstance(env, ProcessEnv)
    processes = [worker._process for worker in env.workers]
    env.reset(seed=0)
    env.close()
    assert [process.exitcode for process in processes] == [0, 0]


def test_a_process_that_is_killed_is_reported() -> None:
    env = Family.load("mountaincar").make_vec(2, subprocesses=1)
    assert isinstance(env, ProcessEnv)
    env.reset(seed=0)
    victim = env.workers[0]._process.pid
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # are the parent's to handle
        os.kill(victim, number)
    env.step(env.action_space.sample())
    os.kill(victim, signal.SIGKILL)
    env.workers[0]._process.join()
    with pytest.raises(BaseEnvironmentError, match=r"environments 0 to 1 has ended \(exit status -9\)$"):
        env.step(env.action_space.sample())
    env.close()


def test_a_batch_that_is_never_closed_ends_with_its_program() -> None:
    code = (
        "from hyperrl.tasks import Family\n"
        "if __name__ == '__main__':\n"
        "    env = Family.load('mountaincar').make_vec(1, subprocesses=1)\n"
        "    env.reset(seed=0)\n"
    )
    subprocess.run([sys.executable, "-c", code], timeout=60, check=True)


@pytest.mark.parametrize("by", ["method", "info"])
def test_masks_travel_between_processes(by: str) -> None:
    """Those of one process, until environments end and begin again; a base without masks has none there."""
    family, rng = masked_family("multi-discrete", by), np.random.default_rng(0)
    here, there = family.make_vec(3), family.make_vec(3, subprocesses=2)
    assert isinstance(there, ProcessEnv)
    here.reset(seed=5)
    there.reset(seed=5)
    for _ in range(25):
        masks = there.action_masks()
        np.testing.assert_array_equal(masks, here.action_masks())
        actions = random_valid(masks, "multi-discrete", rng)
        assert_same(here.step(actions)[0], there.step(actions)[0])
    assert there.masked
    for each in (here, there):
        each.close()
    other = Family.load("mountaincar").make_vec(2, subprocesses=2)
    other.reset(seed=0)
    assert not other.masked
    other.close()


def test_an_illegal_mask_in_a_process_is_the_bases_failure() -> None:
    env = contextualize(NoChoice, {"pay": {"default": 1.0, "train": [0.5, 2.0]}}).make_vec(2, subprocesses=1)
    env.reset(seed=0)
    with pytest.raises(BaseEnvironmentError, match=r"mask: found no valid choice.*step 1 of an"):
        env.action_masks()
    env.close()
