"""`hyperrl bench` on a tiny suite, as a command that tests kill and stop."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

TINY = """
name: tiny
about: ""
overrides: [algorithm.n_steps=16, algorithm.batch_size=32, algorithm.n_epochs=2, n_envs=2,
            evaluate_every=1024, checkpoint_every=128]
runs:
  - {agents: [hyper-ppo, blind-ppo], families: [ode], seeds: 1, steps: STEPS}
"""


def command(folder: Path, *options: str, **settings: Any) -> "subprocess.Popen[str]":
    """The command, begun in a folder with a suite."""
    return subprocess.Popen(
        [sys.executable, "-m", "hyperrl", "bench", "tiny.yaml", "--out", "out", "--json", *options],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()}, **settings,
    )  # fmt: skip


def steps(folder: Path) -> list[int]:
    """Steps at the newest checkpoint of each run."""
    return [json.loads(file.read_bytes())["steps"] for file in sorted(folder.glob("out/*/*/*/status.json"))]


def wait_for_steps(process: "subprocess.Popen[str]", folder: Path, least: int) -> None:
    """Wait until both runs have checkpoints of so many steps, or the command has ended."""
    while process.poll() is None and (len(steps(folder)) < 2 or min(steps(folder)) < least):
        time.sleep(0.05)


def suite_folder(folder: Path, planned: int) -> Path:
    """A folder with a suite of two runs of so many steps."""
    folder.mkdir()
    (folder / "tiny.yaml").write_text(TINY.replace("STEPS", str(planned)))
    return folder


def numbers(report: dict[str, Any]) -> Any:
    """What must be the same however often a suite was killed."""
    return report["finished"], report["failed"], report["table"]


def stop_with_checkpoints(number: signal.Signals, folder: Path, *options: str) -> None:
    """Start a suite of endless runs, stop it by a signal, and check that all runs end with a checkpoint."""
    process = command(suite_folder(folder, 10**9), *options)
    wait_for_steps(process, folder, 128)
    process.send_signal(number)
    out, err = process.communicate(timeout=300)
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-2:] == [
        "hyperrl: tiny: stopping 2 runs at the next checkpoint (once more: at once)",
        "hyperrl: interrupted; the same command goes on where it was",
    ]
    states = [json.loads(file.read_bytes()) for file in folder.glob("out/*/*/*/status.json")]
    assert [state["state"] for state in states] == ["interrupted"] * 2
