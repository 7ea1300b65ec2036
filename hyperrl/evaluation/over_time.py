"""Rewards over the steps of episodes in which tasks change, and how soon agents recover from a jump."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from hyperrl.evaluation.zero_shot import StepRewards, TaskResult

WINDOW = 10
"""Steps over which rewards are averaged before a jump and after it."""

TOLERANCE = 0.1
"""How much lower rewards may be after a jump, as a part of the range of the episode's rewards."""

Floats = NDArray[np.float64]


class Recovery(TypedDict):
    """What jumps do to rewards, over the jumps of some episodes.

    Attributes:
        jumps: their number.
        before: mean reward of a step in the `WINDOW` steps before a jump.
        after: likewise in the steps right after it.
        recovered: share of the jumps after which the agent recovers within the episode, and before the next
            jump.
        steps: median of the steps that this takes, None where no agent recovers; 0: it is never worse.
    """

    jumps: int
    before: float
    after: float
    recovered: float
    steps: float | None


class OverTime(TypedDict):
    """Rewards over the steps of episodes.

    Attributes:
        rewards: mean reward of each step, over the episodes that take it.
        episodes: how many take it.
        since_jump: mean reward of each step after a jump, over the jumps.
        recovery: from jumps; None where there are none.
    """

    rewards: list[float]
    episodes: list[int]
    since_jump: list[float]
    recovery: Recovery | None


def over_time(results: Sequence[TaskResult]) -> OverTime:
    """The rewards of all episodes of some tasks, of one run or of several.

    Raises:
        ValueError: the tasks did not change within an episode, so that no rewards were noted.
    """
    episodes = [episode for result in results for episode in result.rewards or ()]
    if not episodes:
        raise ValueError("no rewards were noted; needed: results on a family with schedules")
    jumps = [jump for episode in episodes for jump in _jumps(episode)]
    rewards, counts = _means([episode.rewards for episode in episodes])
    since, _ = _means([after for _, after, _ in jumps]) if jumps else (np.zeros(0), np.zeros(0))
    return OverTime(
        rewards=rewards.tolist(),
        episodes=counts.astype(int).tolist(),
        since_jump=since.tolist(),
        recovery=_recovery(jumps) if jumps else None,
    )


def recovery_steps(before: Floats, after: Floats, span: float) -> int | None:
    """The steps after a jump until the mean of `WINDOW` rewards is what it was before the jump, and stays so.

    Args:
        before: the rewards in the steps before the jump.
        after: those in the steps after it.
        span: range of the episode's rewards; a mean that is lower by `TOLERANCE` of it counts too.

    Returns:
        The steps; None where it is lower at the end.
    """
    if len(after) < WINDOW:
        return None
    sums = np.concatenate([[0.0], np.cumsum(after)])
    means = (sums[WINDOW:] - sums[:-WINDOW]) / WINDOW
    lower = np.flatnonzero(means < before.mean() - TOLERANCE * span - 1e-9)
    steps = int(lower[-1]) + 1 if len(lower) else 0
    return steps if steps < len(means) else None


_Jump = tuple[Floats, Floats, float]
"""Rewards in the window before a jump, those after it until the next jump, and the range of the episode's."""


def _jumps(episode: StepRewards) -> Iterator[_Jump]:
    """The jumps that an episode comes to."""
    rewards, span = episode.rewards, float(np.ptp(episode.rewards))
    steps = [step for step in episode.jumps if step < len(rewards)]
    for step, following in pairwise([*steps, len(rewards)]):
        yield rewards[max(0, step - WINDOW) : step], rewards[step:following], span


def _recovery(jumps: Sequence[_Jump]) -> Recovery:
    steps = [recovery_steps(*jump) for jump in jumps]
    recovered = [each for each in steps if each is not None]
    return Recovery(
        jumps=len(jumps),
        before=float(np.mean([before.mean() for before, _, _ in jumps])),
        after=float(np.mean([after[:WINDOW].mean() for _, after, _ in jumps])),
        recovered=len(recovered) / len(jumps),
        steps=float(np.median(recovered)) if recovered else None,
    )


def _means(rows: Sequence[Floats]) -> tuple[Floats, Floats]:
    """The mean of each column over the rows that reach it, and how many do."""
    sums, counts = np.zeros((2, max(map(len, rows))))
    for row in rows:
        sums[: len(row)] += row
        counts[: len(row)] += 1
    return sums / counts, counts
