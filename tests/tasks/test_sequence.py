"""Tasks one after another: which they are, and which of them is handed out."""

from typing import Any

import pytest

from hyperrl.tasks import Family
from hyperrl.tasks.sequence import SequentialSampler
from tests.runs import message


def test_tasks_keep_the_order_in_which_they_are_named_and_may_lie_beyond_the_training_ranges() -> None:
    family = Family.load("ode").in_sequence([{"c0": 5}, {"c0": -9}, {"c0": 1}])
    assert [task["c0"] for task in family.tasks("train")] == [5, -9, 1]
    assert not any(family.tasks(split) for split in ("validation", "interpolation", "extrapolation"))


def test_a_number_takes_tasks_from_all_over_the_training_tasks() -> None:
    family = Family.load("pendulum-actuator")
    tasks, trained = family.in_sequence(6).tasks("train"), family.tasks("train")
    assert len(tasks) == 6
    assert [tasks[0], tasks[-1]] == [trained[0], trained[-1]]
    assert [task["action_sign"] for task in tasks] == [-1, -1, -1, 1, 1, 1]
    assert family.in_sequence(len(trained)).tasks("train") == trained


@pytest.mark.parametrize(
    ("sequence", "found"),
    [
        (1, "found 1; allowed: a whole number from 2 to 4"),
        (5, "found 5; allowed: a whole number from 2 to 4"),
        ([{"c0": 1}], "found one task; allowed: at least 2"),
        ([{"c0": 1}, {"c0": 2}, {"c0": 1}], "found c0=1 twice"),
        ([{"c0": 1}, {"c1": 1}], "c1"),
        ([{"c0": 1}, {"c0": 99}], "--sequence"),
    ],
)
def test_what_is_no_sequence_is_refused_in_one_line(sequence: Any, found: str) -> None:
    family = Family.load("ode")
    assert len(family.tasks("train")) == 4
    line = message(family.in_sequence, sequence)
    assert found.replace("--sequence", "sequence") in line.replace("--sequence", "sequence")


def test_only_the_current_task_is_handed_out_and_a_restored_sampler_goes_on_with_it() -> None:
    tasks = Family.load("ode").tasks("train")
    sampler, other = SequentialSampler(tasks), SequentialSampler(tasks)
    assert [sampler.next() for _ in range(3)] == [0, 0, 0]
    sampler.current = 2
    sampler.update(2, 5.0)
    other.set_state(sampler.get_state())
    assert other.next() == 2
    assert other.finished == [0, 0, 1, 0]
    assert other.probabilities.tolist() == [0, 0, 1, 0]
    with pytest.raises(ValueError, match="task 4 of 4"):
        other.set_state({**sampler.get_state(), "current": 4})
