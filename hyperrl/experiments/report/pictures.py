"""The figures of a family in a report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperrl.evaluation import TaskResult
from hyperrl.evaluation.figures import heatmap, learning_curves, plane, return_over_context
from hyperrl.evaluation.figures.learning import aligned
from hyperrl.evaluation.figures.profiles import improvements, performance_profiles
from hyperrl.evaluation.plan import CHOICE
from hyperrl.experiments.collect import EvaluatedRun
from hyperrl.experiments.comparison import Contrast, SplitComparison
from hyperrl.experiments.report.images import Picture, picture
from hyperrl.experiments.scores import AgentRuns, FamilyRuns
from hyperrl.tasks import Family

MOST_AGENTS = 6
"""Agents that a figure shows: as many as differ in color and marker."""
MOST_MAPS = 3
"""Agents whose heatmaps and maps of weights are drawn."""


def family_pictures(
    runs: FamilyRuns[EvaluatedRun],
    family: Family,
    compared: Sequence[tuple[SplitComparison, Sequence[Contrast]]],
) -> Iterator[Picture]:
    """Learning curves, return over the context, heatmaps, performance profiles, probabilities of improvement.

    Args:
        runs: the runs, of which at most six agents are drawn.
        family: their family.
        compared: of each split, the agents whose probabilities of improvement are drawn.
    """
    agents = dict(list(runs.agents.items())[:MOST_AGENTS])
    yield from _curves(runs, agents)
    every = {
        label: [result for run in agent.runs for result in run.results] for label, agent in agents.items()
    }
    yield picture(
        return_over_context(every, family),
        "Return over the context, all tasks of the final evaluation. Bands and bars are 95\u00a0% intervals"
        " over seeds and starts; training tasks are marked on the axis.",
    )
    yield from _heatmaps(dict(list(every.items())[:MOST_MAPS]), family)
    yield _profiles(runs, agents)
    duels = {
        split.split: {f"{each.agent} over {each.baseline}": each.improvement for each in contrasts}
        for split, contrasts in compared
    }
    if any(duels.values()):
        yield picture(
            improvements(duels),
            "Probability of improvement: how often a run of the first agent scores higher than one of the"
            " second, on a task drawn at random.",
        )


def _heatmaps(agents: dict[str, list[TaskResult]], family: Family) -> Iterator[Picture]:
    """Of each agent, where the tasks that are reported fill a grid of two features."""
    for label, results in agents.items():
        reported = [result for result in results if result.split != CHOICE]
        features = plane(reported, family) if reported else None
        if features is not None:
            drawn = heatmap(reported, family, features, agent=label)
            yield picture(drawn, f"Return of {label} over {' and '.join(features)}.", lines=False)


def _curves(runs: FamilyRuns[EvaluatedRun], agents: dict[str, AgentRuns[EvaluatedRun]]) -> Iterator[Picture]:
    panels: dict[str, dict[str, list[Any]]] = {split: {} for split in runs.splits}
    for label, agent in agents.items():
        for run in agent.runs:
            history = sorted(run.run.history("zero_shot/").items())
            for split, curves in panels.items():
                points = [(step, values[split]) for step, values in history if split in values]
                if points:
                    curves.setdefault(label, []).append(tuple(np.transpose(points)))
    panels = {
        split: {label: each for label, each in curves.items() if _share_steps(each)}
        for split, curves in panels.items()
    }
    panels = {split: curves for split, curves in panels.items() if curves}
    if panels:
        figure = learning_curves(panels, references=_references(runs), title=f"{runs.name}: learning curves")
        yield picture(
            figure,
            "Zero-shot return during training, of the weights at that moment, read from the runs' logs. Bands"
            " are 95\u00a0% intervals over seeds.",
        )


def _share_steps(curves: list[Any]) -> bool:
    """Whether there are steps that all runs cover; logs that were cut may have none."""
    try:
        aligned(curves)
    except ValueError:
        return False
    return True


def _references(runs: FamilyRuns[EvaluatedRun]) -> dict[str, float]:
    oracles = {split: runs.oracles(split) for split in runs.splits}
    return {split: float(best.mean()) for split, best in oracles.items() if best is not None}


def _profiles(runs: FamilyRuns[EvaluatedRun], agents: dict[str, AgentRuns[EvaluatedRun]]) -> Picture:
    known = all(runs.oracles(split) is not None for split in runs.splits)
    panels: dict[str, dict[str, NDArray[np.float64]]] = {}
    for split in runs.splits:
        oracles = runs.oracles(split) if known else None
        divisor = 1.0 if oracles is None else oracles
        panels[split] = {label: agent.scores(split) / divisor for label, agent in agents.items()}
    figure = performance_profiles(
        panels, xlabel="return / oracle" if known else "episode return",
        title=f"{runs.name}: performance profiles",
    )  # fmt: skip
    return picture(figure, "Performance profiles: the share of runs x tasks whose score is above a value.")
