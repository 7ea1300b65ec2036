import json
import os

from hyperrl.store import Resumed, Run
from hyperrl.store.status import Status, read_status


def test_a_broken_status_reads_as_killed(run: Run) -> None:
    (run.path / "status.json").write_text("{")
    assert (run.state, run.status.steps) == ("killed", 0)


def test_resumptions_are_kept(run: Run) -> None:
    run.write_status("running", 8, (Resumed(steps=8, exact=False),))
    run.write_status("finished", 16)
    assert run.status.resumed == (Resumed(steps=8, exact=False),)


def test_a_status_names_its_process(run: Run) -> None:
    run.write_status("running", 7)
    status = read_status(run.path / "status.json")
    assert (status.state, status.steps, status.pid) == ("running", 7, os.getpid())
    assert Status.model_validate(json.loads((run.path / "status.json").read_text())) == status
