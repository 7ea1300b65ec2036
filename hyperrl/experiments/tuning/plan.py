"""What a study tries: an agent on a family, the values of its fields, and how long each run trains."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from pathlib import Path
from typing import Any

from hyperrl.errors import UserError, user_syntax
from hyperrl.evaluation.plan import CHOICE
from hyperrl.experiments.digest import digest_of, source_files
from hyperrl.experiments.jobs import Job
from hyperrl.recipes import AgentRecipe, FamilyRecipe, SuiteEvaluation, resolve
from hyperrl.recipes.fields import covers
from hyperrl.recipes.messages import FieldError
from hyperrl.recipes.resolve import overridden
from hyperrl.recipes.search import Categorical, Dimension, Span, dimensions
from hyperrl.tasks import Family

_LONGEST_NAME = 64


@dataclass(frozen=True)
class Plan:
    """What a study tries.

    Attributes:
        agent: the recipe as its file has it.
        family: what it trains on.
        overrides: the user's, which are the same in every trial.
        recipe: the agent's name or path, as the user gave it.
        steps: environment steps of each run; None: the recipe's.
        seeds: runs of each trial, with the seeds 0, 1 and so on.
        out: folder of the runs.
    """

    agent: AgentRecipe
    family: FamilyRecipe
    overrides: tuple[str, ...]
    recipe: str
    steps: int | None
    seeds: int
    out: Path

    @property
    def name(self) -> str:
        """What messages, and the storage, call the study."""
        return f"{self.agent.name} on {self.family.name}"

    @cached_property
    def base(self) -> AgentRecipe:
        """The recipe as it is, as it trains on the family."""
        return resolve(self.agent, self.family, self._overrides)

    @property
    def _overrides(self) -> tuple[str, ...]:
        return self.overrides if self.steps is None else (*self.overrides, f"steps={self.steps}")

    @cached_property
    def space(self) -> tuple[Dimension, ...]:
        """What is searched: what an override says, else the recipe, else its algorithm and kind of policy.

        A field that the user overrides is fixed.

        Raises:
            UserError: a field or a value that does not fit the agent as it trains on the family, or nothing
                is left to search.
        """
        given = resolve(self.agent, self.family, self.overrides, keep_search=True)
        chosen = given.search or self.agent.search or given.search_space
        fixed = [name for name in map(overridden, self.overrides) if name != "search"]
        left = {
            name: values for name, values in chosen.items() if not any(covers(name, key) for key in fixed)
        }
        if not left:
            raise UserError(
                f"agent {self.agent.name!r}: found nothing to search; allowed: a field `search` with fields"
                f" that {user_syntax('overrides', '--set')} leaves open"
            )
        try:
            return dimensions(left, given)
        except FieldError as error:
            raise UserError(f"agent {self.agent.name!r} on family {self.family.name!r}: {error}") from None

    @property
    def evaluations(self) -> int:
        """Evaluations of each run after its first step; the last one is at the end."""
        return max(1, ceil(self.base.steps / self.base.evaluate_every))

    def evaluation(self, steps: int) -> int:
        """Which evaluation of a run the one after so many steps is: from 0, before the first, to the last.

        Runs whose rollouts have other lengths evaluate after other steps, and are compared all the same.
        """
        if steps >= self.base.steps:
            return self.evaluations
        return min(steps // self.base.evaluate_every, self.evaluations)

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What must stay the same while a study goes on, by what messages call it."""
        sources = [source and source.sha256 for source in source_files(self.base, self.family)]
        recipe = self.base.model_copy(update={"steps": 1})
        return {
            "family": digest_of(self.family),
            "recipe": digest_of([recipe, sources]),
            "search space": digest_of([[each.name, _plain(each.values)] for each in self.space]),
            "steps": self.base.steps,
            "seeds": self.seeds,
        }

    def job(self, number: int, overrides: Sequence[str], seed: int) -> Job:
        """A run of a trial.

        Args:
            number: of the trial.
            overrides: its values.
            seed: of the run.

        Raises:
            UserError: the recipe does not take these values together.
        """
        every = (*self._overrides, *overrides)
        name = f"-trial-{number}"
        agent = resolve(self.agent, self.family, every)
        within = Path(f"trial-{number}")
        return Job(
            suite=self.name, name=f"trial {number}", recipe=self.recipe,
            agent=agent.model_copy(update={"name": self.agent.name[: _LONGEST_NAME - len(name)] + name}),
            family=self.family, seed=seed, overrides=every, evaluation=SuiteEvaluation(),
            folder=self.out / within / f"seed-{seed}",
            result=self.out / "results" / within / f"seed-{seed}.json",
        )  # fmt: skip


def require_choice(family: Family) -> None:
    """UserError for a family without validation tasks, by which trials are compared."""
    if not family.tasks(CHOICE):
        raise UserError(
            f"family {family.name!r}: found no task in the split {CHOICE}; allowed: one or more, as trials"
            " are compared by them and by no other split"
        )


def _plain(values: Span | Categorical) -> Mapping[str, Any]:
    """Values as JSON values."""
    return dict(json.loads(values.model_dump_json()))
