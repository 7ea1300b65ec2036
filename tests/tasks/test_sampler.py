"""The sampler's sequence and state."""

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperrl.errors import UserError
from hyperrl.tasks import TaskSampler
from hyperrl.tasks.sampler import MODES

TASKS = [{"c0": float(i)} for i in range(5)]


def test_round_robin_goes_through_the_tasks_in_order() -> None:
    sampler = TaskSampler(TASKS, "round-robin")
    assert [sampler.next() for _ in range(12)] == [*range(5), *range(5), 0, 1]


def test_uniform_is_uniform_and_follows_its_seed() -> None:
    draws = [TaskSampler(TASKS, seed=seed) for seed in (0, 0, 1)]
    sequences = [[sampler.next() for _ in range(5000)] for sampler in draws]
    assert sequences[0] == sequences[1] != sequences[2]
    counts = np.bincount(sequences[0], minlength=5)
    assert counts.min() > 900
    assert counts.sum() == 5000


@given(before=st.integers(0, 20), mode=st.sampled_from(MODES))
def test_a_restored_sampler_continues_exactly(before: int, mode: Any) -> None:
    sampler = TaskSampler(TASKS, mode, seed=3)
    for step in range(before):
        sampler.update(sampler.next(), step / 3)
    state = json.loads(json.dumps(sampler.get_state()))
    other = TaskSampler(TASKS, mode, seed=99)
    other.set_state(state)
    assert other.get_state() == sampler.get_state()
    assert [other.next() for _ in range(20)] == [sampler.next() for _ in range(20)]


def test_returns_are_kept_per_task() -> None:
    sampler = TaskSampler(TASKS)
    for task, episode_return in ((1, 2.0), (1, 4.0), (4, -1.0), (-1, 99.0)):
        sampler.update(task, episode_return)
    assert sampler.finished == [0, 2, 0, 0, 1]
    assert sampler.mean_return[1::3] == [3.0, -1.0]
    assert math.isnan(sampler.mean_return[0])


def test_wrong_samplers_are_refused() -> None:
    with pytest.raises(UserError, match="no tasks"):
        TaskSampler([])
    with pytest.raises(UserError, match="'random'"):
        TaskSampler(TASKS, "random")
    with pytest.raises(ValueError, match="of 5 tasks; this family has 1"):
        TaskSampler(TASKS[:1]).set_state(TaskSampler(TASKS).get_state())
