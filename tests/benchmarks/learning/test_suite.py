import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.learning import suite as learning
from benchmarks.learning.suite import Job
from benchmarks.report.records import Record
from hyperrl.tasks import Family

PROGRAM = "benchmarks.learning.program"
JOB = Job("ode", "hyper-ppo", 3, 2048)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("learning")
    assert learning.work_through(PROGRAM, [JOB], root) == 0
    return learning.result_path(root, "ode", "hyper-ppo", 3)


def test_a_result_holds_every_task_of_every_split(result: Path) -> None:
    assert result.stat().st_size < 60_000
    data = json.loads(result.read_text())
    family = Family.load("ode")
    for split in ("train", "validation", "interpolation", "extrapolation"):
        found = data["splits"][split]
        assert found["contexts"] == [[task["c0"]] for task in family.tasks(split)]
        assert found["oracle"] == [
            pytest.approx(family.oracle(task), abs=1e-4) for task in family.tasks(split)
        ]
        assert [len(found[name]) for name in ("best", "final")] == [len(found["contexts"])] * 2
    assert (data["seed"], data["steps"], data["planned_steps"]) == (3, 2048, 2048)
    assert data["recipe"]["agent"]["policy"]["kind"] == "hyper"
    assert data["versions"]["torch"]
    assert data["parameters"] > 1000


def test_the_curve_ends_at_the_weights_after_the_last_update(result: Path) -> None:
    record = Record.read(result)
    steps, returns = record.curve("interpolation")
    assert steps.tolist() == [0, 2048]
    assert returns[-1] == pytest.approx(float(np.mean(record.returns("interpolation", "final"))), abs=1e-3)
    validation = record.curve("validation")[1]
    assert validation.max() == pytest.approx(float(np.mean(record.returns("validation"))), abs=1e-3)


def test_what_has_a_result_is_not_trained_again(result: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = result.stat()
    assert learning.work_through(PROGRAM, [JOB], result.parents[2]) == 0
    assert result.stat() == before
    assert capsys.readouterr().out == ""


def test_what_another_process_is_at_is_left_to_it(tmp_path: Path) -> None:
    path = learning.result_path(tmp_path, "ode", "hyper-ppo", 3)
    with learning._claim(path) as mine:
        assert mine
        assert learning.work_through(PROGRAM, [JOB], tmp_path) == 0
        with learning._claim(path) as again:
            assert not again
    assert not path.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "hyper-pp"}, "hyper-ppo"),
        ({"family": "od"}, "ode"),
        ({"steps": 0}, "from 1 to"),
    ],
)
def test_a_mistake_is_reported_in_one_line(
    change: dict[str, Any], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert learning.work_through(PROGRAM, [replace(JOB, **change)], tmp_path) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"{PROGRAM}: error: ")
    assert words in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())
