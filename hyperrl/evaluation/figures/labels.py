"""The words of figures: labels of axes, and notes on what is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from hyperrl.evaluation.figures import grouping
from hyperrl.evaluation.summary import worst_of

if TYPE_CHECKING:
    from hyperrl.evaluation.zero_shot import TaskResult
    from hyperrl.tasks import Family


def axis_label(family: Family, name: str) -> str:
    """A feature's name, and its unit where it has one."""
    unit = _unit(family, name)
    return f"{name} ({unit})" if unit else name


def assignments(family: Family, context: Mapping[str, float], names: Iterable[str]) -> str:
    """Values of some features with their units: "length = 0.3 m, gravity = 9.8 m/s²"."""
    return ", ".join(f"{name} = {context[name]:.4g} {_unit(family, name)}".rstrip() for name in names)


def notes(family: Family, agents: Mapping[str, Sequence[TaskResult]], interval: str = "") -> list[str]:
    """What a figure's title tells: seeds and episodes, the features that do not vary, and the worst tasks.

    Args:
        family: the tasks' family.
        agents: results by the agent's name.
        interval: added to the first note.
    """
    results = [result for each in agents.values() for result in each]
    free = grouping.varying(family, results)
    fixed = [name for name in family.space.names if name not in free]
    fixed_note = f"held: {assignments(family, results[0].context, fixed)}" if fixed and free else ""
    most = _mean_note(max(agents.values(), key=grouping.count_runs))
    return [most + interval, fixed_note, _worst_note(family, agents, free)]


def _mean_note(results: Sequence[TaskResult]) -> str:
    runs, episodes = grouping.count_runs(results), max(len(result.returns) for result in results)
    each = f"{episodes} episode{'s' * (episodes > 1)}"
    if runs > 1:
        return f"mean of {runs} seeds, {each} each"
    return f"mean of {each} a task" if episodes > 1 else "1 episode a task"


def _worst_note(family: Family, agents: Mapping[str, Sequence[TaskResult]], free: Sequence[str]) -> str:
    """Each agent's worst task, which a mean over tasks hides, with its return and the part of the oracle."""
    tasks = []
    for agent, results in agents.items():
        if results:
            worst = worst_of(results)
            name = f"{agent} " if len(agents) > 1 else ""
            share = "" if worst.of_oracle is None else f" ({worst.of_oracle:.0%} of the oracle)"
            task = f" at {assignments(family, worst.context, free)}" if free else ""
            tasks.append(f"{name}{worst.mean:.4g}{share}{task}")
    return f"worst task: {'; '.join(tasks)}"


def _unit(family: Family, name: str) -> str:
    return family.recipe.features[name].unit.replace("^2", "²").replace("^3", "³")
