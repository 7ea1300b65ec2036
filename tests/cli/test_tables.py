from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

from hyperrl.cli import tables
from hyperrl.evaluation import SequenceReturns, TaskResult, summarize

if TYPE_CHECKING:
    from hyperrl.store import Run


def summed(*means: float, split: str = "train", oracle: float | None = None) -> dict[str, Any]:
    results = [TaskResult({"c0": float(c0)}, split, [mean], [200], oracle) for c0, mean in enumerate(means)]
    return dict(summarize(results))


def test_a_share_is_reported_only_of_a_positive_oracle(capsys: pytest.CaptureFixture[str]) -> None:
    one, other = summed(-50.0, -50.0, split="one", oracle=100.0), summed(-50.0, split="two", oracle=-40.0)
    tables.splits({**one, **other})
    first, second = capsys.readouterr().out.splitlines()[1:]
    assert first.split()[-1] == "-50.0%"
    assert second.split()[-1] == "-"


def test_the_table_says_how_sure_it_is_and_which_task_is_worst(capsys: pytest.CaptureFixture[str]) -> None:
    found = summed(10.0, 20.0, 12.0, 18.0, oracle=20.0)
    tables.splits(found)
    tables.worst(found)
    split, named = (line.split() for line in capsys.readouterr().out.splitlines()[1::2])
    # 3.182 (Student's t for 3 degrees of freedom) times the standard error, sqrt(68 / 3 / 4)
    assert split[:9] == ["train", "4", "15", "7.424", "to", "22.58", "2.38", "15", "10"]
    assert named == ["of", "train", "10", "50.0%", "c0=0"]


def test_many_tasks_are_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    def task(c0: int) -> TaskResult:
        kind = "interpolation" if abs(c0) < 40 else "extrapolation"
        return TaskResult({"c0": float(c0)}, kind, [float(c0)], [200], None)

    tables.tasks([task(c0) for c0 in range(-40, 41)])
    extrapolation, interpolation = (line.split() for line in capsys.readouterr().out.splitlines()[1:])
    assert extrapolation == ["extrapolation", "2", "0", "-40", "c0=-40", "40", "c0=40"]
    assert interpolation == ["interpolation", "79", "0", "-39", "c0=-39", "39", "c0=39"]


def test_where_no_oracle_is_known_none_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    tables.splits(summed(5.0))
    tables.worst(summed(5.0))
    tables.tasks([TaskResult({"g": 1.0}, "train", [5.0], [10], None)])
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["split", "tasks", "return", "95", "%", "interval", "std.", "error", "IQM", "worst"],
        ["train", "1", "5", "-", "-", "5", "5"],
        ["worst", "return", "task"],
        ["of", "train", "5", "c0=0"],
        ["task", "split", "return"],
        ["g=1", "train", "5"],
    ]


def test_what_was_forgotten_stands_beside_each_task(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    returns = np.array([[1.0, 2.0], [9.0, 5.0], [6.0, 8.0]])
    found = SequenceReturns([{"c0": 1.0}, {"c0": 2.0}], returns)
    monkeypatch.setattr("hyperrl.evaluation.sequence.read_sequence", lambda _: found)
    tables.sequence(cast("Run", None))
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert lines[1:3] == [["c0=1", "1", "1", "9", "6", "3"], ["c0=2", "2", "5", "8", "8", "0"]]
    assert lines[3:] == [["average", "return", "7"], ["forgetting", "3"], ["forward", "transfer", "3"]]
