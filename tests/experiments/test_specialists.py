"""Agents beside specialists: which runs are specialists, and what share of their return an agent reaches."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.synthetic_runs import synthetic_run
from hyperrl.evaluation.comparison import estimate
from hyperrl.experiments.collect import collect
from hyperrl.experiments.comparison import compare
from hyperrl.experiments.report import write_report
from hyperrl.experiments.specialists import share_of_specialists, specialist_task
from hyperrl.store import Run
from hyperrl.tasks import Family
from tests.runs import message


@pytest.fixture(scope="module")
def family() -> Family:
    return Family.load("double-integrator")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, family: Family) -> Path:
    """Two agents, and specialists of two tasks of interpolation, one of them twice, whose mean is 200."""
    path = tmp_path_factory.mktemp("beside")
    for seed in range(3):
        synthetic_run(path / f"hyper-{seed}", "hyper-ppo", family, seed, 100.0)
        synthetic_run(path / f"concat-{seed}", "concat-ppo", family, seed, 50.0)
    first, second = family.tasks("interpolation")[:2]
    for name, task, level in (("a", first, 150.0), ("b", second, 250.0), ("c", second, 20.0)):
        one = family.on_tasks([task])
        synthetic_run(path / f"oracle-{name}", "blind-ppo", one, 0, level, noise=0.0)
    return path


def test_the_share_is_of_the_tasks_that_have_a_specialist() -> None:
    scores = np.array([[10.0, 40.0, 99.0], [20.0, 50.0, 99.0]])
    beside = share_of_specialists(scores, [50.0, 70.0, None])
    assert beside is not None
    assert (beside.tasks, beside.specialist, beside.mean.value) == (2, 60.0, 30.0)
    assert beside.mean == estimate(scores[:, :2], np.mean)
    assert beside.share is not None
    assert beside.share.value == 0.5
    assert beside.share.low == beside.mean.low / 60  # type: ignore[operator]
    assert beside.to_json()["share"] == beside.share._asdict()
    for best in (0.0, -1.0):
        nothing = share_of_specialists(scores, [best, None, None])
        assert nothing is not None
        assert (nothing.share, nothing.to_json()["share"]) == (None, None)
    single = share_of_specialists(scores[:1], [50.0, 70.0, None])
    assert single is not None
    assert single.share == (25 / 60, None, None)
    assert share_of_specialists(scores, [None] * 3) is None


def test_no_share_of_a_return_that_is_not_above_zero() -> None:
    beside = share_of_specialists(np.array([[-20.0]]), [-10.0])
    assert beside is not None
    assert beside.share is None
    assert beside.to_json() == {
        "tasks": 1, "specialist": -10.0, "mean": {"value": -20.0, "low": None, "high": None}, "share": None
    }  # fmt: skip


def test_specialists_are_no_agents(folder: Path, family: Family) -> None:
    (found,) = collect([folder]).families
    assert list(found.agents) == ["concat-ppo", "hyper-ppo"]
    first, second = family.tasks("interpolation")[:2]
    values = {tuple(first.items()): 150, tuple(second.items()): 250}
    assert found.specialists == pytest.approx(values, abs=3)
    beside = found.of_specialists(found.agents["hyper-ppo"], "interpolation")
    assert beside is not None
    assert beside.tasks == 2
    assert beside.mean.value == pytest.approx(found.agents["hyper-ppo"].scores("interpolation")[:, :2].mean())
    assert beside.specialist == pytest.approx(200, abs=3)
    assert found.of_specialists(found.agents["hyper-ppo"], "extrapolation") is None


def test_comparisons_have_the_share(folder: Path) -> None:
    comparison = compare(collect([folder]))
    by_split = {each.split: each for each in comparison.splits}
    shares = [score.of_specialist for score in by_split["interpolation"].scores]
    values = [beside.share.value for beside in shares if beside is not None and beside.share is not None]
    assert values == pytest.approx([0.25, 0.5], abs=0.05)
    assert all(score.of_specialist is None for score in by_split["extrapolation"].scores)
    agents = comparison.to_json()["comparisons"][2]["agents"]
    assert [agent["of_specialist"]["tasks"] for agent in agents] == [2, 2]


def test_a_report_has_the_share(folder: Path, tmp_path: Path) -> None:
    write_report(collect([folder]), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert page.count("of specialist, 2 tasks</th>") == 1
    assert "Of specialist: the mean return on the tasks" in page
    alone = [folder / f"hyper-{seed}" for seed in range(3)]
    write_report(collect(alone), tmp_path / "page.html")
    assert "specialist" not in (tmp_path / "page.html").read_text().lower()


def test_runs_on_one_task_alone_are_agents(folder: Path) -> None:
    (found,) = collect([folder / "oracle-b"]).families
    assert (list(found.agents), found.specialists) == (["blind-ppo"], {})


def test_whose_task_a_run_is_the_specialist_of(folder: Path, family: Family, tmp_path: Path) -> None:
    task = family.tasks("interpolation")[0]
    spec = Run.open(folder / "oracle-a").spec
    assert specialist_task(spec, family.recipe) == task
    other = family.recipe.model_copy(update={"kwargs": {"max_episode_steps": 7}})
    assert specialist_task(spec, other) is None
    assert specialist_task(Run.open(folder / "hyper-0").spec, family.recipe) is None
    seeing = synthetic_run(tmp_path / "x", "concat-ppo", family.on_tasks([task]), 0)
    assert specialist_task(seeing.spec, family.recipe) is None
    assert "on other families of one name" in message(collect, [folder / "hyper-0", seeing.path])


def test_a_specialist_that_was_evaluated_otherwise_is_refused(folder: Path, tmp_path: Path) -> None:
    run = Run.open(folder / "oracle-a")
    before = run.evaluation("final")
    assert before is not None
    run.save_evaluation({**before, "start_seed": 5}, "final")
    try:
        assert "other starts: start_seed is 0 and 5" in message(collect, [folder])
    finally:
        run.save_evaluation(before, "final")
