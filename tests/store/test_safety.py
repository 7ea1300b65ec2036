import os
from pathlib import Path

import pytest

from hyperrl.errors import UserError
from hyperrl.store import Run, refuse_links, runs_below


@pytest.mark.parametrize("folder", ["checkpoints", "evaluations", "figures", "specialists"])
def test_a_folder_that_leads_elsewhere_or_is_none_is_refused(run: Run, tmp_path: Path, folder: str) -> None:
    path = run.path / folder
    if path.exists():
        path.rmdir()
    path.symlink_to(tmp_path)
    with pytest.raises(UserError, match=f"{folder} is a link, which may lead out of the run"):
        Run.open(run.path)
    path.unlink()
    path.write_text("")
    with pytest.raises(UserError, match=f"{folder} is no directory"):
        Run.open(run.path)


@pytest.mark.parametrize("name", ["status.json", "progress.csv"])
def test_a_file_that_is_none_is_refused_and_never_waited_for(run: Run, name: str) -> None:
    (run.path / name).unlink(missing_ok=True)
    os.mkfifo(run.path / name)
    told = f"{name} is a directory or a device; allowed: a file"
    with pytest.raises(UserError, match=told):
        Run.open(run.path)
    assert [told in str(found) for _, found in runs_below(run.path)] == [True]


def test_links_anywhere_in_a_run_are_found(run: Run, tmp_path: Path) -> None:
    refuse_links(run.path)
    for name in ("projector_config.pbtxt", "04096/generated_weights", "checkpoints/latest.safetensors"):
        path = run.path / name
        path.parent.mkdir(exist_ok=True)
        path.symlink_to(tmp_path / "nothing")
        with pytest.raises(UserError, match=f"{name} is a link, which may lead out of the run"):
            refuse_links(run.path)
        path.unlink()
