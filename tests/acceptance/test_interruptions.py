"""Trainings that are stopped, that two processes want, or whose disk is full: one line, and what they had."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hyperrl.store import Run
from hyperrl.training.checkpoint import load_state
from tests.acceptance.driving import ENVIRONMENT, hyperrl_here

SMALL = [
    part
    for override in (
        "algorithm.n_steps=32",
        "algorithm.batch_size=64",
        "algorithm.n_epochs=1",
        "policy.net_arch=[8]",
        "policy.hypernetwork.hidden=[4]",
        "checkpoint_every=256",
        "evaluate_every=100000",
    )
    for part in ("--set", override)
]
TRAIN = ["train", "hyper-ppo", "ode", "--out", "run", *SMALL]


def started(folder: Path, *options: str, code: str = "", group: bool = False) -> "subprocess.Popen[str]":
    """A training in a process of its own, once it has written a checkpoint after its start."""
    program = f"import sys\n{code}\nfrom hyperrl.cli import main\nsys.exit(main(sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", program, *TRAIN, *options],
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=group,
    )
    while process.poll() is None and steps_of(folder) == 0:
        time.sleep(0.05)
    return process


def steps_of(folder: Path) -> int:
    try:
        return int(json.loads((folder / "run/status.json").read_bytes())["steps"])
    except FileNotFoundError:
        return 0


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_training_tells_how_to_go_on(stop: signal.Signals, tmp_path: Path) -> None:
    process = started(tmp_path, "--steps", "1000000000")
    if stop == signal.SIGINT:
        told = hyperrl_here("list", "runs", ".", "--json", cwd=tmp_path)
        assert json.loads(told.stdout)["runs"][0]["state"] == "running"
        other = hyperrl_here("train", "--resume", "run", cwd=tmp_path)
        assert (other.returncode, other.stdout) == (2, "")
        assert other.stderr == (
            f"hyperrl: error: run 'run': another process ({process.pid}) is writing to it;"
            " wait for it to end, or stop it\n"
        )
    process.send_signal(stop)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (130, "")
    run = Run.open(tmp_path / "run")
    steps = run.status.steps
    assert err.splitlines()[-1] == (
        f"hyperrl: interrupted; the checkpoint of {steps:,} steps is kept;"
        " go on with: hyperrl train --resume run"
    )
    assert (run.state, load_state(run, "latest")["steps"] == steps > 0) == ("interrupted", True)
    assert "Traceback" not in err
    if stop == signal.SIGINT:
        done = hyperrl_here("evaluate", "run", "--split", "train", cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_terminals_signal_reaches_environments_in_processes_too(
    stop: signal.Signals, tmp_path: Path
) -> None:
    process = started(tmp_path, "--steps", "1000000000", "--set", "subprocesses=1", group=True)
    os.killpg(process.pid, stop)
    out, err = process.communicate(timeout=120)
    run = Run.open(tmp_path / "run")
    assert (process.returncode, out, run.state) == (130, "", "interrupted"), err
    assert err.splitlines()[-1].startswith(
        f"hyperrl: interrupted; the checkpoint of {run.status.steps} steps"
    )
    assert "Traceback" not in err


def test_a_file_that_may_not_grow_ends_training(tmp_path: Path) -> None:
    """A real limit of the system's, upon which TensorBoard's thread comes first."""
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (34_000, 34_000))"
    process = started(tmp_path, "--steps", "1000000000", code=limit)
    out, err = process.communicate(timeout=300)
    assert (process.returncode, out) == (1, "")
    run = Run.open(tmp_path / "run")
    *progress, last = err.splitlines()
    assert last == (
        f"hyperrl: error: run 'run': can no longer be written ({os.strerror(errno.EFBIG)}); the checkpoint of"
        f" {run.status.steps:,} steps is kept; go on from it by --resume run"
    )
    assert all(line.startswith("hyperrl: hyper-ppo on ode: ") for line in progress)
    assert load_state(run, "latest")["steps"] == run.status.steps > 0


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EROFS])
def test_a_full_disk_ends_training_with_what_it_had(
    reason: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, count = os.fsync, 0

    def fsync(handle: int) -> None:
        nonlocal count
        count += 1
        if count > 20:
            raise OSError(reason, os.strerror(reason))
        synced(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        ended = hyperrl_here(*TRAIN, "--steps", "8192", cwd=tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1), ended.stderr
    assert f"can no longer be written ({os.strerror(reason)}); the checkpoint of " in ended.stderr
    run = Run.open(tmp_path / "run")
    assert load_state(run, "latest")["steps"] >= run.status.steps
    assert not list((tmp_path / "run").rglob(".*"))
    assert hyperrl_here("train", "--resume", "run", cwd=tmp_path).returncode == 0
    assert run.state == "finished"


def test_a_disk_that_is_full_from_the_start_keeps_no_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> Path:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Run, "save_checkpoint", full)
        ended = hyperrl_here(*TRAIN, "--steps", "1024", cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        f"hyperrl: error: run 'run': can no longer be written ({os.strerror(errno.ENOSPC)});"
        " no checkpoint was written yet; start it again by --resume run\n"
    )
    assert hyperrl_here("train", "--resume", "run", cwd=tmp_path).returncode == 0


def test_a_directory_that_cannot_be_written_is_the_users_mistake(tmp_path: Path) -> None:
    refused = hyperrl_here(*TRAIN[:3], "--out", "/proc/hyperrl/run", "--steps", "1024", cwd=tmp_path)
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1), refused.stderr
    assert refused.stderr.startswith("hyperrl: error: run '/proc/hyperrl/run': cannot be written (")


@pytest.mark.usefixtures("no_figures")
def test_the_newest_checkpoints_are_kept_and_the_best(tmp_path: Path) -> None:
    done = hyperrl_here(*TRAIN, "--steps", "2048", "--keep", "2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    run = Run.open(tmp_path / "run")
    assert run.checkpoints() == ["1536", "2048", "best", "latest"]
    assert [load_state(run, name)["steps"] for name in run.checkpoints()[:2]] == [1536, 2048]
    assert hyperrl_here("train", "--resume", "run", "--steps", "2304", cwd=tmp_path).returncode == 0
    assert run.checkpoints() == ["2048", "2304", "best", "latest"]
    refused = hyperrl_here("train", "--resume", "run", "--keep", "3", cwd=tmp_path)
    assert (refused.returncode, "--keep does not go with --resume" in refused.stderr) == (2, True)
