"""The part of a report that is about one family: its tables and its figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.evaluation import TaskResult
from hyperrl.evaluation.figures import heatmap, learning_curves, plane, return_over_context
from hyperrl.evaluation.figures.labels import assignments
from hyperrl.evaluation.figures.learning import aligned
from hyperrl.evaluation.figures.profiles import improvements, performance_profiles
from hyperrl.evaluation.plan import CHOICE
from hyperrl.evaluation.report import worst_of
from hyperrl.experiments.collect import AgentRuns, FamilyRuns
from hyperrl.experiments.comparison import Contrast, SplitComparison, compare_split, contrast
from hyperrl.experiments.report.animation import animate
from hyperrl.experiments.report.commands import recipe_text, train_command
from hyperrl.experiments.report.images import Picture, picture
from hyperrl.experiments.report.loading import load_first
from hyperrl.experiments.report.weights import draw_weight_map
from hyperrl.tasks import Family

MOST_AGENTS = 6
"""Agents that a figure shows: as many as differ in color and marker."""
_MAPS = 3
"""Agents whose heatmaps and maps of weights are drawn."""


@dataclass(frozen=True)
class WorstTask:
    """The worst task of an agent on a split, in words."""

    split: str
    agent: str
    task: str
    mean: float
    share: float | None
    seed: int


@dataclass(frozen=True)
class Repeat:
    """How the runs of an agent are trained again."""

    agent: str
    command: str
    seeds: str
    steps: int
    versions: str
    commit: str
    recipe: str


@dataclass
class FamilySection:
    """What the page shows of one family.

    Attributes:
        runs: the runs.
        family: the family.
        splits: its comparisons with the baseline.
        duels: of each split, every agent that generates weights against every other one; empty without both.
        pictures: the figures.
        animations: of an agent that acts.
        notes: what could not be drawn, and why.
        worst: the worst task of each agent and split.
        repeats: how each agent's runs are trained again.
        recipe: the family's recipe as YAML.
    """

    runs: FamilyRuns
    family: Family
    splits: list[SplitComparison]
    duels: list[tuple[SplitComparison, list[Contrast]]]
    worst: list[WorstTask]
    repeats: list[Repeat]
    recipe: str
    pictures: list[Picture] = field(default_factory=list)
    animations: list[Picture] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def family_section(
    runs: FamilyRuns, allow_import: Sequence[str] = (), *, animated: bool = False
) -> FamilySection:
    """Compute the tables and draw the figures of one family.

    Args:
        runs: at least one.
        allow_import: modules and Python files that base environments may be imported from, for maps of
            weights and animations.
        animated: play the first agent on a task of each split, where the family renders pictures.
    """
    family = Family(runs.first.run.spec.family)
    runs = _generated_first(runs)
    hyper = [label for label, agent in runs.agents.items() if generates(agent)]
    baseline = hyper[0] if hyper else next(iter(runs.agents))
    splits = [compare_split(runs, split, baseline) for split in runs.splits]
    section = FamilySection(
        runs=runs,
        family=family,
        splits=splits,
        duels=[(split, list(_duels(runs, split, hyper))) for split in splits],
        worst=list(_worst(runs, family)),
        repeats=[_repeat(agent) for agent in runs.agents.values()],
        recipe=recipe_text(family.recipe),
    )
    section.pictures.extend(_pictures(section))
    for place, agent in enumerate(runs.agents.values()):
        mapped, played = generates(agent) and place < _MAPS, animated and place == 0
        if mapped or played:
            _add_of_agent(section, agent, allow_import, mapped=mapped, played=played)
    if len(runs.agents) > MOST_AGENTS:
        section.notes.append(f"Figures show the first {MOST_AGENTS} of {len(runs.agents)} agents.")
    return section


def generates(agent: AgentRuns) -> bool:
    """Whether a hypernetwork generates the agent's weights."""
    return agent.runs[0].run.spec.agent.policy.kind == "hyper"


def _generated_first(runs: FamilyRuns) -> FamilyRuns:
    """The same runs, agents whose weights are generated first, so that colors are the same everywhere."""
    ordered = sorted(runs.agents.items(), key=lambda item: not generates(item[1]))
    return FamilyRuns(runs.name, dict(ordered))


def _duels(runs: FamilyRuns, split: SplitComparison, hyper: Sequence[str]) -> Iterator[Contrast]:
    known = {(each.agent, each.baseline): each for each in split.contrasts}
    for mine in hyper:
        for label, agent in runs.agents.items():
            if label not in hyper:
                found = known.get((label, mine))
                yield found or contrast(agent, runs.agents[mine], split.split)


def _worst(runs: FamilyRuns, family: Family) -> Iterator[WorstTask]:
    for split in runs.splits:
        for label, agent in runs.agents.items():
            per_run = agent.results(split)
            results = [result for run in per_run for result in run]
            task = worst_of(results)
            seed = agent.seeds[next(i for i, run in enumerate(per_run) if any(each is task for each in run))]
            where = assignments(family, task.context, family.space.names)
            yield WorstTask(split, label, where, task.mean, task.of_oracle, seed)


def _repeat(agent: AgentRuns) -> Repeat:
    spec = agent.runs[0].run.spec
    versions = ", ".join(f"{name} {version}" for name, version in spec.versions.items())
    seeds = ", ".join(map(str, agent.seeds))
    return Repeat(
        agent.label,
        train_command(spec),
        seeds,
        spec.steps,
        versions,
        spec.commit or "",
        recipe_text(spec.agent),
    )


def _pictures(section: FamilySection) -> Iterator[Picture]:
    runs, family = section.runs, section.family
    agents = dict(list(runs.agents.items())[:MOST_AGENTS])
    yield from _curves(runs, agents)
    every = {
        label: [result for run in agent.runs for result in run.results] for label, agent in agents.items()
    }
    yield picture(
        return_over_context(every, family),
        "Return over the context, all tasks of the final evaluation. Bands and bars are 95\u00a0% intervals"
        " over seeds and starts; triangles are training tasks.",
    )
    yield from _heatmaps(dict(list(every.items())[:_MAPS]), family)
    yield _profiles(runs, agents)
    duels = {
        split.split: {f"{each.agent} over {each.baseline}": each.improvement for each in contrasts}
        for split, contrasts in _compared(section)
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


def _compared(section: FamilySection) -> list[tuple[SplitComparison, list[Contrast]]]:
    """Generated agents against others, or where there are not both all against the first."""
    if any(contrasts for _, contrasts in section.duels):
        return section.duels
    return [(split, list(split.contrasts)) for split in section.splits]


def _curves(runs: FamilyRuns, agents: dict[str, AgentRuns]) -> Iterator[Picture]:
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


def _references(runs: FamilyRuns) -> dict[str, float]:
    oracles = {split: runs.oracles(split) for split in runs.splits}
    return {split: float(best.mean()) for split, best in oracles.items() if best is not None}


def _profiles(runs: FamilyRuns, agents: dict[str, AgentRuns]) -> Picture:
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


def _add_of_agent(
    section: FamilySection, agent: AgentRuns, allow_import: Sequence[str], *, mapped: bool, played: bool
) -> None:
    """Add what needs the agent itself: the map of its weights, and an animation."""
    try:
        loaded = load_first(agent, allow_import)
        if mapped:
            figure = draw_weight_map(loaded, agent.runs[0].results, agent.label)
            caption = (
                f"Tasks in the space of the weights that {agent.label} (seed {agent.seeds[0]}) generates: the"
                " first two principal components, colored by the context."
            )
            section.pictures.append(picture(figure, caption, lines=False))
        if played:
            section.animations.append(animate(loaded, agent.label))
    except UserError as reason:
        what = "map of tasks in weight space" if mapped else "animation"
        section.notes.append(f"No {what} for {agent.label}: {reason}.")
