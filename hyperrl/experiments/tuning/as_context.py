"""The search for hyperparameters in one run: they are features of its family, so that all values are learned.

Population- and loss-conditioned training in one network: Dosovitskiy and Djolonga, "You Only Train Once:
Loss-Conditional Training of Deep Networks", ICLR 2020.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from hyperrl.arguments import is_number
from hyperrl.errors import UserError, user_syntax
from hyperrl.evaluation.plan import CHOICE
from hyperrl.evaluation.policy import Policy
from hyperrl.evaluation.progress import Progress
from hyperrl.evaluation.zero_shot import evaluate_tasks
from hyperrl.experiments.tuning.plan import Plan
from hyperrl.policies.registry import algorithm
from hyperrl.recipes import ALL_SPLITS, FamilyRecipe, Feature
from hyperrl.recipes.search import Categorical, Span
from hyperrl.recipes.splits import Splits
from hyperrl.tasks import Family

_GROUP = "algorithm."
_OF_A_RANGE = 5
"""Values of a hyperparameter whose search space is a range."""

_ABOUT = {"gamma": "discount factor", "ent_coef": "entropy coefficient"}


@dataclass(frozen=True)
class ValueRecord:
    """How good some values of hyperparameters are.

    Attributes:
        values: by hyperparameter.
        returns: mean return on the validation tasks, of each run.
    """

    values: Mapping[str, float]
    returns: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean over the runs."""
        return fmean(self.returns)

    @property
    def overrides(self) -> tuple[str, ...]:
        """Fields of the agent with these values."""
        return tuple(f"{_GROUP}{name}={value:.9g}" for name, value in self.values.items())

    def to_json(self) -> dict[str, Any]:
        """The entry in `hyperrl tune --as-context --json`."""
        return {"values": dict(self.values), "returns": [*self.returns], "mean": self.mean}


@dataclass(frozen=True)
class ContextTuningReport:
    """What a search in one run found.

    Attributes:
        plan: the agent, its family, steps and seeds.
        records: every choice of values.
        runs: the folders of the runs.
        tuned: the file of the recipe with the best values.
    """

    plan: Plan
    records: tuple[ValueRecord, ...]
    runs: tuple[Path, ...]
    tuned: Path

    @property
    def best_first(self) -> list[ValueRecord]:
        """The values, from the highest validation return to the lowest."""
        return sorted(self.records, key=lambda record: -record.mean)

    def to_json(self) -> dict[str, Any]:
        """The object of `hyperrl tune --as-context --json`."""
        return {
            "agent": self.plan.agent.name,
            "family": self.plan.family.name,
            "out": str(self.plan.out),
            "steps": self.plan.base.steps,
            "seeds": self.plan.seeds,
            "runs": [str(run) for run in self.runs],
            "values": [record.to_json() for record in self.records],
            "best": self.best_first[0].to_json(),
            "tuned": str(self.tuned),
        }


def values_to_try(plan: Plan) -> dict[str, tuple[float, ...]]:
    """The values of each hyperparameter that a context can carry and the plan's space has.

    The agent's own value is among them, where it is a number.

    Raises:
        UserError: there is none, or an agent that does not see the context.
    """
    option, agent = user_syntax("as_context", "--as-context"), plan.base
    if agent.policy.kind == "blind":
        raise UserError(f"{option}: found agent {agent.name!r}, which is blind to contexts; allowed: others")
    found: dict[str, tuple[float, ...]] = {}
    for dimension in plan.space:
        name = dimension.name.removeprefix(_GROUP)
        if dimension.name == name or name not in algorithm(agent.algorithm.name).hyperparameters:
            continue
        values = set(_listed(dimension.values))
        own = vars(agent.algorithm)[name]
        if is_number(own):
            values.add(float(own))
        found[name] = tuple(sorted(values))
    if not found:
        known = ", ".join(f"{_GROUP}{each}" for each in algorithm(agent.algorithm.name).hyperparameters)
        raise UserError(f"{option}: found no search of {known or 'a hyperparameter'}; allowed: one of these")
    return found


def _listed(values: Span | Categorical) -> list[float]:
    if isinstance(values, Categorical):
        return [float(value) for value in values.choices if isinstance(value, int | float)]
    space = np.geomspace if values.log else np.linspace
    return [float(f"{value:.6g}") for value in space(values.low, values.high, _OF_A_RANGE)]


def family_with(plan: Plan, values: Mapping[str, Sequence[float]]) -> FamilyRecipe:
    """The plan's family with hyperparameters as features: each of its tasks with all their values.

    Raises:
        UserError: a feature that has a hyperparameter's name.
    """
    base, features = Family(plan.family), {}
    for name, each in values.items():
        if name in plan.family.features:
            raise UserError(
                f"family {base.name!r}: found a feature {name!r}; allowed with"
                f" {user_syntax('as_context', '--as-context')}: none of that name"
            )
        own = vars(plan.base.algorithm)[name]
        features[name] = hyperparameter_feature(name, each, float(own) if is_number(own) else each[0])
    return crossed(base, features, values, ("train", CHOICE))


def hyperparameter_feature(name: str, values: Sequence[float], default: float) -> Feature:
    """The feature that carries a hyperparameter, one category for each of its values.

    Args:
        name: of the hyperparameter.
        values: in ascending order, two at least.
        default: one of them.
    """
    fields = {
        "about": _ABOUT[name],
        "default": default,
        "train": (values[0], values[-1]),
        "values": tuple(values),
        "encoding": "categorical",
        "hyperparameter": name,
    }
    return Feature.parse(fields, name)


def crossed(
    family: Family,
    features: Mapping[str, Feature],
    values: Mapping[str, Sequence[float]],
    splits: Sequence[str],
) -> FamilyRecipe:
    """A family with more features: each task of some splits with every combination of their values.

    Args:
        family: the family without them.
        features: which are added.
        values: of each.
        splits: that it has; the others are empty.
    """
    tasks = {
        split: {
            "list": [{**task.raw, **choice} for task in family.tasks(split) for choice in combined(values)]
        }
        for split in splits
    }
    others = {split: () for split in ALL_SPLITS if split not in splits}
    return family.recipe.model_copy(
        update={
            "features": {**family.recipe.features, **features},
            "splits": Splits.model_validate({**tasks, **others}),
        }
    )


def combined(values: Mapping[str, Sequence[float]]) -> list[dict[str, float]]:
    """Every combination of values."""
    return [dict(zip(values, each, strict=True)) for each in product(*values.values())]


def play_values(
    policy: Policy, family: Family, values: Mapping[str, Sequence[float]], progress: Progress | None = None
) -> list[float]:
    """Mean return on the validation tasks with each combination of values, in the order of `combined`.

    Args:
        policy: an agent that was trained on the family.
        family: with hyperparameters as features (`family_with`).
        values: by hyperparameter.
        progress: called with the episodes' steps done and planned.
    """
    choices, tasks = combined(values), family.tasks(CHOICE)
    episodes = family.recipe.evaluation.episodes
    results = evaluate_tasks(policy, family, tasks, episodes=episodes, progress=progress)
    means = []
    for choice in choices:
        own = [
            result.mean
            for task, result in zip(tasks, results, strict=True)
            if all(task[name] == value for name, value in choice.items())
        ]
        means.append(fmean(own))
    return means
