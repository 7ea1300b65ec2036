"""A small repository with made-up results."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.learning.suite import FORMAT, encode, result_path
from benchmarks.report.results import Site, write
from hyperrl.recipes import load_agent, resolve
from hyperrl.tasks import Family

MakeResult = Callable[..., dict[str, Any]]


def made_up(agent: str, family: Family, seed: int, level: float, solved: int = 2) -> dict[str, Any]:
    """Every task of every split returns `level` and a little for the seed; reached at evaluation `solved`."""
    value = level + 0.01 * seed
    splits = {}
    for split in ("train", "validation", "interpolation", "extrapolation"):
        tasks = family.tasks(split)
        if tasks:
            splits[split] = {
                "contexts": [list(task.values()) for task in tasks],
                "oracle": [family.oracle(task) for task in tasks],
                "best": [[value]] * len(tasks),
                "final": [[value - 1]] * len(tasks),
            }
    resolved = resolve(load_agent(agent), family.recipe)
    steps = [0, 1000, 2000, 3000]
    result = {
        "format": FORMAT,
        "agent": agent,
        "family": family.name,
        "seed": seed,
        "steps": 3000,
        "planned_steps": 3000,
        "parameters": 1234,
        "seconds": {"wall": 60.0, "cpu": 30.0},
        "cores": 2,
        "versions": {"torch": "2"},
        "features": list(family.space.names),
        "episodes": 1,
        "splits": splits,
        "curve": {"steps": steps, **{s: [value if i >= solved else 0.0 for i in range(4)] for s in splits}},
        "recipe": {"agent": resolved.model_dump(mode="json", by_alias=True)},
    }
    if family.name == "ode":
        grid = [{"c0": float(c0)} for c0 in np.linspace(-10, 10, 21)]
        result["grid"] = {
            "contexts": [list(task.values()) for task in grid],
            "oracle": [family.oracle(task) for task in grid],
            "best": [[value]] * len(grid),
        }
    return result


def put(site: Site, result: dict[str, Any]) -> Path:
    path = result_path(site.data / "learning", result["family"], result["agent"], result["seed"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(result))
    return path


def empty(root: Path) -> Site:
    """A repository without results."""
    (root / "docs").mkdir(parents=True)
    (root / "README.md").write_text(
        "# Title\n\n<!-- results:begin -->\nold\n<!-- results:end -->\n\nthe rest\n"
    )
    return Site(root)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """No results yet."""
    return empty(tmp_path / "empty")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Hyper reaches the goals on ode and beats concat, on double-integrator it does not; all is written."""
    site = empty(tmp_path_factory.mktemp("made") / "site")
    levels = {
        "ode": {"hyper-ppo": 172.0, "concat-ppo": 160.0, "blind-ppo": 50.0},
        "double-integrator": {"hyper-ppo": 30.0, "concat-ppo": 40.0},
    }
    for name, agents in levels.items():
        family = Family.load(name)
        for agent, level in agents.items():
            for seed in range(3):
                put(site, made_up(agent, family, seed, level, solved=3 if agent == "hyper-ppo" else 2))
    write(site)
    return site


@pytest.fixture
def filled(made: Site, tmp_path: Path) -> Site:
    """A copy of `made` to change at will."""
    shutil.copytree(made.root, tmp_path / "filled")
    return Site(tmp_path / "filled")
