"""Storages: journals that a killed process left unfinished, locks that end with their process, databases."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hyperrl.experiments.tuning.storage import (
    JournalLock,
    is_url,
    opened_storage,
    quiet_optuna,
    without_password,
)
from tests.experiments.tuning.studies import Fake, better_rates, opened, plan, tune
from tests.runs import message


def open_it(place: str) -> None:
    with quiet_optuna(), opened_storage(place):
        pass


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_last_line_that_was_not_finished_did_not_happen(cut: int, tmp_path: Path) -> None:
    made = plan(tmp_path)
    with opened(made) as study:
        tune(study, Fake(better_rates), 2)
        whole = study.records()
    journal = tmp_path / "journal.log"
    journal.write_bytes(journal.read_bytes()[:-cut])
    with opened(made) as study:
        assert [trial.state for trial in study.records()] == ["finished", "running"]
        tune(study, Fake(better_rates), 2)
        assert study.records() == whole


def test_a_journal_whose_first_line_was_not_finished_is_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "journal.log").write_text('{"op_c')
    with opened(plan(tmp_path)) as study:
        assert study.records() == []


@pytest.mark.parametrize("text", ["# notes\n", "x", '{"trials": 3}\n'])
def test_a_file_that_is_no_journal_is_not_touched(text: str, tmp_path: Path) -> None:
    file = tmp_path / "notes.md"
    file.write_text(text)
    assert "which is no journal of Optuna's; allowed: one, a new file" in message(open_it, str(file))
    assert file.read_text() == text
    assert [*tmp_path.iterdir()] == [file], "no lock is left beside it"


def test_a_line_that_is_broken_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "journal.log"
    file.write_text('{"op_code" 0}\n{"op_code": 1}\n')
    assert message(open_it, str(file)).startswith(f"storage: found '{file}', which cannot be opened (")


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    place = str(tmp_path / "file" / "journal.log")
    assert message(open_it, place).startswith(f"storage '{place}': cannot be written (")


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from hyperrl.experiments.tuning.storage import JournalLock\n"
        "JournalLock(Path(sys.argv[1])).acquire(); print('locked', flush=True); sys.stdin.read()"
    )
    journal = tmp_path / "journal.log"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(journal)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    lock = JournalLock(journal)
    assert lock.acquire()
    lock.release()


def test_a_database(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/study.db"
    made = plan(tmp_path)
    with opened(made, storage=url) as study:
        tune(study, Fake(better_rates), 2)
        study.ask()
    with opened(made, storage=url) as study:
        assert [trial.state for trial in study.records()] == ["finished", "finished", "running"]
        tune(study, Fake(better_rates), 4)
        assert [trial.state for trial in study.records()] == ["finished"] * 4
        assert study.records()[0].own
    assert not (tmp_path / "journal.log").exists()


@pytest.mark.parametrize(
    "url", ["sqlite:////no/such/folder/study.db", "nosql://host/db", "redis://host", "mysql+no://a:b@host/db"]
)
def test_a_database_that_cannot_be_opened_is_reported(url: str) -> None:
    line = message(open_it, url)
    assert line.startswith(f"storage: found {without_password(url)!r}, which cannot be opened (")
    assert ":b@" not in line


def test_urls_and_passwords() -> None:
    assert [is_url(place) for place in ("sqlite:///a.db", "a.log", "/x/y:z.log")] == [True, False, False]
    assert without_password("mysql://me:se/cret@host:3306/db") == "mysql://me:***@host:3306/db"
    assert without_password("mysql://me@host:3306/db") == "mysql://me@host:3306/db"
    assert without_password("runs/a.log") == "runs/a.log"
