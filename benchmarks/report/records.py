"""Learning results as they are read back: one record a run, gathered by family and agent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.learning.suite import FORMAT, STARTS
from benchmarks.report.compared import SHARED_STARTS, Compared, Curve
from benchmarks.report.result_file import read_result
from hyperrl.errors import UserError
from hyperrl.evaluation import TaskResult
from hyperrl.experiments.scores import AgentRuns, FamilyRuns, SeedRun
from hyperrl.recipes import load_agent, parse_agent, resolve
from hyperrl.tasks import Family

KINDS = ("hyper-{}", "hyper-{}-full", "concat-{}", "concat-{}-matched", "blind-{}")
"""Agents of an algorithm in the order of tables and figures; others follow by name."""


@dataclass(frozen=True)
class Record:
    """One run's result.

    Attributes:
        path: the JSON file.
        data: what it holds (`benchmarks.learning.suite.measure`).
    """

    path: Path
    data: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> Record:
        """Read a file; UserError where it is no result of this format, or lies where another belongs."""
        data = read_result(path, FORMAT, "learning result")
        place = (data["family"], data["agent"], f"seed-{data['seed']}")
        if place != (path.parent.parent.name, path.parent.name, path.stem):
            raise UserError(f"result {str(path)!r}: is of {' / '.join(place)}")
        return cls(path, data)

    @property
    def agent(self) -> str:
        """The agent's name."""
        return str(self.data["agent"])

    @property
    def seed(self) -> int:
        """The seed that it was trained with."""
        return int(self.data["seed"])

    @cached_property
    def recipe(self) -> Mapping[str, Any]:
        """The agent's resolved recipe; fields that came since the run have their defaults."""
        recipe = parse_agent(self.data["recipe"]["agent"], str(self.path))
        found: dict[str, Any] = recipe.model_dump(mode="json", by_alias=True)
        return found

    @property
    def shares_starts(self) -> bool:
        """Whether episode e of every task started alike, as of old."""
        return self.data.get("starts") != STARTS

    def returns(self, split: str, checkpoint: str = "best") -> NDArray[np.float64]:
        """Mean return over episodes of each task, (tasks,)."""
        return np.array([np.mean(row) for row in self.data["splits"][split][checkpoint]])

    @property
    def results(self) -> list[TaskResult]:
        """The results of the best weights, task by task; how long episodes were is not known."""
        return [
            TaskResult(dict(zip(self.data["features"], values, strict=True)), split, returns, [], oracle)
            for split, rows in self.data["splits"].items()
            for values, returns, oracle in zip(rows["contexts"], rows["best"], rows["oracle"], strict=True)
        ]

    def curve(self, split: str) -> Curve:
        """Steps (P,) and mean returns on a split (P,) at the evaluations during training."""
        curve = self.data["curve"]
        return np.array(curve["steps"], np.float64), np.array(curve[split], np.float64)

    def grid(self) -> list[TaskResult]:
        """Results on the grid of contexts beyond the splits; none where there is no grid."""
        grid = self.data.get("grid")
        if grid is None:
            return []
        features = self.data["features"]
        return [
            TaskResult(dict(zip(features, values, strict=True)), "grid", row, [0] * len(row), oracle)
            for values, row, oracle in zip(grid["contexts"], grid["best"], grid["oracle"], strict=True)
        ]


@dataclass(frozen=True)
class FamilyResults(Compared):
    """All results on one family, whose runs played the same tasks for as many steps.

    Attributes:
        name: the family's.
        agents: runs by agent, each by seed.
    """

    name: str
    agents: Mapping[str, tuple[Record, ...]]

    @property
    def algorithm(self) -> str:
        """What all agents learn by."""
        return str(self.first.recipe["algorithm"]["name"])

    @cached_property
    def runs(self) -> FamilyRuns[SeedRun]:
        """The returns of the best weights, by agent and seed."""
        agents = {
            agent: AgentRuns(agent, tuple(SeedRun(run.seed, run.data["steps"], run.results) for run in runs))
            for agent, runs in self.agents.items()
        }
        return FamilyRuns(self.name, agents)

    def curves(self, agent: str, split: str) -> Sequence[Curve]:
        """Of each run of an agent its returns on a split while it trained."""
        return [record.curve(split) for record in self.agents[agent]]

    @cached_property
    def caveats(self) -> list[str]:
        """In words, what is no longer as it was measured."""
        starts = any(record.shares_starts for record in self.records)
        old = [SHARED_STARTS] if starts else []
        return [*old, *(["recipes that have changed since"] if stale(self) else [])]

    @cached_property
    def family(self) -> Family:
        """The family as the suite has it now (`stale` tells whether the runs knew another)."""
        return Family.load(self.name)

    @property
    def records(self) -> list[Record]:
        """Every run."""
        return [record for runs in self.agents.values() for record in runs]

    @property
    def first(self) -> Record:
        """A run, for what all of them share."""
        return self.records[0]

    @property
    def planned(self) -> int:
        """Environment steps that each run was planned for."""
        return int(self.first.data["planned_steps"])

    def scores(self, agent: str, split: str, checkpoint: str = "best") -> NDArray[np.float64]:
        """Mean returns (runs, tasks)."""
        return np.stack([record.returns(split, checkpoint) for record in self.agents[agent]])


def load(root: Path) -> list[FamilyResults]:
    """Every family that has results below `root`, by name.

    Args:
        root: folder of the JSON files.

    Raises:
        UserError: a file that is no result, or runs of a family that differ in steps, tasks, algorithm or an
            agent's recipe.
    """
    found: dict[str, dict[str, list[Record]]] = {}
    for path in sorted(root.glob("*/*/seed-*.json")):
        record = Record.read(path)
        found.setdefault(str(record.data["family"]), {}).setdefault(record.agent, []).append(record)
    families = []
    for name, agents in found.items():
        runs = {agent: tuple(sorted(agents[agent], key=lambda record: record.seed)) for agent in agents}
        found_here = FamilyResults(name, runs)
        families.append(_checked(_ordered(found_here)))
    return families


def _ordered(results: FamilyResults) -> FamilyResults:
    first = [kind.format(results.algorithm) for kind in KINDS]
    names = sorted(
        results.agents, key=lambda name: (first.index(name) if name in first else len(first), name)
    )
    return replace(results, agents={name: results.agents[name] for name in names})


def _checked(results: FamilyResults) -> FamilyResults:
    """The same; UserError where runs cannot be compared."""
    for runs in results.agents.values():
        for record in runs:
            for what, of in (("steps", _planned), ("tasks", _tasks), ("algorithm", _algorithm)):
                if of(record) != of(results.first):
                    both = f"{str(results.first.path)!r} and {str(record.path)!r}"
                    raise UserError(f"results {both}: differ in their {what}; train one of them again")
            if record.recipe != runs[0].recipe:
                raise UserError(
                    f"results {str(runs[0].path)!r} and {str(record.path)!r}: differ in the agent's recipe"
                )
    return results


def _planned(record: Record) -> Any:
    return record.data["planned_steps"]


def _algorithm(record: Record) -> Any:
    return record.recipe["algorithm"]["name"]


def _tasks(record: Record) -> Any:
    return {split: tasks["contexts"] for split, tasks in record.data["splits"].items()}, record.data[
        "episodes"
    ]


def settings(results: FamilyResults) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Algorithm and budget: the values that all agents share, and those by agent in which they differ."""
    of = {agent: _budget(runs[0].recipe) for agent, runs in results.agents.items()}
    shared: dict[str, Any] = {}
    differing: dict[str, dict[str, Any]] = {}
    for key in dict.fromkeys(key for budget in of.values() for key in budget):
        values = {agent: budget.get(key) for agent, budget in of.items()}
        same = all(value == values[results.first.agent] for value in values.values())
        if same:
            shared[key] = values[results.first.agent]
        else:
            differing[key] = values
    return shared, differing


def _budget(recipe: Mapping[str, Any]) -> dict[str, Any]:
    run = {key: recipe[key] for key in ("steps", "n_envs", "sampler", "evaluate_every", "threads")}
    return {**recipe["algorithm"], **run}


def stale(results: FamilyResults) -> list[str]:
    """In words, where the suite's recipes are no longer those that the results were measured with."""
    found = []
    family = results.family
    for split in results.splits:
        now = family.space.values(family.tasks(split))
        then = np.array(results.first.data["splits"][split]["contexts"])
        if now.shape != then.shape or not np.allclose(now, then, rtol=1e-5, atol=1e-9):
            found.append(f"the tasks of `{split}` have changed since")
    for agent, runs in results.agents.items():
        recipe = resolve(load_agent(agent), family.recipe)
        now_flat, then_flat = _flat(recipe.model_dump(mode="json", by_alias=True)), _flat(runs[0].recipe)
        matched = now_flat.get("policy.match_parameters") is not None
        ignored = {"about", "policy.match_parameters", *(["policy.net_arch"] if matched else [])}
        changed = [key for key in {**then_flat, **now_flat} if key not in ignored]
        changed = [key for key in changed if then_flat.get(key) != now_flat.get(key)]
        if changed:
            found.append(f"the recipe of `{agent}` has changed since in {', '.join(changed)}")
    return found


def _flat(recipe: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in recipe.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value}
    return flat
