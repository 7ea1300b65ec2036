"""Agents on one family, as the results page compares them, wherever their results were read from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from hyperrl.evaluation import iqm
from hyperrl.experiments.comparison import Contrast, contrast
from hyperrl.experiments.scores import FamilyRuns, SeedRun

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Steps (P,) and mean returns (P,) at the evaluations during a training."""
SHARED_STARTS = "start states that all tasks shared"
"""How older results were measured; of those of suites it is the digest."""


class Compared(ABC):
    """All agents that learned by one algorithm on one family.

    Attributes:
        name: the family's.
    """

    name: str

    @property
    @abstractmethod
    def algorithm(self) -> str:
        """What all agents learn by."""

    @property
    @abstractmethod
    def runs(self) -> FamilyRuns[SeedRun]:
        """The returns, by agent and seed."""

    @abstractmethod
    def curves(self, agent: str, split: str) -> Sequence[Curve]:
        """Of each run of an agent its returns on a split while it trained."""

    @property
    @abstractmethod
    def caveats(self) -> list[str]:
        """In words, what is no longer as it was measured."""

    @property
    def hyper(self) -> str:
        """The agent whose networks are generated."""
        return f"hyper-{self.algorithm}"

    @property
    def concat(self) -> str:
        """The agent whose networks see the context beside the observation."""
        return f"concat-{self.algorithm}"

    @property
    def rivals(self) -> list[str]:
        """The agents that the first is compared with."""
        names = (self.concat, f"{self.concat}-matched", f"blind-{self.algorithm}")
        return [name for name in names if name in self.runs.agents]

    @property
    def compares(self) -> bool:
        """Whether there are runs of both `hyper` and `concat`."""
        return {self.hyper, self.concat} <= set(self.runs.agents)

    @property
    def splits(self) -> list[str]:
        """The family's splits that have tasks."""
        return self.runs.splits

    def duels(self, split: str) -> Iterator[Contrast]:
        """The agent with generated networks against each of the others."""
        agents = self.runs.agents
        for label, agent in agents.items():
            if self.hyper in agents and label != self.hyper:
                yield contrast(agents[self.hyper], agent, split)

    def scores(self, agent: str, split: str) -> NDArray[np.float64]:
        """Mean returns (runs, tasks) of the best weights by validation."""
        return self.runs.agents[agent].scores(split)

    def paired(self, one: str, other: str, split: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Scores of two agents, (runs, tasks) each, on the seeds that both have."""
        first, second = self.runs.agents[one], self.runs.agents[other]
        seeds = [seed for seed in first.seeds if seed in second.seeds]
        return first.scores(split, seeds), second.scores(split, seeds)

    def oracle(self, split: str) -> NDArray[np.float64] | None:
        """Oracle of each task of a split; None unless all are known and above 0."""
        return self.runs.oracles(split)

    def mean_oracle(self, split: str) -> float | None:
        """Interquartile mean over tasks of the oracles: the most that an agent's could be."""
        known = self.oracle(split)
        return None if known is None else float(iqm(np.repeat(known, 4)))
