"""Rewards over time by hand, and those of policies that see or miss a jump."""

from typing import Any

import numpy as np
import pytest

from hyperrl.evaluation import TaskResult, evaluate_tasks
from hyperrl.evaluation.over_time import WINDOW, over_time, recovery_steps
from hyperrl.evaluation.zero_shot import StepRewards
from hyperrl.tasks import Family
from tests.evaluation.conftest import Observation, drive


def result(*episodes: tuple[list[float], tuple[int, ...]]) -> TaskResult:
    rewards = [StepRewards(np.array(each), jumps) for each, jumps in episodes]
    return TaskResult({"x": 1.0}, "train", [0.0] * len(rewards), [1] * len(rewards), None, rewards=rewards)


def test_recovery_is_the_first_window_that_is_as_good_as_before() -> None:
    before = np.ones(WINDOW)
    fallen = np.concatenate([np.zeros(7), np.ones(20)])
    # of ten rewards from step k on, 10 - (7 - k) are 1, and nine are enough
    assert recovery_steps(before, fallen, 1.0) == 6
    assert recovery_steps(before, np.ones(WINDOW), 1.0) == 0
    late = np.concatenate([np.ones(20), np.zeros(20)])
    assert recovery_steps(before, late, 1.0) is None
    assert recovery_steps(before, np.concatenate([late, np.ones(30)]), 1.0) == 39
    assert recovery_steps(before, np.zeros(50), 1.0) is None
    assert recovery_steps(before, np.ones(WINDOW - 1), 1.0) is None
    assert recovery_steps(-5 * before, np.full(20, -6.0), 10.0) == 0
    assert recovery_steps(-5 * before, np.full(20, -6.1), 10.0) is None


def test_rewards_are_means_over_the_episodes_that_take_a_step() -> None:
    long = [1.0] * 20 + [0.0] * 5 + [1.0] * 15
    short = [0.5] * 10
    found = over_time([result((long, (20,)), (short, (20,)))])
    assert (found["episodes"][:11], len(found["rewards"])) == ([2] * 10 + [1], 40)
    assert found["rewards"][:11] == [0.75] * 10 + [1.0]
    assert found["since_jump"] == [0.0] * 5 + [1.0] * 15
    assert found["recovery"] == {"jumps": 1, "before": 1.0, "after": 0.5, "recovered": 1.0, "steps": 4.0}


def test_a_second_jump_ends_the_first_ones_time() -> None:
    rewards = [1.0] * 20 + [0.0] * 15 + [1.0] * 25
    found = over_time([result((rewards, (20, 30)))])["recovery"]
    assert found is not None
    assert (found["jumps"], found["recovered"], found["before"]) == (2, 0.5, 0.5)
    assert over_time([result(([1.0, 2.0], ()))])["recovery"] is None
    with pytest.raises(ValueError, match="no rewards were noted"):
        over_time([TaskResult({"x": 1.0}, "train", [0.0], [1], None)])


def test_a_policy_that_sees_a_jump_recovers_and_one_that_does_not_may_not() -> None:
    family = Family.load("double-integrator").with_schedules({"action_sign": "jump:50"})
    tasks = family.tasks("train")[:6]

    first = np.repeat([[task["action_sign"]] for task in tasks], 2, axis=0)

    def control(observation: Observation, told: bool) -> Any:
        x, v = observation["obs"][:, :2], observation["obs"][:, 2:]
        sign = observation["context"][:, :1] if told else first
        return np.clip(sign * (-4 * x - 4 * v), -1, 1).astype(np.float32)

    seen = evaluate_tasks(lambda each: control(each, True), family, tasks, episodes=2)
    missed = evaluate_tasks(lambda each: control(each, False), family, tasks, episodes=2)
    told, blind = (over_time(results)["recovery"] for results in (seen, missed))
    assert told is not None
    assert blind is not None
    assert (told["jumps"], blind["jumps"]) == (12, 12)
    assert told["before"] == blind["before"] > 0.9
    assert (told["recovered"], told["steps"]) == (1.0, 0.0)
    assert blind["recovered"] < 0.5  # it drives itself away, slowly at first
    assert all(len(task.rewards or ()) == 2 for task in seen)
    assert np.sum([each.rewards for each in seen[0].rewards or ()], axis=1).tolist() == seen[0].returns


def test_rewards_are_noted_where_tasks_change_alone() -> None:
    (fixed,) = evaluate_tasks(drive, Family.load("ode"), [{"c0": 1.0}], episodes=1)
    assert fixed.rewards is None
    changing = Family.load("ode").with_schedules({"c0": "drift"})
    (moved,) = evaluate_tasks(drive, changing, [{"c0": 1.0}], episodes=1)
    assert moved.rewards is not None
    assert "rewards" not in moved.to_json()
    assert moved.rewards[0].jumps == ()
