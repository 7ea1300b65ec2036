"""Agents compared by their final evaluations, per family and split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hyperrl.errors import UserError, did_you_mean, user_syntax
from hyperrl.evaluation.comparison import (
    Estimate,
    difference,
    estimate,
    optimality_gap,
    probability_of_improvement,
)
from hyperrl.experiments.collect import Experiments, LeftOut
from hyperrl.experiments.scores import AgentRuns, FamilyRuns, SeedRun
from hyperrl.experiments.specialists import SpecialistShare

FEW = 3
"""Runs of an agent of which there are too few different resamples."""


@dataclass(frozen=True)
class Score:
    """One agent on one split.

    Attributes:
        agent: its label.
        seeds: of its runs.
        steps: environment steps of the run trained least and most.
        iqm: interquartile mean over runs x tasks of the tasks' mean returns.
        optimality_gap: mean over runs x tasks of max(1 - return / oracle, 0); None unless all oracles are
            known and above 0.
        of_specialist: the agent beside policies that were trained on one task each; None where no task of
            the split has one.
    """

    agent: str
    seeds: list[int]
    steps: tuple[int, int]
    iqm: Estimate
    optimality_gap: Estimate | None
    of_specialist: SpecialistShare | None = None

    def to_json(self) -> dict[str, Any]:
        """The agent's entry in `hyperrl compare --json`."""
        gap = None if self.optimality_gap is None else self.optimality_gap._asdict()
        beside = None if self.of_specialist is None else self.of_specialist.to_json()
        numbers = {"iqm": self.iqm._asdict(), "optimality_gap": gap, "of_specialist": beside}
        return {**vars(self), "steps": list(self.steps), **numbers}


@dataclass(frozen=True)
class Contrast:
    """An agent against the baseline on one split.

    Attributes:
        agent: its label.
        baseline: the label of the other.
        paired: seeds that both have, by which the difference is paired; none: it is over all runs of both.
        difference: the agent's interquartile mean minus the baseline's.
        improvement: probability that a run of the agent scores higher than one of the baseline.
    """

    agent: str
    baseline: str
    paired: list[int]
    difference: Estimate
    improvement: Estimate

    @property
    def lower(self) -> tuple[str, str] | None:
        """The agent that is below and the other, where the interval of the difference leaves zero out."""
        if self.difference.high is not None and self.difference.high < 0:
            return self.agent, self.baseline
        if self.difference.low is not None and self.difference.low > 0:
            return self.baseline, self.agent
        return None

    def to_json(self) -> dict[str, Any]:
        """The entry in `hyperrl compare --json`."""
        numbers = {name: getattr(self, name)._asdict() for name in ("difference", "improvement")}
        return {**vars(self), **numbers, "below": self.lower[0] if self.lower else None}


@dataclass(frozen=True)
class SplitComparison:
    """All agents on one split.

    Attributes:
        family: the family's name.
        split: the split's.
        tasks: how many there are.
        scores: of each agent.
        contrasts: of each agent but the baseline.
    """

    family: str
    split: str
    tasks: int
    scores: tuple[Score, ...]
    contrasts: tuple[Contrast, ...]

    @property
    def findings(self) -> list[str]:
        """In words, which agents are below others beyond the interval of the difference."""
        return [finding(self, contrast) for contrast in self.contrasts if contrast.lower is not None]


@dataclass(frozen=True)
class Comparison:
    """Agents compared per family and split.

    Attributes:
        splits: one comparison for each family and split.
        left_out: runs below folders that cannot be compared.
    """

    splits: tuple[SplitComparison, ...]
    left_out: tuple[LeftOut, ...] = ()

    @property
    def findings(self) -> list[str]:
        """In words, which agents are below others beyond the interval of the difference."""
        return [each for split in self.splits for each in split.findings]

    def to_json(self) -> dict[str, Any]:
        """The object of `hyperrl compare --json`."""
        return {
            "comparisons": [
                {
                    "family": each.family,
                    "split": each.split,
                    "tasks": each.tasks,
                    "agents": [score.to_json() for score in each.scores],
                    "contrasts": [contrast.to_json() for contrast in each.contrasts],
                }
                for each in self.splits
            ],
            "findings": self.findings,
            "left_out": [{"run": str(each.path), "reason": each.reason} for each in self.left_out],
        }


def compare(experiments: Experiments, baseline: str | None = None) -> Comparison:
    """Compare all agents of each family with one of them.

    Args:
        experiments: the runs.
        baseline: an agent that every family has, by its label; None takes each family's first.

    Raises:
        UserError: a family has no agent of that name.
    """
    splits = [
        compare_split(family, split, _baseline(family, baseline))
        for family in experiments.families
        for split in family.splits
    ]
    return Comparison(tuple(splits), experiments.left_out)


def compare_split(family: FamilyRuns[SeedRun], split: str, baseline: str) -> SplitComparison:
    """Compare the agents of a family with one of them on one split."""
    oracles = family.oracles(split)
    scores = []
    for label, agent in family.agents.items():
        returns = agent.scores(split)
        gap = None if oracles is None else estimate(returns / oracles, optimality_gap)
        steps = [run.steps for run in agent.runs]
        beside = family.of_specialists(agent, split)
        scores.append(Score(label, agent.seeds, (min(steps), max(steps)), estimate(returns), gap, beside))
    others = [agent for label, agent in family.agents.items() if label != baseline]
    contrasts = tuple(contrast(agent, family.agents[baseline], split) for agent in others)
    return SplitComparison(family.name, split, returns.shape[1], tuple(scores), contrasts)


def contrast(agent: AgentRuns[SeedRun], other: AgentRuns[SeedRun], split: str) -> Contrast:
    """Compare two agents on one split, paired by the seeds that both have."""
    shared = [seed for seed in agent.seeds if seed in other.seeds]
    seeds = shared or None
    return Contrast(
        agent.label,
        other.label,
        shared,
        difference(agent.scores(split, seeds), other.scores(split, seeds), paired=bool(shared)),
        probability_of_improvement(agent.scores(split), other.scores(split)),
    )


def finding(where: SplitComparison, contrast: Contrast) -> str:
    """A sentence: which agent is below which, by how much, on which family and split."""
    assert contrast.lower is not None
    lower, higher = contrast.lower
    value, *ends = map(abs, (each or 0.0 for each in contrast.difference))
    return (
        f"{where.family}, {where.split}: {lower} is below {higher} by {value:.4g}"
        f" (95 % interval {min(ends):.4g} to {max(ends):.4g})"
    )


def _baseline(family: FamilyRuns[SeedRun], name: str | None) -> str:
    if name is None:
        return next(iter(family.agents))
    if name not in family.agents:
        where = user_syntax("baseline", "--baseline")
        known = did_you_mean(name, family.agents)
        raise UserError(f"{where}: family {family.name!r} has no runs of agent {name!r}{known}")
    return name


def few_seeds(comparisons: Sequence[SplitComparison]) -> bool:
    """Whether an agent has so few runs, two or three, that bootstrap intervals are too narrow."""
    return any(1 < len(score.seeds) <= FEW for each in comparisons for score in each.scores)


def single_seeds(comparisons: Sequence[SplitComparison]) -> bool:
    """Whether every agent has one run alone, so that no comparison has an interval."""
    return all(len(score.seeds) == 1 for each in comparisons for score in each.scores)
