"""The rollout buffer hands out Stable-Baselines3's minibatches, and knows their tasks."""

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import DictRolloutBuffer

from hyperrl.policies import rollouts
from hyperrl.policies.rollouts import TaskRolloutBuffer, distinct
from hyperrl.policies.task_rows import TaskRows
from tests.policies.worlds import OBSERVATIONS, vector

STEPS, ENVS = 6, 4
SPACE = OBSERVATIONS["contexts of several kinds"]


def filled(kind: type[DictRolloutBuffer], actions: spaces.Space[Any], seed: int = 0) -> Any:
    buffer = kind(STEPS, SPACE, actions, "cpu", n_envs=ENVS)  # type: ignore[arg-type]
    return fill(buffer, seed)


def fill(buffer: Any, seed: int) -> Any:
    random, parts = np.random.default_rng(seed), SPACE.spaces  # type: ignore[attr-defined]
    buffer.action_space.seed(seed)
    contexts = random.standard_normal((3, 1)).astype(np.float32)
    for _ in range(STEPS):
        observations = {name: np.stack([part.sample() for _ in range(ENVS)]) for name, part in parts.items()}
        observations["context"] = contexts[random.integers(3, size=ENVS)]
        action = np.stack([buffer.action_space.sample() for _ in range(ENVS)])
        numbers = [random.standard_normal(ENVS).astype(np.float32) for _ in range(4)]
        buffer.add(observations, action, *numbers[:2], *map(torch.from_numpy, numbers[2:]))
    buffer.compute_returns_and_advantage(torch.ones(ENVS), np.zeros(ENVS, bool))
    return buffer


@pytest.mark.parametrize("at_once", [0, 2**18])
@pytest.mark.parametrize("actions", [vector(2), spaces.Discrete(3), spaces.MultiBinary(2)], ids=str)
@pytest.mark.parametrize("batch_size", [5, 24, None])
def test_minibatches_are_stable_baselines3s(
    batch_size: int | None, actions: spaces.Space[Any], at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollouts, "_AT_ONCE", at_once)
    for space in SPACE.spaces.values():  # type: ignore[attr-defined]
        space.seed(0)
    ours = filled(TaskRolloutBuffer, actions)
    for space in SPACE.spaces.values():  # type: ignore[attr-defined]
        space.seed(0)
    theirs = filled(DictRolloutBuffer, actions)
    for _ in range(2):
        np.random.seed(1)
        expected = list(theirs.get(batch_size))
        np.random.seed(1)
        found = list(ours.get(batch_size))
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert isinstance(one.observations, TaskRows)
            for name in SPACE.spaces:  # type: ignore[attr-defined]
                assert torch.equal(one.observations[name], other.observations[name])
            for mine, its in zip(one[1:], other[1:], strict=True):
                assert mine.dtype == its.dtype
                assert torch.equal(mine, its)


def test_minibatches_know_their_tasks_after_every_rollout() -> None:
    buffer = filled(TaskRolloutBuffer, vector(2))
    for seed in (1, 2):
        for batch in buffer.get(5):
            known = batch.observations
            assert len(known.tasks) == 3
            assert torch.equal(known.rows.spread(known.tasks), known["context"])
        buffer.reset()
        fill(buffer, seed)


def test_contexts_are_told_apart_bit_for_bit() -> None:
    rows = np.array([[1, np.nan], [0, 2], [1, np.nan], [1, 2]], np.float32)
    tasks, number = distinct(rows)
    assert len(tasks) == 3
    np.testing.assert_array_equal(tasks[number], rows)


@pytest.mark.parametrize("space", [OBSERVATIONS["dictionary"], vector(2)], ids=str)
def test_observations_without_a_vector_as_context_are_refused(space: spaces.Space[Any]) -> None:
    with pytest.raises(ValueError, match="TaskRolloutBuffer: found"):
        TaskRolloutBuffer(STEPS, space, vector(2))  # type: ignore[arg-type]
