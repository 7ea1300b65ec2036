"""What a report shows of one family."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmarks.synthetic_runs import synthetic_run
from hyperrl.experiments.collect import collect
from hyperrl.experiments.report import family_section as module
from hyperrl.experiments.report.family_section import FamilySection, family_section
from hyperrl.tasks import Family
from tests.experiments.conftest import CONCAT, HYPER


@pytest.fixture(scope="module")
def section(folder: Path) -> FamilySection:
    return family_section(collect([folder]).families[0])


def test_generated_agents_come_first_and_are_the_baseline(section: FamilySection) -> None:
    assert list(section.runs.agents) == [HYPER, CONCAT]
    for split, duels in section.duels:
        assert [(duel.agent, duel.baseline) for duel in duels] == [(CONCAT, HYPER)]
        assert list(split.contrasts) == duels


def test_all_figures_are_drawn(section: FamilySection) -> None:
    starts = [
        "Zero-shot return during training",
        "Return over the context",
        "Performance profiles",
        "Probability",
    ]
    for picture, start in zip(section.pictures, starts, strict=True):
        assert picture.caption.startswith(start)
        assert picture.lines
    assert len(section.notes) == 1
    assert "no checkpoint 'best'" in section.notes[0]


def test_the_worst_tasks_are_named_with_their_seed(section: FamilySection) -> None:
    assert len(section.worst) == 8
    worst = section.worst[1]
    results = section.runs.agents[CONCAT].results("train")
    means = np.array([[task.of_oracle or 0.0 for task in run] for run in results])
    run, task = np.unravel_index(means.argmin(), means.shape)
    assert (worst.split, worst.agent, worst.seed) == ("train", CONCAT, int(run))
    assert worst.share == means.min()
    assert worst.task == f"c0 = {results[0][task].context['c0']:g} 1/time"


def test_two_features_on_a_grid_have_heatmaps(tmp_path: Path) -> None:
    synthetic_run(tmp_path / "run", HYPER, Family.load("ode-2d"), 0)
    drawn = family_section(collect([tmp_path]).families[0])
    captions = [picture.caption for picture in drawn.pictures if not picture.lines]
    assert captions == ["Return of hyper-ppo over c0 and c1."]
    assert not any(duels for _, duels in drawn.duels)


def test_agents_without_hypernetworks_are_compared_with_the_first(tmp_path: Path, ode: Family) -> None:
    for agent in (CONCAT, "blind-ppo"):
        synthetic_run(tmp_path / agent, agent, ode, 0)
    drawn = family_section(collect([tmp_path]).families[0])
    assert drawn.notes == []
    assert drawn.pictures[-1].caption.startswith("Probability of improvement")
    assert {each.baseline for split in drawn.splits for each in split.contrasts} == {"blind-ppo"}


def test_many_agents_are_not_all_drawn(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_AGENTS", 1)
    drawn = family_section(collect([folder]).families[0])
    assert drawn.notes[-1] == "Figures show the first 1 of 2 agents."
    assert len(drawn.splits[0].scores) == 2


def test_logs_that_are_missing_or_share_no_steps_are_left_out(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    for seed in range(3):
        (copy / f"hyper/seed-{seed}/progress.csv").unlink()
    header = "step,zero_shot/train"
    for seed, steps in enumerate(("0", "10", "20")):
        (copy / f"concat/seed-{seed}/progress.csv").write_text(f"{header}\n{steps},1.0\n")
    drawn = family_section(collect([copy]).families[0])
    assert drawn.pictures[0].caption.startswith("Return over the context")
