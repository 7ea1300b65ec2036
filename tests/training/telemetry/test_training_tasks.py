"""Training returns by task, and how tasks are drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from stable_baselines3 import PPO

from hyperrl.tasks import TaskSampler
from hyperrl.training.telemetry.training_tasks import SampledTasks
from tests.training.conftest import Rows
from tests.training.telemetry.conftest import scalars


@pytest.mark.parametrize(
    ("tasks", "entropy", "largest"), [(1, 1.0, 1.0), (4, np.log(2) / np.log(4), 0.5), (2, 0.0, 1.0)]
)
def test_the_distribution_over_tasks_is_reported(
    ppo: PPO, rows: Rows, tasks: int, entropy: float, largest: float
) -> None:
    sampler = TaskSampler([{"g": float(i)} for i in range(tasks)], "cvar", 0, alpha=0.5, staleness=0.0)
    for _ in range(tasks):
        task = sampler.next()
        sampler.update(task, float(task))
    ppo.learn(256, SampledTasks(sampler), log_interval=1)
    assert rows.of("sampler/entropy") == [(step, pytest.approx(entropy)) for step in (128, 256)]
    assert rows.of("sampler/largest") == [(step, pytest.approx(largest)) for step in (128, 256)]


def test_training_return_of_each_task(events: Any) -> None:
    tags = [tag for tag in events.Tags()["scalars"] if tag.startswith("train_task/")]
    assert tags
    assert set(tags) <= {f"train_task/c0={c0}" for c0 in (-5, -1, 1, 5)}
    found = {step: value for tag in tags for step, value in scalars(events, tag).items()}
    assert set(found) == {1024, 2048}  # episodes last 100 steps, rollouts 64
    assert all(0 <= value <= 200 for value in found.values())
