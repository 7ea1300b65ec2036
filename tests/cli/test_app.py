"""The program as a whole: helps, version, and commands that answer at once as they load nothing heavy."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.driving import succeeded

HEAVY = ("torch", "stable_baselines3", "matplotlib", "tensorboard", "scipy", "pandas")


LIGHT = [
    ["--help"],
    ["--version"],
    ["train", "--help"],
    ["list"],
    ["describe", "hyper-ppo"],
    ["describe", "ode"],
    ["check", "hyper-ppo"],
    ["check", "ode"],
    ["trian"],
    ["train", "hyper-ppo", "oed"],
    ["evaluate", "runs/nowhere"],
]


def test_nothing_heavy_is_loaded(tmp_path: Path) -> None:
    code = (
        "import sys; from hyperrl.cli import main\n"
        f"for command in {LIGHT}:\n"
        "    main(command)\n"
        f"    loaded = [name for name in {HEAVY} if name in sys.modules]\n"
        "    if loaded: sys.exit(f'{command} loads {loaded}')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()


def test_the_list_makes_no_environment_and_validates_no_recipe(tmp_path: Path) -> None:
    code = (
        "import sys; from hyperrl.cli import main; main(['list'])\n"
        "for name in ('mujoco', 'Box2D', 'pygame', 'hyperrl.tasks', 'hyperrl.recipes'):\n"
        "    if name in sys.modules: sys.exit(f'list loads {name}')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()


COMPILER = ("torch._dynamo.eval_frame", "torch._inductor", "sympy")
NEVER = (*COMPILER, "pandas", "scipy.stats", "matplotlib.pyplot", "pygame", "mujoco", "onnx")
NEEDLESS = {
    ("evaluate", "seed-0", "--episodes", "1"): NEVER,
    ("specialize", "seed-0", "--context", "c0=2"): (*NEVER, "matplotlib", "scipy"),
    ("describe", "hyper-ppo", "ode"): (*NEVER, "matplotlib", "scipy"),
}


@pytest.mark.parametrize("command", NEEDLESS)
def test_a_command_loads_only_what_it_needs(command: tuple[str, ...], runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "seed-0", tmp_path / "seed-0")
    code = (
        "import sys; from hyperrl.cli import main\n"
        f"status = main({command})\n"
        f"sys.exit(status or ', '.join(each for each in {NEEDLESS[command]} if each in sys.modules) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode()


def cpu_seconds(*arguments: str) -> float:
    """The least of several: a machine that is busy with other tests is slower than the code."""

    def once() -> float:
        before = os.times()
        subprocess.run([sys.executable, *arguments], capture_output=True, timeout=120, check=True)
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    return min(once() for _ in range(3))


def test_help_costs_half_a_second_or_little_more_than_gymnasium() -> None:
    assert cpu_seconds("-m", "hyperrl", "--help") < max(0.5, 1.8 * cpu_seconds("-c", "import gymnasium"))


def test_help_reads_no_recipe(tmp_path: Path) -> None:
    code = (
        "import sys; from hyperrl.cli import main; main(['--help']);"
        "sys.exit(any(name in sys.modules for name in ('pydantic', 'hyperrl.tasks', 'hyperrl.recipes')))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, timeout=120, check=True)


def test_help_and_version(tmp_path: Path) -> None:
    from importlib.metadata import version

    assert succeeded("--version", cwd=tmp_path) == f"hyperrl {version('hyperrl')}\n"
    shown = succeeded("--help", cwd=tmp_path)
    assert shown == succeeded(cwd=tmp_path) == succeeded("-h", cwd=tmp_path)
    for command in ("list", "describe", "check", "train", "evaluate"):
        assert f"  {command} " in shown
        assert succeeded(command, "--help", cwd=tmp_path).startswith(f"Usage: hyperrl {command}")
