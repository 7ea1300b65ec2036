import errno
import os
from pathlib import Path

import pytest
from matplotlib.image import imread

from hyperrl import api
from tests.runs import message, untrained


def test_every_evaluation_is_kept(runs: Path) -> None:
    files = [api.evaluate(runs / "seed-0", contexts=[{"c0": 2}]).files[0] for _ in range(2)]
    assert files[0] != files[1]
    assert all(file.exists() for file in files)


def test_nothing_is_written_when_reported_so(runs: Path) -> None:
    before = sorted((runs / "seed-0").rglob("*"))
    evaluation = api.evaluate(runs / "seed-0", save=False)
    assert (evaluation.files, evaluation.figures) == ((), ())
    assert sorted((runs / "seed-0").rglob("*")) == before


def test_a_sweep_draws_a_curve(runs: Path) -> None:
    evaluation = api.evaluate(runs / "seed-0", splits=["interpolation"], sweep=[("c0", -10, 10, 5)])
    assert [task.context["c0"] for task in evaluation.own_tasks] == [-10, -5, 0, 5, 10]
    assert evaluation.splits["interpolation"]["tasks"] == 6
    (first,) = evaluation.figures
    assert first.name.startswith("evaluation-c0-")
    before = first.read_bytes()
    (later,) = api.evaluate(runs / "seed-0", sweep=[("c0", -2, 2, 3)]).figures
    assert later != first
    assert first.read_bytes() == before


def test_a_disk_that_is_full_is_reported(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("hyperrl.store.run.atomic_write", full)
    text = message(api.evaluate, runs / "seed-0", splits=["train"], episodes=1)
    assert text.endswith("cannot be written (No space left on device)")


def test_a_run_that_cannot_be_written_is_reported_before_it_is_played(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    played: list[int] = []
    monkeypatch.setattr("pathlib.Path.touch", read_only)
    text = message(api.evaluate, runs / "seed-0", progress=lambda done, _: played.append(done))
    assert text.endswith("cannot be written (Read-only file system)")
    assert played == []


def test_two_sweeps_draw_a_heatmap(tmp_path: Path) -> None:
    run = untrained(tmp_path / "run", "hyper-ppo", "ode-2d")
    evaluation = api.evaluate(run, sweep=[("c1", 0.5, 2, 4), ("c0", -1, 1, 3)])
    assert len(evaluation.own_tasks) == 12
    assert [figure.name[:17] for figure in evaluation.figures] == ["evaluation-c1-c0-"]
    assert imread(evaluation.figures[0]).ndim == 3
