"""How far a run is: `status.json`, rewritten as the run goes on."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from hyperrl.recipes.base import Model

State = Literal["finished", "running", "interrupted", "failed", "killed"]


class Resumed(Model):
    """One resumption: the steps at which it went on, and whether the environments were restored exactly."""

    steps: int
    exact: bool


class Status(Model):
    """How far a run is, and who trains it.

    Attributes:
        state: what the run's own process said last; `Run.state` also asks whether that process is alive.
        steps: environment steps at the newest checkpoint.
        pid, host: the process that trains it.
        updated: seconds since the epoch.
        resumed: every time that the run was resumed.
    """

    state: State
    steps: int = 0
    pid: int = 0
    host: str = ""
    updated: float = 0.0
    resumed: tuple[Resumed, ...] = ()

    @classmethod
    def now(cls, state: State, steps: int, resumed: tuple[Resumed, ...]) -> Status:
        """The status of a run that this process trains."""
        host, updated = socket.gethostname(), time.time()
        return cls(state=state, steps=steps, pid=os.getpid(), host=host, updated=updated, resumed=resumed)


def read_status(path: Path) -> Status:
    """The status at `path`; a file that is missing or broken reads as a run killed at its start."""
    try:
        return Status.model_validate(json.loads(path.read_bytes()))
    except (OSError, ValueError, RecursionError, ValidationError):
        return Status(state="killed")
