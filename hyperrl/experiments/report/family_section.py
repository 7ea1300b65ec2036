"""The part of a report that is about one family: its tables and its figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from hyperrl.errors import BaseEnvironmentError, UserError
from hyperrl.evaluation.figures.labels import assignments
from hyperrl.evaluation.summary import worst_of
from hyperrl.experiments.collect import EvaluatedRun
from hyperrl.experiments.comparison import Contrast, SplitComparison, compare_split, contrast
from hyperrl.experiments.report.animation import animate
from hyperrl.experiments.report.images import Picture, picture
from hyperrl.experiments.report.loading import load_first
from hyperrl.experiments.report.pictures import MOST_AGENTS, MOST_MAPS, family_pictures
from hyperrl.experiments.report.weights import draw_weight_map
from hyperrl.experiments.scores import AgentRuns, FamilyRuns
from hyperrl.store.commands import recipe_text, train_command
from hyperrl.tasks import Family


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

    runs: FamilyRuns[EvaluatedRun]
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
    runs: FamilyRuns[EvaluatedRun], allow_import: Sequence[str] = (), *, animated: bool = False
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
    section.pictures.extend(family_pictures(runs, family, _compared(section)))
    for place, agent in enumerate(runs.agents.values()):
        mapped, played = generates(agent) and place < MOST_MAPS, animated and place == 0
        if mapped or played:
            _add_of_agent(section, agent, allow_import, mapped=mapped, played=played)
    if len(runs.agents) > MOST_AGENTS:
        section.notes.append(f"Figures show the first {MOST_AGENTS} of {len(runs.agents)} agents.")
    return section


def generates(agent: AgentRuns[EvaluatedRun]) -> bool:
    """Whether a hypernetwork generates the agent's weights."""
    return agent.runs[0].run.spec.agent.policy.kind == "hyper"


def _generated_first(runs: FamilyRuns[EvaluatedRun]) -> FamilyRuns[EvaluatedRun]:
    """The same runs, agents whose weights are generated first, so that colors are the same everywhere."""
    ordered = sorted(runs.agents.items(), key=lambda item: not generates(item[1]))
    return replace(runs, agents=dict(ordered))


def _duels(
    runs: FamilyRuns[EvaluatedRun], split: SplitComparison, hyper: Sequence[str]
) -> Iterator[Contrast]:
    known = {(each.agent, each.baseline): each for each in split.contrasts}
    for mine in hyper:
        for label, agent in runs.agents.items():
            if label not in hyper:
                found = known.get((label, mine))
                yield found or contrast(agent, runs.agents[mine], split.split)


def _worst(runs: FamilyRuns[EvaluatedRun], family: Family) -> Iterator[WorstTask]:
    for split in runs.splits:
        for label, agent in runs.agents.items():
            per_run = agent.results(split)
            results = [result for run in per_run for result in run]
            task = worst_of(results)
            seed = agent.seeds[next(i for i, run in enumerate(per_run) if any(each is task for each in run))]
            where = assignments(family, task.context, family.space.names)
            yield WorstTask(split, label, where, task.mean, task.of_oracle, seed)


def _repeat(agent: AgentRuns[EvaluatedRun]) -> Repeat:
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


def _compared(section: FamilySection) -> list[tuple[SplitComparison, list[Contrast]]]:
    """Generated agents against others, or where there are not both all against the first."""
    if any(contrasts for _, contrasts in section.duels):
        return section.duels
    return [(split, list(split.contrasts)) for split in section.splits]


def _add_of_agent(
    section: FamilySection,
    agent: AgentRuns[EvaluatedRun],
    allow_import: Sequence[str],
    *,
    mapped: bool,
    played: bool,
) -> None:
    """Add what needs the agent itself: the map of its weights, and an animation."""
    whole = " and ".join(["map of tasks in weight space"] * mapped + ["animation"] * played)
    with _noted(section, whole, agent.label):
        loaded = load_first(agent, allow_import)
        if mapped:
            with _noted(section, "map of tasks in weight space", agent.label):
                figure = draw_weight_map(loaded, agent.runs[0].results, agent.label)
                caption = (
                    f"Tasks in the space of the weights that {agent.label} (seed {agent.seeds[0]}) generates:"
                    " the first two principal components, colored by the context."
                )
                section.pictures.append(picture(figure, caption, lines=False))
        if played:
            with _noted(section, "animation", agent.label):
                section.animations.append(animate(loaded, agent.label))


@contextmanager
def _noted(section: FamilySection, what: str, label: str) -> Iterator[None]:
    """Note on the page why something cannot be drawn, in place of an error."""
    try:
        yield
    except (UserError, BaseEnvironmentError) as reason:
        section.notes.append(f"No {what} for {label}: {reason}.")
