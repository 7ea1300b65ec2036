import json
import shutil
from pathlib import Path

import pytest
import torch

from hyperrl.cli import main
from hyperrl.store import Run, RunSpec
from tests.store.conftest import created, spec

__all__ = ["spec"]


@pytest.fixture
def folder(tmp_path: Path, spec: RunSpec, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs that are finished, running and killed, and broken ones."""
    monkeypatch.chdir(tmp_path)
    finished = created(tmp_path / "runs/finished", spec)
    finished.write_status("finished", 4096)
    finished.save_checkpoint("latest", {}, {"steps": 4096})
    (finished.path / "progress.csv").write_text(
        "step,zero_shot/train,zero_shot/interpolation\n0,1,2\n1024,150.25,nan\n2048,,\n"
    )
    killed = created(tmp_path / "runs/deep/killed", spec)
    killed.write_status("running", 1024)
    killed.save_checkpoint("latest", {}, {"steps": 1024})
    (killed.path / "progress.csv").write_bytes(b"\xff\x00,\n\n1")
    broken = created(tmp_path / "runs/broken", spec)
    (broken.path / "run.yaml").write_text("seed: [")
    shutil.copytree(broken.path, tmp_path / "runs/headless")
    (tmp_path / "runs/headless/run.yaml").unlink()
    return tmp_path / "runs"


def test_runs_are_reported_and_broken_ones_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Run.open(folder / "finished").writing():
        assert main(["list", "runs", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    rows = {row["run"]: row for row in told["runs"]}
    assert list(rows) == ["runs/deep/killed", "runs/finished"]
    row = rows["runs/finished"]
    assert {"agent": "hyper-ppo", "family": "ode", "seed": 3, "state": "running"}.items() <= row.items()
    assert (row["steps"], row["planned"], 0 <= row["age"] < 60) == (4096, 4096, True)
    assert row["returns"] == {"train": 150.25, "interpolation": 2.0}
    killed = rows["runs/deep/killed"]
    assert (killed["state"], killed["steps"], killed["returns"]) == ("killed", 1024, {})
    assert [each["run"] for each in told["broken"]] == ["runs/broken", "runs/headless"]
    assert all("run.yaml" in each["error"] for each in told["broken"])


def test_a_table_says_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "runs", str(folder)]) == 0
    out, err = capsys.readouterr()
    header, killed, finished, *broken = out.splitlines()
    assert err == ""
    assert header.split() == [
        "family", "agent", "seed", "steps", "planned", "state", "weights", "train", "return",
        "interpolation", "return", "age", "run",
    ]  # fmt: skip
    assert killed.split()[:8] == ["ode", "hyper-ppo", "3", "1,024", "4,096", "killed", "-", "-"]
    assert finished.split()[3:9] == ["4,096", "4,096", "finished", "training", "150.2", "2"]
    assert [line.startswith("broken: ") for line in broken] == [True, True]


def test_no_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "runs", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"no runs in {tmp_path}\n"


@pytest.mark.parametrize("file", ["checkpoints/latest.safetensors", "evaluations/final.json", "status.json"])
@pytest.mark.parametrize("left", [0.5, 0.0])
def test_a_run_with_a_broken_file_is_not_called_finished(
    file: str, left: float, tmp_path: Path, spec: RunSpec, capsys: pytest.CaptureFixture[str]
) -> None:
    run = created(tmp_path / "run", spec)
    run.save_checkpoint("latest", {"a": torch.zeros(8)}, {"steps": 4096})
    run.save_evaluation({"splits": {}}, "final")
    run.write_status("finished", 4096)
    assert main(["list", "runs", str(tmp_path)]) == 0
    assert " finished " in capsys.readouterr().out
    data = (run.path / file).read_bytes()
    (run.path / file).write_bytes(data[: int(left * len(data))])
    assert main(["list", "runs", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"broken: {run.path}: ")
    assert ("checkpoint 'latest'" in told) == ("latest" in file)
    assert "truncated or not" in told


def test_a_run_whose_checkpoints_were_deleted_is_broken(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(folder / "finished" / "checkpoints")
    assert main(["list", "runs", str(folder / "finished")]) == 0
    assert capsys.readouterr().out == f"broken: {folder}/finished: checkpoint 'latest' is missing\n"
