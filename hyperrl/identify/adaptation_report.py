"""The result of an adaptation: by task, by episode, and as the object that `hyperrl adapt --json` prints."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from hyperrl.errors import UserError, user_syntax
from hyperrl.evaluation.summary import SplitSummary, summary_of
from hyperrl.evaluation.zero_shot import TaskResult, part_of
from hyperrl.identify.adaptation import AdaptedTask
from hyperrl.identify.estimate import Estimate
from hyperrl.identify.inference import Settings
from hyperrl.identify.prior import Prior
from hyperrl.recipes import Context

_TURN = 2 * math.pi


class EpisodeSummary(TypedDict):
    """One episode of all tasks in numbers.

    Attributes:
        episode: its number, from 1.
        mean: return, over tasks.
        stderr: standard error of `mean`; None for one task.
        low: lower end of the 95 % interval of `mean`; None where it is not known.
        high: its upper end.
        with_context: mean return of the same agent from the same starts that observes the true contexts.
        of_with_context: `mean` as a part of `with_context`; None unless that is above 0.
        errors: how far the estimates after the episode are off, by feature: the mean over tasks of the
            absolute error, or, of a feature that takes some values alone, the part of the tasks in which it
            is another one.
    """

    episode: int
    mean: float
    stderr: float | None
    low: float | None
    high: float | None
    with_context: float
    of_with_context: float | None
    errors: Mapping[str, float]


@dataclass(frozen=True)
class Adaptation:
    """An agent on tasks whose contexts it was not given.

    Attributes:
        run: the run directory as it was named.
        agent: the agent's name.
        family: the family's name.
        seed: the seed that the run was trained with.
        checkpoint: name of the checkpoint that played.
        checkpoint_steps: environment steps behind it.
        model: `dynamics` or `learned`.
        first: what the agent did in the first episode.
        settings: of the inference; its seed is also that of the starts.
        prior: what was possible before any data.
        tasks: at least one.
        figure: where the figure was written; None: nowhere.
        file: where the last estimate was written; None: nowhere.
    """

    run: str
    agent: str
    family: str
    seed: int
    checkpoint: str
    checkpoint_steps: int
    model: str
    first: str
    settings: Settings
    prior: Prior
    tasks: tuple[AdaptedTask, ...]
    figure: Path | None = None
    file: Path | None = None

    @property
    def episodes(self) -> int:
        """Episodes of each task."""
        return len(self.tasks[0].returns)

    @property
    def returns(self) -> list[SplitSummary]:
        """The returns of all tasks, by episode."""
        return [self._summary([_nth(task, episode) for task in self.tasks]) for episode in self._numbers]

    @property
    def returns_with_context(self) -> list[SplitSummary]:
        """Likewise with the true contexts."""
        return [
            self._summary([_nth(task, episode, exact=True) for task in self.tasks])
            for episode in self._numbers
        ]

    @property
    def by_episode(self) -> list[EpisodeSummary]:
        """Returns and errors of estimates, episode by episode."""
        return [
            EpisodeSummary(
                episode=episode + 1, mean=own["mean"], stderr=own["stderr"], low=own["low"], high=own["high"],
                with_context=exact["mean"], of_with_context=part_of(own["mean"], exact["mean"]),
                errors=self._errors(episode),
            )
            for episode, own, exact in zip(
                self._numbers, self.returns, self.returns_with_context, strict=True
            )
        ]  # fmt: skip

    def estimate(self) -> Estimate:
        """What all episodes of the one task tell, as `identify` returns it.

        Raises:
            ValueError: there are several tasks.
        """
        (task,) = self.tasks
        found, count = task.estimates[-1], sum(task.lengths)
        used = (count, min(count, self.settings.most))
        return Estimate(
            self.family, self.model, f"episodes of {self.run}", found.context, found.features, found.fit,
            found.notes, used, self.episodes, self.settings, self.file,
        )  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """The object of `hyperrl adapt --json`."""
        return {
            "run": self.run,
            "agent": self.agent,
            "family": self.family,
            "seed": self.seed,
            "checkpoint": {"name": self.checkpoint, "steps": self.checkpoint_steps},
            "episodes": self.episodes,
            "start_seed": self.settings.seed,
            "model": self.model,
            "first": self.first,
            "level": self.settings.level,
            "within": self.settings.within,
            "particles": self.settings.particles,
            "transitions": self.settings.most,
            "by_episode": self.by_episode,
            "tasks": [_task_json(task) for task in self.tasks],
            "figure": None if self.figure is None else str(self.figure),
            "file": None if self.file is None else str(self.file),
        }

    @property
    def _numbers(self) -> range:
        return range(self.episodes)

    @staticmethod
    def _summary(results: list[TaskResult]) -> SplitSummary:
        return summary_of([results])

    def _errors(self, episode: int) -> dict[str, float]:
        found, true = (
            np.array([[context[name] for name in self.prior.space.names] for context in contexts])
            for contexts in (
                [task.estimates[episode].context for task in self.tasks],
                [task.context for task in self.tasks],
            )
        )
        off = np.abs(found - true)
        off[:, self.prior.circular] = np.minimum(off, _TURN - off)[:, self.prior.circular]
        off[:, self.prior.discrete] = off[:, self.prior.discrete] > 1e-6
        return dict(zip(self.prior.space.names, off.mean(axis=0).tolist(), strict=True))


def refuse_several(out: str | Path | None, contexts: tuple[Context, ...]) -> None:
    """UserError where the estimates of several tasks are to be written into one file."""
    if out is not None and len(contexts) > 1:
        option = user_syntax("out", "--out")
        raise UserError(f"{option}: found {len(contexts)} tasks; allowed: one, whose estimate is written")


def _nth(task: AdaptedTask, episode: int, exact: bool = False) -> TaskResult:
    """One episode of a task; exact: with the true context."""
    own = task.with_context
    returns, lengths = (own.returns, own.lengths) if exact else (task.returns, task.lengths)
    return replace(own, returns=[returns[episode]], lengths=[lengths[episode]])


def _task_json(task: AdaptedTask) -> dict[str, Any]:
    rows = []
    for number, (seen, estimate) in enumerate(zip(task.observed, task.estimates, strict=True)):
        own, exact = task.returns[number], task.with_context.returns[number]
        rows.append(
            {
                "observed_context": None if seen is None else dict(seen),
                "return": own,
                "length": task.lengths[number],
                "return_with_context": exact,
                "of_with_context": part_of(own, exact),
                "estimate": dict(estimate.context),
                "features": {name: each.to_json() for name, each in estimate.features.items()},
                "notes": list(estimate.notes),
            }
        )
    return {"context": dict(task.context), "split": task.split, "episodes": rows}
