"""`hyperrl.compare` takes runs and folders, and refuses what is neither."""

from pathlib import Path
from typing import Any

import pytest

import hyperrl
from benchmarks.synthetic_runs import synthetic_run
from hyperrl.tasks import Family
from tests.runs import message


def test_one_run_or_several(tmp_path: Path) -> None:
    run = synthetic_run(tmp_path / "run", "hyper-ppo", Family.load("ode"), 0)
    assert hyperrl.compare(run).to_json() == hyperrl.compare([str(tmp_path)]).to_json()


@pytest.mark.parametrize(("argument", "value"), [("runs", 1), ("runs", [1]), ("baseline", 1)])
def test_wrong_arguments_are_refused(argument: str, value: Any) -> None:
    assert argument in message(hyperrl.compare, **{"runs": "x", argument: value})
