"""The result of an identification, and the file that other commands take it from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hyperrl.identify.inference import Settings
from hyperrl.identify.posterior import FeatureEstimate
from hyperrl.recipes import Context
from hyperrl.store import atomic_write, report_write_errors

FORMAT = 1


@dataclass(frozen=True)
class Estimate:
    """What recorded transitions tell of a task's context.

    Attributes:
        family: the family's name.
        model: `dynamics` or `learned`.
        data: where the transitions come from.
        context: the estimate, complete.
        features: by name, with intervals.
        fit: for each predicted number the size of the errors and the part that is explained.
        notes: sentences about what the data leave open, and what does not fit.
        transitions: how many there are, and how many were used.
        episodes: of how many episodes.
        settings: how it was done.
        file: where it was written; None: nowhere.
    """

    family: str
    model: str
    data: str
    context: Context
    features: Mapping[str, FeatureEstimate]
    fit: Mapping[str, tuple[float, float | None]]
    notes: tuple[str, ...]
    transitions: tuple[int, int]
    episodes: int
    settings: Settings
    file: Path | None = None

    def to_json(self) -> dict[str, Any]:
        """The object of `hyperrl identify --json`, and of the file."""
        return {
            "format": FORMAT,
            "family": self.family,
            "model": self.model,
            "data": self.data,
            "transitions": self.transitions[0],
            "used": self.transitions[1],
            "episodes": self.episodes,
            "level": self.settings.level,
            "within": self.settings.within,
            "particles": self.settings.particles,
            "seed": self.settings.seed,
            "context": dict(self.context),
            "features": {name: feature.to_json() for name, feature in self.features.items()},
            "errors": {name: error for name, (error, _) in self.fit.items()},
            "explained": {name: part for name, (_, part) in self.fit.items()},
            "notes": list(self.notes),
            "file": None if self.file is None else str(self.file),
        }

    def write(self, path: Path) -> None:
        """Write it as JSON, for `--context @FILE`; UserError where the file cannot be written."""
        with report_write_errors("out", path):
            path.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(path, (json.dumps(self.to_json(), indent=1, allow_nan=False) + "\n").encode())
