"""Runs commands in this process and holds them to what they promise of any file."""

import signal
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

from hyperrl.cli import main
from tests.acceptance.driving import tree
from tests.fuzz.mutations import SENTINEL

SECONDS = 5.0
"""Of CPU time: a machine may be busy with others."""


class TooLong(BaseException):
    """The command took longer than it may."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TooLong

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, before)


def hold(arguments: list[str], folder: Path, run: Path | None, said: str) -> int:
    """Run a command in `folder`: a result or one line, in time, nothing executed or written beside `run`."""
    out, err = StringIO(), StringIO()
    outside = elsewhere(folder, run)
    try:
        with chdir(folder), redirect_stdout(out), redirect_stderr(err), limited(SECONDS):
            status = main(arguments)
    except TooLong:
        raise AssertionError(f"{said}: {arguments} took longer than {SECONDS} s") from None
    told = err.getvalue()
    assert "Traceback" not in told, f"{said}: {arguments}\n{told[-400:]}"
    assert status in (0, 2) or (status == 1 and "not finite" in told), f"{said}: {arguments}: {status} {told}"
    if status:
        assert told.startswith("hyperrl: error: "), f"{said}: {arguments}\n{told[-400:]}"
        assert told.count("\n") == 1, f"{said}: {arguments}\n{told[-400:]}"
    assert not (folder / SENTINEL).exists(), f"{said}: {arguments} executed what it read"
    assert elsewhere(folder, run) == outside, f"{said}: {arguments} wrote outside the run"
    return status


def elsewhere(folder: Path, run: Path | None) -> dict[str, str]:
    """What lies in `folder` and its parent, beside the run."""
    inside = "" if run is None else f"{run.relative_to(folder.parent)}"
    return {
        name: digest
        for name, digest in tree(folder.parent).items()
        if run is None or not (name == inside or name.startswith(f"{inside}/"))
    }
