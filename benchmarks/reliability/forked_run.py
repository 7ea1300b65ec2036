"""Commands in forked processes, which may be killed at a given moment."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

INTERRUPTED = 130
Stage = Literal["made", "half", "written", "renamed"]


@dataclass(frozen=True)
class Moment:
    """When a process gets its signal.

    Attributes:
        after_seconds: on the clock, after its first write.
        signal: what it gets then.
        in_write: in its so many-th atomic write, counted from 1.
        stage: of that write: its temporary file was `made`, or `half` of it or all (`written`) is there, or
            it was `renamed` into its place.
    """

    after_seconds: float | None = None
    in_write: int | None = None
    stage: str = "made"
    signal: signal.Signals = signal.SIGKILL


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        status: its exit status, negative where a signal ended it.
        seconds: on the clock.
        writes: atomic writes that it began.
        killed_at: what it was at when a signal ended it, "" where none did.
        output: what it printed.
    """

    status: int
    seconds: float
    writes: int
    killed_at: str
    output: str


def attempt(
    arguments: Sequence[str], folder: Path, moment: Moment | None, first: Callable[[], None] | None = None
) -> Ended:
    """Run `hyperrl` with these arguments in a folder, in a process of its own that may get a signal.

    `first` is called in that process before the command.
    """
    import hyperrl.training  # noqa: F401
    from hyperrl.cli import app  # noqa: F401

    folder.mkdir(parents=True, exist_ok=True)
    notes, printed, began = folder / "notes.jsonl", folder / "printed.txt", time.perf_counter()
    notes.write_text("")
    child = os.fork()
    if child == 0:
        _in_child(arguments, folder, notes, printed, moment, first)
    if moment is not None and moment.after_seconds is not None:
        threading.Thread(target=_kill_after, args=(child, notes, moment), daemon=True).start()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    writes = [json.loads(line) for line in notes.read_text().splitlines()]
    where = ""
    if status in (-signal.SIGKILL, INTERRUPTED) and moment is not None:
        last = writes[-1] if writes else "nothing written yet"
        stage = moment.stage if moment.in_write is not None else f"{moment.after_seconds:.2f} s, last write"
        where = f"{stage}: {last}"
    return Ended(status, time.perf_counter() - began, len(writes), where, printed.read_text())


def _in_child(
    arguments: Sequence[str],
    folder: Path,
    notes: Path,
    printed: Path,
    moment: Moment | None,
    first: Callable[[], None] | None,
) -> None:
    status = 1
    try:
        out = os.open(printed.resolve(), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        _watch_writes(os.open(notes.resolve(), os.O_WRONLY | os.O_APPEND), moment)
        os.dup2(out, 1)
        os.dup2(out, 2)
        if first is not None:
            first()
        os.chdir(folder)
        from hyperrl.cli import main

        status = main(list(arguments))
    finally:
        os._exit(status)


def _watch_writes(notes: int, moment: Moment | None) -> None:
    """Note every atomic write of this process, and end it in the one that `moment` names."""
    make_file, sync, rename = tempfile.mkstemp, os.fsync, os.replace
    count = 0

    def die_at(stage: Stage) -> None:
        if moment is not None and moment.in_write == count and moment.stage == stage:
            os.kill(os.getpid(), signal.SIGKILL)

    def mkstemp(*arguments: Any, **options: Any) -> tuple[int, str]:
        nonlocal count
        found = make_file(*arguments, **options)
        if options.get("prefix", "").startswith("."):
            count += 1
            name = options["prefix"].strip(".")
            os.write(notes, (json.dumps(name) + "\n").encode())
            die_at("made")
        return found

    def fsync(handle: int) -> None:
        if moment is not None and moment.in_write == count and moment.stage == "half":
            with suppress(OSError):
                os.ftruncate(handle, os.fstat(handle).st_size // 2)
        die_at("half")
        sync(handle)
        die_at("written")

    def replace(*arguments: Any) -> None:
        rename(*arguments)
        die_at("renamed")

    tempfile.mkstemp = mkstemp  # type: ignore[assignment]
    os.fsync, os.replace = fsync, replace  # type: ignore[assignment]


def _kill_after(child: int, notes: Path, moment: Moment) -> None:
    with suppress(ProcessLookupError):
        while not notes.stat().st_size:
            os.kill(child, 0)
            time.sleep(0.002)
        time.sleep(moment.after_seconds or 0.0)
        os.kill(child, moment.signal)
