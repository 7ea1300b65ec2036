"""What a report shows of one family."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.synthetic_runs import synthetic_run
from hyperrl.errors import BaseEnvironmentError
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


def test_the_worst_tasks_are_named_with_their_seed(section: FamilySection) -> None:
    assert len(section.worst) == 8
    worst = section.worst[1]
    results = section.runs.agents[CONCAT].results("train")
    means = np.array([[task.of_oracle or 0.0 for task in run] for run in results])
    run, task = np.unravel_index(means.argmin(), means.shape)
    assert (worst.split, worst.agent, worst.seed) == ("train", CONCAT, int(run))
    assert worst.share == means.min()
    assert worst.task == f"c0 = {results[0][task].context['c0']:g} 1/time"


def test_agents_without_hypernetworks_are_compared_with_the_first(tmp_path: Path, ode: Family) -> None:
    for agent in (CONCAT, "blind-ppo"):
        synthetic_run(tmp_path / agent, agent, ode, 0)
    drawn = family_section(collect([tmp_path]).families[0])
    assert drawn.notes == []
    assert drawn.pictures[-1].caption.startswith("Probability of improvement")
    assert {each.baseline for split in drawn.splits for each in split.contrasts} == {"blind-ppo"}


def test_an_agent_that_can_be_loaded_has_a_map_and_an_animation(trained: Path) -> None:
    drawn = family_section(collect([trained]).families[0], animated=True)
    assert drawn.notes == []
    assert drawn.pictures[-1].caption.startswith("Tasks in the space of the weights that hyper-ppo (seed 0)")
    assert drawn.animations[0].source.startswith("data:image/gif")


def test_a_base_environment_that_fails_is_noted(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise BaseEnvironmentError("it broke")

    monkeypatch.setattr(module, "animate", fails)
    drawn = family_section(collect([trained]).families[0], animated=True)
    assert drawn.notes == ["No animation for hyper-ppo: it broke."]
    assert drawn.pictures[-1].caption.startswith("Tasks in the space")


def test_figures_of_many_agents_are_noted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_AGENTS", 1)
    drawn = family_section(collect([folder]).families[0])
    assert drawn.notes[-1] == "Figures show the first 1 of 2 agents."
    assert len(drawn.splits[0].scores) == 2


def test_what_is_drawn_and_what_is_not(section: FamilySection) -> None:
    assert len(section.pictures) == 4
    assert len(section.notes) == 1
    assert "no checkpoint 'best'" in section.notes[0]


def test_one_agent_alone_has_nobody_to_be_compared_with(tmp_path: Path, ode: Family) -> None:
    synthetic_run(tmp_path / "run", HYPER, ode, 0)
    drawn = family_section(collect([tmp_path]).families[0])
    assert not any(duels for _, duels in drawn.duels)
    assert len(drawn.pictures) == 3
