"""Measures of continual learning, against numbers worked out by hand."""

from pathlib import Path

import numpy as np
import pytest

from hyperrl.evaluation.sequence import SequenceReturns, read_sequence
from tests.runs import message, untrained

RETURNS = SequenceReturns(
    [{"c0": 1.0}, {"c0": 2.0}, {"c0": 3.0}],
    np.array([[1.0, 2, 3], [10, 4, 5], [8, 20, 6], [6, 21, 30]]),
)


def test_measures_are_those_of_the_definitions() -> None:
    assert RETURNS.before.tolist() == [1, 4, 6]
    assert RETURNS.learned.tolist() == [10, 20, 30]
    assert RETURNS.final.tolist() == [6, 21, 30]
    assert RETURNS.average == 19
    assert RETURNS.forgetting == ((10 - 6) + (20 - 21)) / 2
    assert RETURNS.forward_transfer == ((4 - 2) + (6 - 3)) / 2
    assert RETURNS.to_json()["forgetting"] == RETURNS.forgetting


def test_runs_without_a_sequence_or_without_its_end_are_refused(tmp_path: Path) -> None:
    run = untrained(tmp_path / "run", "hyper-ppo", "ode")
    assert "learned no sequence of tasks" in message(read_sequence, run)
    run.write_spec(run.spec.model_copy(update={"sequence": True}))
    assert "not learned yet" in message(read_sequence, run)
    run.save_evaluation({"tasks": [{"context": {"c0": 1}, "mean": 1.0}]}, "final")
    assert "incomplete" in message(read_sequence, run)
    run.save_evaluation({"tasks": [{"context": {"c0": 1}, "mean": 0.5}]}, "after-0")
    assert read_sequence(run).returns.tolist() == pytest.approx(np.array([[0.5], [1.0]]))
