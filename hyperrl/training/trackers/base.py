"""A service that follows runs beside TensorBoard, and the writer that hands it a run's scalars."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from stable_baselines3.common.logger import KVWriter, filter_excluded_keys

from hyperrl.errors import HyperRLWarning
from hyperrl.store import Run
from hyperrl.training.isolation import preserve_generators

Outcome = Literal["finished", "interrupted", "failed"]
"""How a training ended."""

_SHOWN = 160


class Tracker(ABC):
    """A run in a service. Its methods may raise whatever the service raises.

    Args:
        run: the run that is tracked.

    Attributes:
        name: class attribute: what `--track` calls the service, and the extra that brings its package.
    """

    name: ClassVar[str]

    def __init__(self, run: Run) -> None:
        self.run = run

    @abstractmethod
    def open(self, identifier: str | None) -> str:
        """Begin a run in the service, or go on with the one of that identifier; return its identifier."""

    @abstractmethod
    def log(self, values: Mapping[str, float], step: int) -> None:
        """Hand over scalars of one environment step."""

    @abstractmethod
    def close(self, outcome: Outcome) -> None:
        """End the run in the service, with all that was handed over stored."""

    @property
    def title(self) -> str:
        """The run in words: `hyper-ppo on ode, seed 0`."""
        spec = self.run.spec
        return f"{spec.agent.name} on {spec.family.name}, seed {spec.seed}"


class TrackerWriter(KVWriter):
    """Writes the scalars of a Stable-Baselines3 logger to a tracker.

    A tracker that fails is warned about once, in one line, and left alone from then on: the training goes on.
    Random generators stay as they are, whatever a tracker draws.

    Args:
        tracker: not open yet.
    """

    def __init__(self, tracker: Tracker) -> None:
        self.tracker = tracker
        self._works = True
        self._open = False

    def open(self, identifier: str | None) -> str | None:
        """Open the tracker; return its identifier of the run, or the one given where it fails."""
        opened = self._attempt(lambda: self.tracker.open(identifier))
        self._open = opened is not None
        return identifier if opened is None else opened

    def write(
        self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0
    ) -> None:
        """Hand over the numbers among the values; figures, histograms and text are left out."""
        values = filter_excluded_keys(key_values, key_excluded, self.tracker.name)
        scalars = {
            key: float(value)
            for key, value in values.items()
            if isinstance(value, bool | int | float | np.number | np.bool_)
        }
        if scalars:
            self._attempt(lambda: self.tracker.log(scalars, int(step)))

    def close(self) -> None:
        """Nothing: `end` closes the tracker when it is known how the training ended."""

    def end(self, outcome: Outcome) -> None:
        """Close the tracker, if it was opened."""
        if self._open:
            self._attempt(lambda: self.tracker.close(outcome))

    def _attempt(self, call: Callable[[], str | None]) -> str | None:
        """What a call of the tracker returns; None, and a warning, where it fails."""
        if not self._works:
            return None
        try:
            with preserve_generators():
                return call()
        except Exception as error:
            self._works = False
            reason = " ".join(str(error).split()) or type(error).__name__
            what = f"run {str(self.tracker.run.path)!r}: {self.tracker.name} failed ({reason[:_SHOWN]})"
            goes_on = "the training goes on without it, and TensorBoard has everything"
            warnings.warn(f"{what}; {goes_on}", HyperRLWarning, stacklevel=3)
        return None
