"""A training in a process of its own with a tracker whose package is installed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

SMALL = ("algorithm.n_steps=64", "algorithm.batch_size=128", "algorithm.n_epochs=1", "policy.net_arch=[8, 8]")


def stopped(path: Path, tracker: str, resumed: bool = False, stop: signal.Signals = signal.SIGTERM) -> Path:
    """The folder of a run that a signal has ended after a few logged rows; or that has gone on to its end."""
    command = [sys.executable, "-m", "hyperrl", "train", "--track", tracker]
    if resumed:
        command += ["--resume", str(path), "--steps", "8192"]
    else:
        fields = (*SMALL, "evaluate_every=40000", "checkpoint_every=512")
        command += ["hyper-ppo", "ode", "--out", str(path), "--steps", "100000"]
        command += [part for each in fields for part in ("--set", each)]
    names = [name for name in os.environ if name.startswith(("WANDB_", "MLFLOW_"))]
    env = {name: value for name, value in os.environ.items() if name not in names}
    process = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, start_new_session=True, text=True)
    if not resumed:
        table = path / "progress.csv"
        deadline = time.monotonic() + 120
        while process.poll() is None and not (table.exists() and table.read_bytes().count(b"\n") > 6):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.killpg(process.pid, stop)
    errors = process.communicate(timeout=120)[1]
    assert process.returncode == (0 if resumed else 130), errors
    assert "failed (" not in errors
    return path
