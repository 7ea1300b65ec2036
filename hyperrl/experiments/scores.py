"""Returns of runs by family, agent and seed: what comparisons take, wherever the runs were read from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from hyperrl.evaluation import TaskResult
from hyperrl.experiments.specialists import SpecialistShare, TaskValues, share_of_specialists


@dataclass(frozen=True)
class SeedRun:
    """What a run of one seed returned.

    Attributes:
        seed: that it was trained with.
        steps: environment steps that it was trained for.
        results: per task, in the evaluation's order.
    """

    seed: int
    steps: int
    results: Sequence[TaskResult]

    @cached_property
    def tasks(self) -> list[tuple[str, TaskValues]]:
        """Split and context of each task."""
        return [(result.split, tuple(result.context.items())) for result in self.results]


OneRun = TypeVar("OneRun", bound=SeedRun, covariant=True)


@dataclass(frozen=True)
class AgentRuns(Generic[OneRun]):
    """The runs of one agent on one family, one for each seed, ascending.

    Attributes:
        label: what tables call the agent.
        runs: at least one.
    """

    label: str
    runs: tuple[OneRun, ...]

    @property
    def seeds(self) -> list[int]:
        """The runs' seeds."""
        return [run.seed for run in self.runs]

    def results(self, split: str) -> list[list[TaskResult]]:
        """Of each run its results on a split."""
        return [[result for result in run.results if result.split == split] for run in self.runs]

    def scores(self, split: str, seeds: Sequence[int] | None = None) -> NDArray[np.float64]:
        """Mean return of each task (runs, tasks), of all runs or of these seeds, in their order."""
        means = np.array([[result.mean for result in run] for run in self.results(split)])
        return means if seeds is None else means[[self.seeds.index(seed) for seed in seeds]]


@dataclass(frozen=True)
class FamilyRuns(Generic[OneRun]):
    """All runs on one family, evaluated on the same tasks from the same starts.

    Attributes:
        name: the family's.
        agents: by label, in the order in which they were given.
        specialists: mean return of the policy that was trained on a task alone, by the task's values.
    """

    name: str
    agents: Mapping[str, AgentRuns[OneRun]]
    specialists: Mapping[TaskValues, float] = field(default_factory=dict)

    @property
    def first(self) -> OneRun:
        """The first run of the first agent; its tasks are everybody's."""
        return next(iter(self.agents.values())).runs[0]

    @property
    def splits(self) -> list[str]:
        """The splits that were evaluated."""
        return list(dict.fromkeys(result.split for result in self.first.results))

    def oracles(self, split: str) -> NDArray[np.float64] | None:
        """The best known return of each task of a split (tasks,); None unless all are known and above 0."""
        best = [result.oracle for result in self.first.results if result.split == split]
        known = [oracle for oracle in best if oracle is not None and oracle > 0]
        return np.array(known) if len(known) == len(best) else None

    def of_specialists(self, agent: AgentRuns[SeedRun], split: str) -> SpecialistShare | None:
        """An agent on those tasks of a split that have a specialist; None where none has."""
        tasks = (tuple(result.context.items()) for result in agent.results(split)[0])
        return share_of_specialists(agent.scores(split), [self.specialists.get(task) for task in tasks])
