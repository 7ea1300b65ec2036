"""Writers to trackers: numbers alone, failures that end nothing, ends that are told apart."""

import json
import random
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3.common.logger import Figure, HParam, KVWriter

from hyperrl.errors import HyperRLWarning, UserError
from hyperrl.extras import TRACKERS
from hyperrl.store import Run
from hyperrl.training import resume
from hyperrl.training.checkpoint import load_state
from hyperrl.training.trackers import IDENTIFIERS, TRACKER_CLASSES, tracking
from hyperrl.training.trackers.base import Outcome, Tracker, TrackerWriter
from tests.runs import SMALL, untrained
from tests.training.conftest import Start
from tests.training.states import same, table
from tests.training.trackers.fakes import FakeMlflow, FakeWandb

pytestmark = pytest.mark.usefixtures("no_figures")


class Notebook(Tracker):
    """Keeps what it is given; fails in the method that is named."""

    name = "notebook"

    def __init__(self, run: Run, fails: str = "") -> None:
        super().__init__(run)
        self.fails, self.calls = fails, list[Any]()

    def _call(self, method: str, *given: Any) -> None:
        for generator in (random.random, np.random.random, torch.rand(1).item):
            generator()
        self.calls.append((method, *given))
        if method == self.fails:
            raise OSError("the server\nis gone")

    def open(self, identifier: str | None) -> str:
        self._call("open", identifier)
        return identifier or "new"

    def log(self, values: Mapping[str, float], step: int) -> None:
        self._call("log", dict(values), step)

    def close(self, outcome: Outcome) -> None:
        self._call("close", outcome)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return untrained(tmp_path / "run", "hyper-ppo", "ode", SMALL)


def write(writer: KVWriter, step: Any, **values: Any) -> None:
    writer.write(values, dict.fromkeys(values, ("",)), step)


def test_numbers_alone_are_handed_over_as_pythons_own(run: Run) -> None:
    notebook = Notebook(run)
    writer = TrackerWriter(notebook)
    assert writer.open(None) == "new"
    write(writer, np.int64(8), a=np.float32(0.5), b=np.int64(2), c=True, d=Figure(None, True), e="x", f=[1.0])  # type: ignore[arg-type]
    write(writer, 9, text="x", hparams=HParam({}, {"x": 0.0}))
    writer.write({"a": 1, "b": 2}, {"a": ("notebook",), "b": ("csv",)}, 10)
    writer.close()
    writer.end("finished")
    logged = [("log", {"a": 0.5, "b": 2.0, "c": 1.0}, 8), ("log", {"b": 2.0}, 10)]
    assert notebook.calls == [("open", None), *logged, ("close", "finished")]
    assert [type(each) for each in (*notebook.calls[1][1].values(), notebook.calls[1][2])] == [float] * 3 + [
        int
    ]


@pytest.mark.parametrize("fails", ["open", "log", "close"])
def test_a_tracker_that_fails_is_warned_about_once_and_left_alone(run: Run, fails: str) -> None:
    notebook = Notebook(run, fails)
    writer = TrackerWriter(notebook)
    says = r"run '.*run': notebook failed \(the server is gone\); the training goes on without it, and "

    def use() -> str | None:
        opened = writer.open("before")
        for step in (1, 2):
            write(writer, step, a=1.0)
        writer.end("finished")
        return opened

    with pytest.warns(HyperRLWarning, match=says) as caught:
        opened = use()
    assert (len(caught), opened) == (1, "before")
    assert "\n" not in str(caught[0].message)
    calls = [call[0] for call in notebook.calls]
    assert (
        calls == {"open": ["open"], "log": ["open", "log"], "close": ["open", "log", "log", "close"]}[fails]
    )


def test_generators_stay_as_they_are(run: Run) -> None:
    def states() -> tuple[Any, ...]:
        return random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # type: ignore[index]

    before, writer = states(), TrackerWriter(Notebook(run))
    writer.open(None)
    write(writer, 1, a=1.0)
    writer.end("failed")
    assert states() == before


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(None, "finished"), (KeyboardInterrupt, "interrupted"), (ValueError, "failed"), (UserError, "failed")],
)
def test_a_tracker_learns_how_the_training_ended(
    run: Run, error: Any, outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = Notebook(run)
    monkeypatch.setitem(TRACKER_CLASSES, "notebook", lambda _: notebook)
    for identifier in (None, "new"):
        expected = nullcontext() if error is None else pytest.raises(error)
        with expected, tracking(run, ["notebook"]) as writers:
            assert len(writers) == 1
            if error is not None:
                raise error("x")
        assert notebook.calls == [("open", identifier), ("close", outcome)]
        notebook.calls.clear()
    assert json.loads((run.path / IDENTIFIERS).read_text()) == {"notebook": "new"}


def test_each_tracker_that_may_be_named_has_a_class() -> None:
    assert tuple(TRACKER_CLASSES) == TRACKERS


def test_without_trackers_nothing_is_written(run: Run) -> None:
    with tracking(run, ()) as writers:
        assert writers == []
    assert not (run.path / IDENTIFIERS).exists()


@pytest.mark.parametrize("content", ["{", "[]", '{"wandb": 3}', '{"wandb": "../x"}'])
def test_a_corrupt_file_of_identifiers_is_reported(run: Run, content: str) -> None:
    (run.path / IDENTIFIERS).write_text(content)
    says = r"run '.*run': trackers\.json is (truncated or )?not "
    with pytest.raises(UserError, match=says), tracking(run, ["wandb"]):
        pass


def number(text: str) -> float:
    return {"True": 1.0, "False": 0.0}[text] if text in ("True", "False") else float(text)


def test_trackers_get_every_scalar_and_change_nothing(
    start: Start, wandb: FakeWandb, mlflow: FakeMlflow
) -> None:
    """Also of a run that was interrupted and goes on."""
    straight = start("hyper-ppo", "ode", name="straight", steps=1536)
    run = start("hyper-ppo", "ode", steps=1536, killed_at=600, track=("wandb", "mlflow"))
    first = json.loads((run.path / IDENTIFIERS).read_text())
    resume(run, track=("mlflow", "wandb"))
    assert json.loads((run.path / IDENTIFIERS).read_text()) == first
    same(load_state(run, "latest"), load_state(straight, "latest"))
    assert table(run) == table(straight)
    for row in table(run):
        expected = {tag: number(value) for tag, value in row.items() if tag != "step" and value}
        by_tag = wandb.rows[first["wandb"]][int(row["step"])]
        by_name = mlflow.rows[first["mlflow"]][int(row["step"])]
        assert {tag: by_tag[tag] for tag in expected} == expected
        assert {tag: by_name[tag.replace("=", ":")] for tag in expected} == expected
    assert wandb.ends == [130, 0]
    assert mlflow.statuses == {first["mlflow"]: ["RUNNING", "KILLED", "RUNNING", "FINISHED"]}


def test_a_server_that_is_gone_ends_no_training(start: Start, wandb: FakeWandb) -> None:
    wandb.fails_at = 512
    with pytest.warns(HyperRLWarning, match=r"wandb failed \(no such host: api\.wandb\.ai\)") as caught:
        run = start("hyper-ppo", "ode", steps=1536, track=("wandb",))
    assert (run.state, len(caught)) == ("finished", 1)
    assert [list(rows) for rows in wandb.rows.values()] == [[0]]
