"""What a worker sends to its parent: errors with their traces, and of infos what can travel."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hyperrl.errors import BaseEnvironmentError, UserError
from hyperrl.tasks import Family
from tests.tasks.bases import Fragile, Telling


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("unsendable", r"failed: UnsendableError: a wall at 3 \(bases.py, line \d+\) \(task power="),
        ("ends", r"environments 0 to 1 has ended \(exit status 3\) at bases.py, line \d+$"),
        ("crashes", r"environments 0 to 1 has ended \(exit status -11\) at \S+, line \d+$"),
    ],
)
def test_what_an_environment_raises_arrives(how: str, says: str) -> None:
    """With the traceback of its own process, whatever it is and even where nothing is raised."""
    recipe = Family.load("mountaincar").recipe
    env = Family(recipe, lambda **kwargs: Fragile(how)).make_vec(2, subprocesses=1)
    env.reset(seed=0)
    with pytest.raises(BaseEnvironmentError, match=says) as told:
        env.step(np.zeros(2, np.int64))
    assert "bases.py" in told.value.trace
    env.close()
    assert not list(Path(tempfile.gettempdir()).glob(f"{env.workers[0]._trace_file.name}"))  # type: ignore[union-attr]


def test_an_environment_that_refuses_to_be_made_is_reported() -> None:
    def refuse(**_: Any) -> Any:
        raise UserError("no such simulator")

    with pytest.raises(UserError, match="no such simulator"):
        Family(Family.load("mountaincar").recipe, refuse).make_vec(2, subprocesses=2)


def test_what_cannot_travel_of_an_info_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """With one note; what can, and our own entries, arrive."""
    env = Family(Family.load("mountaincar").recipe, lambda **_: Telling()).make_vec(2, subprocesses=1)
    env.reset(seed=0)
    first, second = (env.step(np.zeros(2, np.int64))[4]["final_info"] for _ in range(2))
    env.close()
    assert first.keys() - {"context", "_context"} == {
        f"{mask}{key}" for key in ("base.task", "there", "task", "episode") for mask in ("", "_")
    }
    assert first["base.task"].tolist() == ["walk", "walk"]
    assert first["task"].dtype == np.int64
    assert "there" not in second
    assert second["episode"]["l"].tolist() == [1, 1]
    assert len(caplog.records) == 1
    assert "cannot travel between processes and is left out: file" in caplog.text
