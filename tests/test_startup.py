"""Signals that come while the command is still importing what it needs."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hyperrl import startup
from tests.acceptance.driving import ENVIRONMENT

SCRIPT = "import sys\nfrom hyperrl.cli import main\nsys.exit(main())\n"
INTERRUPTED = (130, "", "hyperrl: interrupted\n")


def ended(
    folder: Path, module: str, stop: signal.Signals, *program: str, ignored: bool = False
) -> tuple[int, str, str]:
    """Status and output of a training that gets a signal in the midst of importing a module."""
    shadows = folder / "shadows"
    shadows.mkdir()
    (shadows / f"{module}.py").write_text(
        f"import os\nos.kill(os.getpid(), {int(stop)})\nfor _ in range(1000): pass\nos._exit(7)\n"
    )
    path = os.pathsep.join([str(shadows), ENVIRONMENT["PYTHONPATH"]])
    done = subprocess.run(
        [sys.executable, *program, "train", "hyper-ppo", "ode"],
        cwd=folder,
        env={**ENVIRONMENT, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        preexec_fn=lambda: signal.signal(stop, signal.SIG_IGN if ignored else signal.SIG_DFL),
    )
    assert not (folder / "runs").exists()
    return done.returncode, done.stdout, done.stderr


MODULES = ("gymnasium", "typer", "stable_baselines3")


@pytest.mark.parametrize(("module", "stop"), list(zip(MODULES, startup.SIGNALS, strict=True)))
def test_a_signal_amid_imports_is_one_line(module: str, stop: signal.Signals, tmp_path: Path) -> None:
    assert ended(tmp_path, module, stop, "-m", "hyperrl") == INTERRUPTED


def test_the_installed_script_is_the_command_too(tmp_path: Path) -> None:
    script = tmp_path / "hyperrl"
    script.write_text(SCRIPT)
    assert ended(tmp_path, "gymnasium", signal.SIGINT, str(script)) == INTERRUPTED


def test_a_signal_that_is_ignored_stays_so(tmp_path: Path) -> None:
    assert ended(tmp_path, "gymnasium", signal.SIGHUP, "-m", "hyperrl", ignored=True)[0] == 7


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["-m", "hyperrl", "list"], True),
        (["-X", "dev", "-W", "error", "-mhyperrl"], True),
        (["/usr/bin/hyperrl", "list"], True),
        (["C:\\hyperrl.exe"], os.name == "nt"),
        (["-m", "pytest", "hyperrl"], False),
        (["-c", "import hyperrl", "-m", "hyperrl"], False),
        (["train.py", "hyperrl"], False),
        (["-"], False),
        ([], False),
    ],
)
def test_the_command_knows_itself(arguments: list[str], command: bool) -> None:
    assert startup.starts_command(["python", *arguments]) == command


def test_importing_the_library_leaves_signals_alone() -> None:
    code = "import signal, hyperrl; assert signal.getsignal(2) is signal.default_int_handler"
    subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, check=True, timeout=120)
