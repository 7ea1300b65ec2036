"""Runs are found, read and grouped; those that cannot be compared are refused in one line."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.synthetic_runs import synthetic_run
from hyperrl.experiments.collect import collect
from hyperrl.store import Run
from hyperrl.tasks import Family
from tests.experiments.conftest import CONCAT, HYPER
from tests.runs import message

Change = Callable[[dict[str, Any]], None]


def edit(run: Path, change: Change) -> None:
    file = run / "evaluations" / "final.json"
    data = json.loads(file.read_text())
    change(data)
    file.write_text(json.dumps(data))


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def test_runs_below_a_folder_are_grouped(folder: Path, ode: Family) -> None:
    (family,) = collect([folder / "hyper", folder / "concat"]).families
    assert family.name == "ode"
    assert {label: agent.seeds for label, agent in family.agents.items()} == {
        HYPER: [0, 1, 2],
        CONCAT: [0, 1, 2],
    }
    assert family.splits == ["train", "validation", "interpolation", "extrapolation"]
    agent = family.agents[HYPER]
    scores = agent.scores("interpolation")
    assert scores.shape == (3, len(ode.tasks("interpolation")))
    stored = json.loads((folder / "hyper/seed-1/evaluations/final.json").read_text())
    means = [task["mean"] for task in stored["tasks"] if task["split"] == "interpolation"]
    np.testing.assert_allclose(scores[1], means)
    np.testing.assert_allclose(agent.scores("interpolation", [2, 0]), scores[[2, 0]])
    oracles = family.oracles("interpolation")
    assert oracles is not None
    assert oracles.tolist() == [ode.oracle(context) for context in ode.tasks("interpolation")]


def test_agents_stand_in_the_order_given(folder: Path) -> None:
    runs: list[Path | str | Run] = [
        folder / "hyper/seed-2",
        Run.open(folder / "concat/seed-0"),
        folder / "hyper/seed-0",
    ]
    (family,) = collect(runs).families
    assert [(label, agent.seeds) for label, agent in family.agents.items()] == [
        (HYPER, [0, 2]),
        (CONCAT, [0]),
    ]


def test_overrides_that_differ_are_part_of_the_name(tmp_path: Path, ode: Family) -> None:
    for seed, rank in ((0, 4), (1, 4), (0, 8)):
        overrides = ["steps=4096", "policy.net_arch=[8]", f"algorithm.n_epochs={rank}"]
        synthetic_run(tmp_path / f"{rank}-{seed}", HYPER, ode, seed, overrides=overrides, tasks=2)
    (family,) = collect([tmp_path]).families
    assert {label: agent.seeds for label, agent in family.agents.items()} == {
        f"{HYPER} algorithm.n_epochs=4": [0, 1],
        f"{HYPER} algorithm.n_epochs=8": [0],
    }


def test_a_run_without_a_final_evaluation_is_left_out_below_a_folder_and_refused_by_name(copy: Path) -> None:
    (copy / "hyper/seed-1/evaluations/final.json").unlink()
    (copy / "concat/seed-2/run.yaml").write_text("nonsense")
    found = collect([copy])
    assert [(each.path.name, each.path.parent.name) for each in found.left_out] == [
        ("seed-2", "concat"), ("seed-1", "hyper"),
    ]  # fmt: skip
    assert found.families[0].agents[HYPER].seeds == [0, 2]
    assert "has no final evaluation" in message(collect, [copy / "hyper/seed-1"])
    shutil.rmtree(copy / "concat")
    for seed in (0, 2):
        shutil.rmtree(copy / f"hyper/seed-{seed}")
    assert "no runs with a final evaluation" in message(collect, [copy])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda data: data.update(start_seed=5), "other starts: start_seed is 0 and 5"),
        (lambda data: data.update(episodes=7), "other numbers of episodes: episodes is 4 and 7"),
        (lambda data: data.update(hidden=["c0"]), "other hidden features"),
        (lambda data: data["tasks"].pop(), "other tasks"),
        (lambda data: data["tasks"][0]["context"].update(c0=0.5), "other tasks"),
        (lambda data: data.pop("tasks"), "final.json': misses the field 'tasks'"),
        (lambda data: data["tasks"][0].update(returns=[]), "a task without episodes"),
        (lambda data: data["tasks"][0].update(returns=[float("nan")]), "a return is not finite"),
        (lambda data: data.update(tasks=[1]), "final.json': "),
        (lambda data: data["tasks"][0].update(context=1), "final.json': "),
    ],
)
def test_other_conditions_and_broken_files_are_refused(copy: Path, change: Change, expected: str) -> None:
    edit(copy / "concat/seed-1", change)
    runs = [copy / "hyper/seed-0", copy / "concat/seed-1"]
    assert expected in message(collect, runs)


def test_what_is_given_twice_is_refused(copy: Path) -> None:
    assert "is given twice" in message(collect, [copy, copy / "hyper/seed-0"])
    shutil.copytree(copy / "hyper/seed-0", copy / "hyper/again")
    assert "are both seed 0 of hyper-ppo" in message(collect, [copy])


def test_families_of_one_name_that_differ_are_refused(tmp_path: Path, ode: Family) -> None:
    synthetic_run(tmp_path / "whole", HYPER, ode, 0)
    synthetic_run(tmp_path / "less", HYPER, ode.leave_out([{"c0": 5.0}]), 1)
    assert "on other families of one name: family.splits" in message(collect, [tmp_path])


def test_no_path_holds_a_run(tmp_path: Path) -> None:
    assert "no such directory" in message(collect, [tmp_path / "none"])
    assert message(collect, [tmp_path]).startswith(f"folder '{tmp_path}': found no runs; allowed: ")
    assert "no runs" in message(collect, [])
