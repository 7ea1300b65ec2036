"""Weights & Biases: scalars as a run's history, the recipe as its config."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from hyperrl.training.trackers.base import Outcome, Tracker

_EXIT = {"finished": 0, "failed": 1, "interrupted": 130}
_FINISH_SECONDS = 60.0


class WandbTracker(Tracker):
    """A run of Weights & Biases, offline in the run's folder `wandb` unless `WANDB_MODE` says otherwise.

    `WANDB_PROJECT` names another project than `hyperrl`, `WANDB_DIR` another folder, and so on. An offline
    run that is resumed gets a second folder with the same identifier; `wandb sync` makes one run of both.
    """

    name = "wandb"
    _wandb_run: Any

    def open(self, identifier: str | None) -> str:
        """Begin the run, or go on with it."""
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        import wandb

        spec, mode = self.run.spec, os.environ.get("WANDB_MODE", "offline")
        identifier = identifier or secrets.token_hex(8)
        with self._no_links():
            self._wandb_run = wandb.init(
                id=identifier,
                resume="allow",
                reinit="create_new",  # beside a run that the user's own program has open
                mode=mode,
                dir=os.environ.get("WANDB_DIR", str(self.run.path)),
                project=os.environ.get("WANDB_PROJECT", "hyperrl"),
                group=os.environ.get("WANDB_RUN_GROUP", f"{spec.agent.name} on {spec.family.name}"),
                name=os.environ.get("WANDB_NAME", self.title),
                config={
                    "agent": spec.agent.model_dump(mode="json"),
                    "family": spec.family.name,
                    "seed": spec.seed,
                    "steps": spec.steps,
                },
                allow_val_change=True,  # of the steps, where the run is extended
                settings=wandb.Settings(
                    symlink=False,
                    console="off",
                    silent=mode == "offline",
                    finish_timeout=_FINISH_SECONDS,
                    finish_timeout_raises=True,
                ),
            )
        return identifier

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Add to the history's row of the step."""
        self._wandb_run.log(dict(values), step=step)

    def close(self, outcome: Outcome) -> None:
        """Finish the run, without which rows may be missing."""
        with self._no_links():
            self._wandb_run.finish(exit_code=_EXIT[outcome])

    @contextmanager
    def _no_links(self) -> Iterator[None]:
        """Remove the links to its own logs that W&B makes all the same: a run with links is not resumed."""
        try:
            yield
        finally:
            for path in (self.run.path / "wandb").rglob("*"):
                if path.is_symlink():
                    path.unlink()
