"""Disagreement, predicted returns and their coverage in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NotRequired, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hyperrl.evaluation.uncertainty import EpisodeUncertainty, RunUncertainty
from hyperrl.evaluation.zero_shot import TaskResult

Floats = NDArray[np.float64]

LEVELS = (0.5, 0.8, 0.9, 0.95)
"""Probabilities of the predicted intervals whose coverage is measured."""

FAILURE = 0.5
"""A task fails where its return is below this part of its oracle."""


class UncertaintyEntry(TypedDict):
    """Uncertainty on some episodes.

    Attributes:
        actions: disagreement of actions, the mean over the steps of an episode, then over episodes.
        values: standard deviation of values over networks, likewise.
        predicted: value at the start, the mean over networks and episodes.
        spread: its standard deviation over networks, the mean over episodes.
        realized: discounted return, the mean over episodes.
        coverage: for each level the share of the episodes whose discounted return lies in the interval that
            the networks predict at the start.
    """

    actions: float
    values: float
    predicted: float
    spread: float
    realized: float
    coverage: dict[str, float]


class TaskUncertainty(UncertaintyEntry):
    """Uncertainty on one task.

    Attributes:
        context: raw value of every feature.
        split: its split, or how it is flagged.
    """

    context: dict[str, float]
    split: str


class Curves(TypedDict):
    """Disagreement at each step, the mean over the episodes that take it."""

    actions: list[float]
    values: list[float]


class Separation(TypedDict):
    """Areas under the ROC curve of a task's disagreement, of actions and of values: 0.5 is chance."""

    actions: float
    values: float


class UncertaintySummary(TypedDict):
    """The uncertainty of an evaluation.

    Attributes:
        networks: their number.
        source: "index": networks of one agent's indices; "runs": the runs are an ensemble.
        gamma: discount factor of values and of realized returns.
        splits: every split in numbers.
        own: the user's own contexts and sweeps; present where there are some.
        tasks: every task in numbers.
        steps: disagreement at each step, by split (and "own").
        extrapolation: how well a task's disagreement tells tasks outside of the training ranges from others;
            None where all are on one side.
        failure: likewise tasks whose return is below half of their oracle; None too where none is known.
    """

    networks: int
    source: str
    gamma: float
    splits: dict[str, UncertaintyEntry]
    own: NotRequired[UncertaintyEntry]
    tasks: list[TaskUncertainty]
    steps: dict[str, Curves]
    extrapolation: Separation | None
    failure: Separation | None


def summarize_uncertainty(runs: Sequence[RunUncertainty]) -> UncertaintySummary:
    """The uncertainty of all runs on the same tasks."""
    first = runs[0]
    episodes = [[each for run in runs for each in run.episodes[task]] for task in range(len(first.tasks))]
    tasks = [_task(result, own) for result, own in zip(first.tasks, episodes, strict=True)]
    groups: dict[str, list[EpisodeUncertainty]] = {}
    for number, (result, own) in enumerate(zip(first.tasks, episodes, strict=True)):
        groups.setdefault(result.split if number < first.in_splits else "own", []).extend(own)
    entries = {name: _entry(own) for name, own in groups.items()}
    outside = [_outside(result) for result in first.tasks]
    summary = UncertaintySummary(
        networks=first.networks, source=first.source, gamma=first.gamma,
        splits={name: entry for name, entry in entries.items() if name != "own"},
        tasks=tasks,
        steps={name: _curves(own) for name, own in groups.items()},
        extrapolation=_separation(tasks, outside),
        failure=_separation(tasks, _failures(runs)),
    )  # fmt: skip
    if "own" in entries:
        summary["own"] = entries["own"]
    return summary


def auroc(scores: ArrayLike, positive: Sequence[bool]) -> float | None:
    """Area under the ROC curve: the probability that a positive has the higher score, ties counting half.

    It is the Mann-Whitney statistic over the product of the numbers (Hanley and McNeil, Radiology 143, 1982).

    Returns:
        None where there are no positives, or no others.
    """
    values, chosen = np.asarray(scores, np.float64), np.asarray(positive, np.bool_)
    high, low = values[chosen], values[~chosen]
    if not len(high) or not len(low):
        return None
    wins = (high[:, None] > low[None]).sum() + 0.5 * (high[:, None] == low[None]).sum()
    return float(wins / (len(high) * len(low)))


def predicted_interval(predicted: Floats, level: float) -> tuple[float, float]:
    """The interval of a return that holds it with a probability, if networks err independently.

    Mean plus or minus t s sqrt(1 + 1/M), Student's interval of one more draw from a normal distribution.

    Args:
        predicted: what each of M networks predicts, (M,), at least two.
        level: the probability.
    """
    from scipy.special import stdtrit

    networks = len(predicted)
    t = float(stdtrit(networks - 1, 0.5 + level / 2))
    reach = t * float(predicted.std(ddof=1)) * float(np.sqrt(1 + 1 / networks))
    return float(predicted.mean()) - reach, float(predicted.mean()) + reach


def _entry(episodes: Sequence[EpisodeUncertainty]) -> UncertaintyEntry:
    return UncertaintyEntry(
        actions=float(np.mean([each.actions.mean() for each in episodes])),
        values=float(np.mean([each.values.mean() for each in episodes])),
        predicted=float(np.mean([each.predicted.mean() for each in episodes])),
        spread=float(np.mean([each.predicted.std(ddof=1) for each in episodes])),
        realized=float(np.mean([each.realized for each in episodes])),
        coverage={f"{level:g}": _coverage(episodes, level) for level in LEVELS},
    )


def _coverage(episodes: Sequence[EpisodeUncertainty], level: float) -> float:
    intervals = [predicted_interval(each.predicted, level) for each in episodes]
    inside = [low <= each.realized <= high for each, (low, high) in zip(episodes, intervals, strict=True)]
    return float(np.mean(inside))


def _task(result: TaskResult, episodes: Sequence[EpisodeUncertainty]) -> TaskUncertainty:
    return TaskUncertainty(context=dict(result.context), split=result.split, **_entry(episodes))


def _curves(episodes: Sequence[EpisodeUncertainty]) -> Curves:
    longest = max(len(each.actions) for each in episodes)
    sums, counts = np.zeros((2, longest)), np.zeros(longest)
    for each in episodes:
        steps = len(each.actions)
        sums[0, :steps] += each.actions
        sums[1, :steps] += each.values
        counts[:steps] += 1
    actions, values = sums / counts
    return Curves(actions=actions.tolist(), values=values.tolist())


def _outside(result: TaskResult) -> bool:
    return not getattr(result.context, "inside", result.split not in ("extrapolation", "rim"))


def _failures(runs: Sequence[RunUncertainty]) -> list[bool] | None:
    """Which tasks fail, by the mean return over runs; None where an oracle is not known or not above 0."""
    shares = [[result.of_oracle for result in run.tasks] for run in runs]
    if any(share is None for own in shares for share in own):
        return None
    means = np.mean(np.array(shares, np.float64), axis=0)
    return [bool(mean < FAILURE) for mean in means]


def _separation(tasks: Sequence[TaskUncertainty], positive: Sequence[bool] | None) -> Separation | None:
    if positive is None:
        return None
    actions, values = (auroc([task[kind] for task in tasks], positive) for kind in ("actions", "values"))
    return None if actions is None or values is None else Separation(actions=actions, values=values)
