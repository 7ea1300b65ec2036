"""Suites on a real Ray cluster of this machine."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hyperrl.extras import is_missing
from tests.experiments.engines.test_processes import command, numbers, start, wait_for_steps
from tests.experiments.suites import broken_family

pytestmark = [pytest.mark.slow, pytest.mark.skipif(is_missing("ray"), reason="Ray is not installed")]

PLANNED = 4096


def parent(pid: int) -> int:
    found = re.search(r"^PPid:\s*(\d+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found
    return int(found[1])


def report_of(process: "subprocess.Popen[str]") -> dict[str, Any]:
    out, err = process.communicate(timeout=900)
    assert process.returncode == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def results(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(file.read_bytes()) for file in sorted(folder.glob("out/results/*/*/*.json"))]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the suite finds in processes of this machine."""
    return numbers(report_of(command(start(tmp_path_factory.mktemp("suite") / "processes", PLANNED))))


def test_a_run_whose_worker_is_killed_goes_on_to_the_same_table(tmp_path: Path, undisturbed: Any) -> None:
    folder = start(tmp_path / "killed", PLANNED)
    process = command(folder, "--engine", "ray")
    wait_for_steps(process, folder, 512)
    lock = folder / "out/ode/hyper-ppo/seed-0/bench.lock"
    os.kill(parent(int(lock.read_text())), signal.SIGKILL)
    assert numbers(report_of(process)) == undisturbed
    assert sorted(run["resumed"] for run in results(folder)) == [0, 1]
    assert not list(folder.glob("out/**/.visible-*"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_suite_stops_all_its_runs_with_checkpoints(number: signal.Signals, tmp_path: Path) -> None:
    folder = start(tmp_path / "stopped", 10**9)
    process = command(folder, "--engine", "ray")
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


def test_a_run_that_crashes_ends_no_other(tmp_path: Path) -> None:
    folder = start(tmp_path / "crash", 64)
    name = broken_family(folder, "import os; print('no oil', flush=True); os.kill(os.getpid(), 9)")
    suite = folder / "tiny.yaml"
    suite.write_text(suite.read_text().replace("families: [ode]", f"families: [ode, {name}]"))
    out, err = command(folder, "--engine", "ray").communicate(timeout=600)
    report = json.loads(out)
    assert [row["runs"] for row in report["table"]] == [1, 1, 0, 0], err
    assert {failure["family"] for failure in report["failed"]} == {"broken"}
    for failure in report["failed"]:
        assert "SIGKILL" in Path(folder, failure["run"], "error.txt").read_text()
        assert "no oil" in Path(folder, failure["run"], "output.txt").read_text()
