"""What a run's evaluations say of a checkpoint: per split, and of one task."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hyperrl.errors import UserError
from hyperrl.evaluation.statistics import mean_error
from hyperrl.recipes import ALL_SPLITS, CONTEXT, FamilyRecipe
from hyperrl.store import Run
from hyperrl.store.files import read_object
from hyperrl.tasks import Family

FINAL = "final"
"""The evaluation at the end of a training, of the family as it is."""
METRIC = "mean_reward"
"""What the hub calls the mean return of an episode."""
_TASK = {"type": "reinforcement-learning", "name": "reinforcement learning"}


@dataclass(frozen=True)
class MeanReturn:
    """A mean return with its interval.

    Attributes:
        split: what was played: a split, or that of the one task.
        tasks: how many.
        episodes: of each task.
        start_seed: of the starts.
        mean: over tasks and episodes.
        low: lower end of the 95 % interval of the mean; None where it is not known.
        high: its upper end.
        oracle: the mean of the best known returns; None where they are not known.
        worst: mean return of the worst task; None of one task.
        left_out: whether some tasks of the splits were not played, after a short training.
    """

    split: str
    tasks: int
    episodes: int
    start_seed: int
    mean: float
    low: float | None = None
    high: float | None = None
    oracle: float | None = None
    worst: float | None = None
    left_out: bool = False

    def as_result(self, family: str, config: str) -> dict[str, Any]:
        """The entry of the hub's `model-index`; `config` tells it from all others of the card.

        The hub's library merges results of one task, dataset, configuration and split.
        """
        ends = {"low": ("lower", self.low), "high": ("upper", self.high)}
        metrics = [{"type": METRIC, "name": "mean return", "value": float(self.mean)}]
        metrics += [
            {
                "type": f"{METRIC}_{key}",
                "name": f"mean return, {which} end of the 95 % interval",
                "value": float(value),
            }
            for key, (which, value) in ends.items()
            if value is not None
        ]
        dataset = {"type": family, "name": family, "config": config, "split": self.split}
        return {"task": dict(_TASK), "dataset": dataset, "metrics": metrics}


def split_returns(run: Run, steps: int) -> list[MeanReturn]:
    """By split the mean return of a checkpoint, of the evaluation with the most episodes.

    Counted are evaluations of whole splits with the most likely actions, in which nothing was hidden from the
    agent. Of equally long ones the one at the training's end counts, else the newest.

    Args:
        run: the run.
        steps: environment steps behind the checkpoint.
    """
    found: dict[str, MeanReturn] = {}
    for rows in _evaluations(run, steps, _splits):
        for row in rows:
            if row.split not in found or row.episodes >= found[row.split].episodes:
                found[row.split] = row
    return [found[split] for split in ALL_SPLITS if split in found]


def task_return(run: Run, family: Family, context: Mapping[str, float], steps: int) -> MeanReturn | None:
    """The mean return of a checkpoint on one task, as `split_returns` chooses it; None if it was not played.

    Args:
        run: the run.
        family: its family.
        context: the task.
        steps: environment steps behind the checkpoint.
    """
    wanted = family.space.complete(context)

    def of_task(data: Mapping[str, Any]) -> list[MeanReturn]:
        return [
            of_episodes(task["split"], task["returns"], int(data["start_seed"]), task["oracle"])
            for task in data["tasks"]
            if family.space.complete(task[CONTEXT]) == wanted
        ]

    rows = [row for rows in _evaluations(run, steps, of_task) for row in rows]
    most = max((row.episodes for row in rows), default=0)
    return next((row for row in reversed(rows) if row.episodes == most), None)


def schedules_of(family: FamilyRecipe) -> dict[str, str]:
    """By feature as text how it changes within an episode, of those that do."""
    features = family.features.items()
    return {name: str(feature.schedule) for name, feature in features if feature.schedule is not None}


def of_episodes(
    split: str, returns: Sequence[float], start_seed: int = 0, oracle: float | None = None
) -> MeanReturn:
    """The mean return of the episodes of one task."""
    error = mean_error(np.reshape(returns, (1, 1, -1)))
    mean = float(np.mean(returns))
    return MeanReturn(split, 1, len(returns), start_seed, mean, error.low, error.high, oracle)


def _splits(data: Mapping[str, Any]) -> list[MeanReturn]:
    """The splits of a stored evaluation."""
    seed, left_out = int(data["start_seed"]), bool(data.get("left_out"))
    return [
        MeanReturn(
            split, int(of["tasks"]), int(of["episodes"]), seed, float(of["mean"]), of["low"], of["high"],
            of["oracle"], float(of["worst"]["mean"]), left_out,
        )
        for split, of in data["splits"].items()
    ]  # fmt: skip


def _evaluations(
    run: Run, steps: int, read: Callable[[Mapping[str, Any]], list[MeanReturn]]
) -> Iterator[list[MeanReturn]]:
    """What is read of the evaluations of a checkpoint, that of the training's end last.

    Files that hold no evaluation, or one of an older form, are left out. So are those in which features
    changed within an episode otherwise than in the family.
    """
    schedules = schedules_of(run.spec.family)
    for path in sorted(run.path.glob("evaluations/*.json")):
        try:
            data = read_object(path)
            others = path.stem != FINAL and data.get("schedules", {}) != schedules
            conditions = data.get("hidden"), data.get("shuffled_contexts"), not data["deterministic"], others
            if not any(conditions) and data["checkpoint"]["steps"] == steps:
                yield read(data)
        except (KeyError, TypeError, ValueError, AttributeError, UserError):
            continue
