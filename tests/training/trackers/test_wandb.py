"""Weights & Biases: what it is given, and that it loses nothing where the package is installed."""

import csv
import json
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hyperrl.store import Run, refuse_links
from hyperrl.training.trackers import IDENTIFIERS
from hyperrl.training.trackers.wandb import WandbTracker
from tests.runs import SMALL, untrained
from tests.suite import needs
from tests.training.trackers.fakes import FakeWandb
from tests.training.trackers.real import stopped


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return untrained(tmp_path / "run", "hyper-ppo", "ode", SMALL, seed=3)


def test_it_is_offline_in_the_runs_folder_with_the_recipe_as_config(run: Run, wandb: FakeWandb) -> None:
    identifier = WandbTracker(run).open(None)
    (begun,) = wandb.begun
    assert (begun["id"], begun["resume"], begun["mode"], begun["dir"]) == (
        identifier,
        "allow",
        "offline",
        str(run.path),
    )
    assert (begun["project"], begun["name"]) == ("hyperrl", "hyper-ppo on ode, seed 3")
    config = begun["config"]
    assert (config["family"], config["seed"], config["steps"]) == ("ode", 3, run.spec.steps)
    assert config["agent"] == run.spec.agent.model_dump(mode="json")
    json.dumps(config)
    assert (begun["settings"].silent, begun["settings"].console) == (True, "off")
    assert WandbTracker(run).open(None) != identifier
    assert WandbTracker(run).open(identifier) == identifier == wandb.begun[-1]["id"]


def test_what_the_user_sets_wins(run: Run, wandb: FakeWandb, monkeypatch: pytest.MonkeyPatch) -> None:
    (run.path / "elsewhere").mkdir()
    given = {"MODE": "online", "PROJECT": "mine", "NAME": "first", "RUN_GROUP": "all"}
    for name, value in {**given, "DIR": str(run.path / "elsewhere")}.items():
        monkeypatch.setenv(f"WANDB_{name}", value)
    WandbTracker(run).open(None)
    (begun,) = wandb.begun
    assert [begun[name] for name in ("mode", "project", "name", "group")] == list(given.values())
    assert begun["dir"].endswith("elsewhere")
    assert not begun["settings"].silent


def test_it_leaves_no_links_with_which_the_run_could_not_go_on(run: Run, wandb: FakeWandb) -> None:
    tracker = WandbTracker(run)
    wandb.is_gone = True
    with pytest.raises(ConnectionError):
        tracker.open(None)
    assert (run.path / "wandb" / "offline-run-1" / "logs").is_dir()
    refuse_links(run.path)
    wandb.is_gone = False
    tracker.open(None)
    refuse_links(run.path)
    (run.path / "wandb" / "latest-run").symlink_to("offline-run-1")
    tracker.close("finished")
    refuse_links(run.path)


def records(data: bytes) -> Iterator[bytes]:
    """The records of a `.wandb` file, a log as LevelDB's: blocks of 32 KiB, 7 bytes ahead of each part."""
    place, whole = 7, b""
    while place + 7 <= len(data):
        left = 32768 - place % 32768
        size, kind = struct.unpack_from("<HB", data, place + 4) if left >= 7 else (left - 7, 0)
        whole += data[place + 7 : place + 7 + size] if kind else b""
        place += 7 + size
        if kind in (1, 4):  # a whole record, or its last part
            yield whole
            whole = b""


def rows(folder: Path) -> dict[int, dict[str, float]]:
    """What the offline runs in a folder have, by step and tag."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from wandb.proto import wandb_internal_pb2

    found: dict[int, dict[str, float]] = {}
    for file in sorted(folder.glob("offline-run-*/*.wandb")):
        for data in records(file.read_bytes()):
            record: Any = wandb_internal_pb2.Record()
            record.ParseFromString(data)
            if record.WhichOneof("record_type") == "history":
                items = record.history.item
                values = {
                    each.key or "/".join(each.nested_key): json.loads(each.value_json) for each in items
                }
                found.setdefault(values["_step"], {}).update(values)
    return found


@pytest.mark.slow
@needs("wandb")
def test_a_run_that_is_terminated_and_resumed_loses_nothing(tmp_path: Path) -> None:
    path = stopped(tmp_path / "run", "wandb")
    first = (path / IDENTIFIERS).read_text()
    for more in (False, True):
        logged = rows(path / "wandb")
        for row in csv.DictReader((path / "progress.csv").read_text().splitlines()):
            expected = {tag: float(value) for tag, value in row.items() if tag != "step" and value}
            assert {tag: float(logged[int(row["step"])][tag]) for tag in expected} == expected
        if not more:
            stopped(path, "wandb", resumed=True)
    assert (path / IDENTIFIERS).read_text() == first
    assert len(list((path / "wandb").glob(f"offline-run-*-{json.loads(first)['wandb']}*"))) == 2
    assert json.loads((path / "status.json").read_text())["state"] == "finished"
