"""Suites on real Ray clusters: of this machine, and with a machine that sees none of the suite's folders."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from hyperrl.extras import is_missing
from tests.experiments.commands import (
    command,
    numbers,
    stop_with_checkpoints,
    suite_folder,
    wait_for_steps,
)
from tests.experiments.suites import broken_family

pytestmark = [pytest.mark.slow, pytest.mark.skipif(is_missing("ray"), reason="Ray is not installed")]

RAY = (sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats")
ANY_PORT = ("--min-worker-port=0", "--max-worker-port=0", "--dashboard-agent-listen-port=0")
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
    return numbers(report_of(command(suite_folder(tmp_path_factory.mktemp("suite") / "processes", PLANNED))))


def test_a_run_whose_worker_is_killed_goes_on_to_the_same_table(tmp_path: Path, undisturbed: Any) -> None:
    folder = suite_folder(tmp_path / "killed", PLANNED)
    process = command(folder, "--engine", "ray")
    wait_for_steps(process, folder, 512)
    lock = folder / "out/ode/hyper-ppo/seed-0/bench.lock"
    os.kill(parent(int(lock.read_text())), signal.SIGKILL)
    assert numbers(report_of(process)) == undisturbed
    assert sorted(run["resumed"] for run in results(folder)) == [0, 1]
    assert not list(folder.glob("out/**/.visible-*"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_suite_stops_all_its_runs_with_checkpoints(number: signal.Signals, tmp_path: Path) -> None:
    stop_with_checkpoints(number, tmp_path / "stopped", "--engine", "ray")


def test_a_run_that_crashes_ends_no_other(tmp_path: Path) -> None:
    folder = suite_folder(tmp_path / "crash", 64)
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


@contextmanager
def machine(logs: Path, *options: str, hidden: Path | None = None) -> Iterator[None]:
    """A machine of a Ray cluster, on which an empty folder lies over `hidden`; it is lost at the end."""
    mount = ("unshare", "--mount", "sh", "-c", f'mount -t tmpfs none "{hidden}" && exec "$@"', "sh")
    logs.mkdir()
    with (logs / "log.txt").open("w+") as log:
        process = subprocess.Popen(
            [*(mount if hidden else ()), *RAY, *ANY_PORT, *options],
            stdout=log, stderr=log, start_new_session=True,
            env={**os.environ, "RAY_AUTH_MODE": "disabled", "RAY_TMPDIR": "/tmp", "TMPDIR": str(logs)},
        )  # fmt: skip
        try:
            while "Ray runtime started" not in (logs / "log.txt").read_text():
                assert process.poll() is None, (logs / "log.txt").read_text()
                time.sleep(0.1)
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def free_ports() -> list[int]:
    """Two ports where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        return [server.getsockname()[1] for server in (one, two)]


def can_hide() -> bool:
    """Whether this process may mount something that others do not see."""
    try:
        test = ["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
        return subprocess.run(test, capture_output=True).returncode == 0
    except OSError:
        return False


@pytest.mark.skipif(not can_hide(), reason="mounting is not allowed")
def test_runs_of_a_machine_without_the_folders_come_back_and_begin_anew_where_it_is_lost(
    tmp_path: Path, undisturbed: Any
) -> None:
    (tmp_path / "hidden").mkdir()
    folder = suite_folder(tmp_path / "hidden" / "suite", PLANNED)
    port, other = free_ports()
    address = f"127.0.0.1:{port}"
    head = (f"--port={port}", f"--ray-client-server-port={other}", "--dashboard-port=0", "--num-cpus=0")
    node = (f"--address={address}", "--num-cpus=2")
    with machine(tmp_path / "head", "--head", "--include-dashboard=false", *head):
        with machine(tmp_path / "lost", *node, hidden=folder.parent):
            process = command(folder, "--engine", "ray", "--ray-address", address)
            while process.poll() is None and len(halfway(tmp_path / "lost")) < 2:
                time.sleep(0.1)
            assert not list(folder.glob("out/ode/*/seed-0/run.yaml"))
        with machine(tmp_path / "other", *node, hidden=folder.parent):
            assert numbers(report_of(process)) == undisturbed
            assert not list((tmp_path / "other").glob("hyperrl-*"))
    assert [run["resumed"] for run in results(folder)] == [0, 0]
    for run in folder.glob("out/ode/*"):
        assert [path.name for path in run.iterdir()] == ["seed-0"]
        assert (run / "seed-0/checkpoints/best.safetensors").exists()
        assert (run / "seed-0/output.txt").exists()


def halfway(temporary: Path) -> list[Path]:
    """The runs in a machine's temporary folder that are past a checkpoint."""
    files = temporary.glob("hyperrl-*/seed-0/status.json")
    return [file for file in files if json.loads(file.read_bytes())["steps"] >= 512]
