from pathlib import Path

import pytest

from hyperrl.errors import UserError
from hyperrl.store import Run, RunSpec
from tests.store.conftest import created


def test_an_existing_run_is_refused_and_kept(run: Run, spec: RunSpec) -> None:
    before = (run.path / "run.yaml").read_bytes()
    with pytest.raises(UserError, match=r"holds a run already.*hyperrl\.resume.*out"):
        created(run.path, spec.model_copy(update={"seed": 9}))
    assert (run.path / "run.yaml").read_bytes() == before


def test_checkpoints_without_a_run_yaml_are_refused_too(run: Run, spec: RunSpec) -> None:
    (run.path / "run.yaml").unlink()
    with pytest.raises(UserError, match=r"hyperrl\.resume.*out"):
        created(run.path, spec)


def test_a_directory_without_a_run_is_used(tmp_path: Path, spec: RunSpec) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    created(tmp_path, spec)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_file_in_the_way_is_refused(tmp_path: Path, spec: RunSpec) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match="a file is in the way"):
        created(tmp_path / "file", spec)
    with pytest.raises(UserError, match="cannot be written"):
        created(tmp_path / "file" / "run", spec)


def test_a_missing_run_offers_the_nearest(run: Run) -> None:
    with pytest.raises(UserError, match=r"no such directory; did you mean '.*hyper-ppo/seed-3'"):
        Run.open(run.path.parent / "seed-4")
    with pytest.raises(UserError, match=r"no such directory; did you mean '.*hyper-ppo/seed-3'"):
        Run.open(run.path.parent.parent / "hyper-pp" / "seed-3")


def test_a_directory_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"not a run, it has no run\.yaml$"):
        Run.open(tmp_path)


def test_a_folder_of_runs_is_refused_with_the_runs_below_it(run: Run, spec: RunSpec) -> None:
    folder = run.path.parent.parent
    with pytest.raises(UserError, match=rf"it has no run\.yaml; below it: '{run.path}'$"):
        Run.open(folder)
    created(run.path.parent / "seed-4", spec)
    with pytest.raises(UserError, match=rf"below it: '{run.path}' and 1 more$"):
        Run.open(folder)


def test_a_file_is_refused_with_the_run_that_holds_it(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"found a file; allowed: a run's directory, such as '{run.path}'"):
        Run.open(run.path / "run.yaml")
    (tmp_path / "notes.txt").touch()
    with pytest.raises(UserError, match=r"found a file; allowed: a run's directory$"):
        Run.open(tmp_path / "notes.txt")
