"""The figures of a family, read off from what a report shows."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from benchmarks.synthetic_runs import synthetic_run
from hyperrl.evaluation.figures import learning_curves
from hyperrl.experiments.collect import EvaluatedRun, collect
from hyperrl.experiments.comparison import SplitComparison, compare
from hyperrl.experiments.report import pictures as module
from hyperrl.experiments.report.images import Picture
from hyperrl.experiments.report.pictures import family_pictures
from hyperrl.experiments.scores import FamilyRuns
from hyperrl.tasks import Family
from tests.experiments.conftest import HYPER


def drawn(path: Path) -> list[Picture]:
    found = collect([path])
    runs: FamilyRuns[EvaluatedRun] = found.families[0]
    splits: tuple[SplitComparison, ...] = compare(found).splits
    family = Family(runs.first.run.spec.family)
    return list(family_pictures(runs, family, [(split, split.contrasts) for split in splits]))


def test_all_figures_are_drawn(folder: Path) -> None:
    starts = [
        "Zero-shot return during training",
        "Return over the context",
        "Performance profiles",
        "Probability",
    ]
    for picture, start in zip(drawn(folder), starts, strict=True):
        assert picture.caption.startswith(start)
        assert picture.lines


def test_two_features_on_a_grid_have_heatmaps(tmp_path: Path) -> None:
    synthetic_run(tmp_path / "run", HYPER, Family.load("ode-2d"), 0)
    captions = [picture.caption for picture in drawn(tmp_path) if not picture.lines]
    assert captions == ["Return of hyper-ppo over c0 and c1."]


def test_many_agents_are_not_all_drawn(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    legends: list[list[str]] = []

    def noted(panels: dict[str, Any], **options: Any) -> Any:
        legends.append(list(panels["train"]))
        return learning_curves(panels, **options)

    monkeypatch.setattr(module, "learning_curves", noted)
    monkeypatch.setattr(module, "MOST_AGENTS", 1)
    drawn(folder)
    assert legends == [["concat-ppo"]]


def test_logs_that_are_missing_or_share_no_steps_are_left_out(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    for seed in range(3):
        (copy / f"hyper/seed-{seed}/progress.csv").unlink()
    for seed, step in enumerate((0, 10, 20)):
        (copy / f"concat/seed-{seed}/progress.csv").write_text(f"step,zero_shot/train\n{step},1.0\n")
    assert drawn(copy)[0].caption.startswith("Return over the context")
