"""How far several networks disagree in each step, and what they predict of returns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hyperrl.evaluation.networks import Networks, disagreement
from hyperrl.evaluation.policy import Observation, Policy, begin_episodes, is_masked
from hyperrl.evaluation.zero_shot import TaskResult
from hyperrl.masks import Masks

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class EpisodeUncertainty:
    """What networks said in one episode, which one policy played.

    Attributes:
        actions: disagreement of actions at each step, (steps,), as `networks.disagreement` has it.
        values: standard deviation of values over networks at each step, (steps,).
        predicted: value of each network at the start, (M,): the discounted return that it predicts.
        realized: discounted return of the episode. Where the time limit ended it, the rewards after its last
            step are those that the networks predict, as values are of episodes without an end in time.
    """

    actions: Floats
    values: Floats
    predicted: Floats
    realized: float


@dataclass(frozen=True)
class RunUncertainty:
    """The uncertainty of one run's evaluation.

    Attributes:
        networks: their number M.
        source: "index" or "runs".
        gamma: discount factor.
        episodes: of each task, in the order of the tasks.
        tasks: the results of the same episodes.
        in_splits: how many tasks, from the start, are of whole splits.
    """

    networks: int
    source: str
    gamma: float
    episodes: list[list[EpisodeUncertainty]]
    tasks: list[TaskResult]
    in_splits: int


class WatchedPolicy:
    """A policy that acts as it would anyway, while several networks answer what it observes.

    Attributes:
        masked: whether the policy takes action masks.
        networks: those that answer.
    """

    def __init__(self, policy: Policy, networks: Networks) -> None:
        """Take the policy that acts, and the networks."""
        self._policy, self.networks, self.masked = policy, networks, is_masked(policy)
        self._chunks: list[_Chunk] = []

    def __call__(self, observation: Observation, *masks: Masks) -> NDArray[np.float64]:
        """The policy's actions (n, ...)."""
        actions, values = self.networks.answer(observation, masks)
        self._chunks[-1].add(disagreement(actions), values)
        return self._policy(observation, *masks)

    def reset(self) -> None:
        """Begin episodes, as the policy does."""
        self._chunks.append(_Chunk())
        begin_episodes(self._policy)

    def read(
        self, results: Sequence[TaskResult], gamma: float, longest: int
    ) -> list[list[EpisodeUncertainty]]:
        """What was said in the episodes that were played since the last call, for each task.

        Args:
            results: of these episodes, with the rewards of their steps.
            gamma: discount factor.
            longest: steps after which an episode is truncated; 0: it never is.
        """
        left = self._take()
        return [
            [
                chunk.episode(row, steps.rewards, gamma, truncated=length == longest)
                for steps, length, (chunk, row) in zip(
                    result.rewards or (), result.lengths, left, strict=False
                )
            ]
            for result in results
        ]

    def disagreement(self, results: Sequence[TaskResult]) -> list[tuple[float, float]]:
        """The mean disagreement of actions, and of values, over the steps and episodes of each task.

        Args:
            results: of the episodes that were played since the last call.
        """
        left = self._take()
        means = []
        for result in results:
            episodes = zip(result.lengths, left, strict=False)
            own = [chunk.means(row, length) for length, (chunk, row) in episodes]
            actions, values = np.mean(own, axis=0).tolist()
            means.append((actions, values))
        return means

    def _take(self) -> Iterator[tuple[_Chunk, int]]:
        """The chunk and the row of each episode since the last call, as they were played."""
        chunks, self._chunks = self._chunks, []
        return iter([(chunk, row) for chunk in chunks for row in range(chunk.predicted.shape[1])])


@dataclass(frozen=True)
class Watched:
    """A policy whose episodes networks watch, and what is needed to read what they said.

    Attributes:
        policy: what plays, around `watcher`.
        watcher: where networks answer.
        gamma: discount factor of their values.
        longest: steps after which an episode is truncated; 0: it never is.
    """

    policy: Policy
    watcher: WatchedPolicy
    gamma: float
    longest: int

    def read(self, results: list[TaskResult], in_splits: int) -> RunUncertainty:
        """The uncertainty in the episodes that were just played."""
        networks = self.watcher.networks
        episodes = self.watcher.read(results, self.gamma, self.longest)
        return RunUncertainty(networks.count, networks.source, self.gamma, episodes, results, in_splits)


class _Chunk:
    """What networks said in the steps of some environments that were played side by side."""

    def __init__(self) -> None:
        self.predicted: Floats = np.zeros((0, 0))
        self._actions: list[Floats] = []
        self._spreads: list[Floats] = []
        self._means: list[Floats] = []

    def add(self, actions: Floats, values: Floats) -> None:
        """Note the answers of one step: disagreement (n,) and values (M, n)."""
        if not self._actions:
            self.predicted = values
        self._actions.append(actions)
        self._spreads.append(values.std(axis=0, ddof=1))
        self._means.append(values.mean(axis=0))

    def episode(self, row: int, rewards: Floats, gamma: float, *, truncated: bool) -> EpisodeUncertainty:
        """What was said in one environment's episode."""
        steps, discounts = len(rewards), gamma ** np.arange(len(rewards))
        realized = float(discounts @ rewards)
        if truncated:  # what was observed after the last step is not known, what was before it is
            last = discounts[-1] * (self._means[steps - 1][row] - rewards[-1])
            realized += float(last)
        actions, values = (np.array(each[:steps, row]) for each in self._stacked)
        return EpisodeUncertainty(actions, values, self.predicted[:, row].copy(), realized)

    def means(self, row: int, steps: int) -> tuple[float, float]:
        """Mean disagreement of actions and of values over the steps of one environment's episode."""
        actions, values = (float(each[:steps, row].mean()) for each in self._stacked)
        return actions, values

    @cached_property
    def _stacked(self) -> tuple[Floats, Floats]:
        """Disagreement of actions and spread of values, (steps, n) each."""
        return np.stack(self._actions), np.stack(self._spreads)
