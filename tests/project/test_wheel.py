"""The wheel, installed into an environment of its own, works by recipe name outside the repository."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.project.pages import blocks, do

ROOT = Path(__file__).parents[2]
FOLDERS = {"agents": ROOT / "agents", "envs": ROOT / "envs", "suites": ROOT / "benchmarks" / "suites"}
RECIPES = {f"{kind}/{path.name}" for kind, folder in FOLDERS.items() for path in folder.glob("*.yaml")}


PAGE = ROOT / "docs/your-own-environment.md"


def run(*command: str | Path, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("hyperrl-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds the wheel alone and borrows its dependencies from this one."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", wheel, cwd=folder)
    (site,) = folder.glob("lib/python*/site-packages")
    # A path line does not read the borrowed folder's own .pth files: a checkout installed there stays unseen.
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def test_the_wheel_carries_every_recipe_once(wheel: Path) -> None:
    assert RECIPES
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    shipped = {name.removeprefix("hyperrl/recipes/shipped/") for name in names if name.endswith(".yaml")}
    assert shipped == RECIPES
    assert not [name for name in names if not name.startswith(("hyperrl/", "hyperrl-"))]


def test_recipes_come_from_the_wheel(installed: Path) -> None:
    paths_of = f"(path for kind in {list(FOLDERS)} for path in shipped(kind).values())"
    code = f"from hyperrl.recipes import shipped; print(*{paths_of})"
    paths = run(installed / "bin" / "python", "-c", code, cwd=installed).split()
    assert {Path(path).name for path in paths} == {Path(recipe).name for recipe in RECIPES}
    assert all(Path(path).resolve().is_relative_to(installed.resolve()) for path in paths)


def test_the_command_works_by_name(installed: Path) -> None:
    hyperrl = installed / "bin" / "hyperrl"
    listed = run(hyperrl, "list", cwd=installed)
    assert all(Path(recipe).stem in listed for recipe in RECIPES if not recipe.startswith("suites/"))
    assert "hyper-ppo" in run(hyperrl, "describe", "hyper-ppo", cwd=installed)


@pytest.mark.slow
def test_the_page_of_ones_own_environment_works_as_written(installed: Path, tmp_path: Path) -> None:
    """From an empty folder, with the installed package alone, each command in a process of its own."""
    folder = tmp_path / "empty"
    folder.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def hyperrl(arguments: list[str]) -> tuple[int, str]:
        done = subprocess.run(
            [installed / "bin" / "hyperrl", *arguments],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        return done.returncode, done.stdout

    def python(code: str) -> None:
        run(installed / "bin" / "python", "-c", code, cwd=folder)

    for block in blocks(PAGE):
        do(PAGE, block, {}, folder, hyperrl, python)
    assert (folder / "runs/tank/hyper-ppo/seed-0/source/tank_env.py").is_file()
    assert (folder / "runs/carts/run.yaml").is_file()
