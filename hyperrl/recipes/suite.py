"""A suite: which agents are trained on which families, with which seeds. Reading one executes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from hyperrl.recipes.base import Count, Model, Name, Text, Whole, matching
from hyperrl.recipes.messages import FieldError

MAX_SEEDS = 10_000
SPECIALIST = "specialist"
_SEEDS = (
    f"a number of seeds from 1 to {MAX_SEEDS:,}, a list of different seeds, or"
    " {from: first seed, n: how many}"
)

Seed = Annotated[Whole, Field(ge=0, lt=2**32)]
RowName = Annotated[
    str,
    matching(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,63}", "at most 64 letters, digits, spaces, '-' and '_'"),
]


class SeedRange(Model):
    """Seeds that follow one another."""

    first: Seed = Field(alias="from")
    """the first seed"""
    n: Annotated[Count, Field(le=MAX_SEEDS)]
    """how many"""


def _seeds(value: object) -> object:
    """The list of seeds that a number of them or a range stands for."""
    if isinstance(value, Mapping):
        span = SeedRange.model_validate(value)
        value = list(range(span.first, span.first + span.n))
    elif isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_SEEDS:
        value = list(range(value))
    if not isinstance(value, (list, tuple)) or not value or len(set(map(str, value))) < len(value):
        raise FieldError(found=value, allowed=_SEEDS)
    return value


def _entry(value: object) -> object:
    return {"agent": value} if isinstance(value, str) else value


class SuiteEntry(Model):
    """An agent of a suite, and what is changed in it."""

    agent: Text
    """an agent's name, or the path of its YAML file seen from the suite's folder"""
    name: RowName | None = None
    """what tables and folders call it; null: the agent's name, where nothing is changed in it"""
    overrides: tuple[Text, ...] = ()
    """fields of the agent, FIELD=VALUE, after those of the block and of the suite"""

    @model_validator(mode="after")
    def _changed_agents_have_names(self) -> Self:
        if self.overrides and self.name in (None, self.agent):
            raise self.refusal("name", allowed="a name of its own, as overrides make it another agent")
        return self


class SuiteBlock(Model):
    """Runs of a suite: each of some agents on each of some families with each of some seeds."""

    agents: Annotated[
        tuple[Annotated[SuiteEntry, BeforeValidator(_entry)], ...], Field(min_length=1, max_length=1000)
    ]
    """agents: names, or {agent: NAME, name: NAME IN TABLES, overrides: [FIELD=VALUE, ...]}"""
    families: Annotated[tuple[Text, ...], Field(min_length=1, max_length=1000)]
    """families' names, or paths of their YAML files seen from the suite's folder"""
    seeds: Annotated[tuple[Seed, ...], BeforeValidator(_seeds)]
    """how many seeds from 0 on, a list of them, or {from: first seed, n: how many}"""
    steps: Count | None = None
    """environment steps of each run; null: what the recipes say"""
    overrides: tuple[Text, ...] = ()
    """fields of all its agents, FIELD=VALUE, after those of the suite"""


class SuiteEvaluation(Model):
    """How the best weights of each run are evaluated after its training."""

    seed: Seed = 0
    """seed of the starts"""
    episodes: Annotated[Count, Field(le=10**5)] | None = None
    """episodes of each task; null: the family's number"""


class SuiteOracle(Model):
    """Specialists, plain policies that are trained on one task each: an upper bound where none is known."""

    agent: Text | None = None
    """the agent whose algorithm and hidden sizes they have, by name or path; null: the first one of each
    family in the suite"""
    tasks: Annotated[Count, Field(le=1000)] = 3
    """how many tasks of interpolation, and of extrapolation, have one"""
    steps: Count | None = None
    """environment steps of each; null: the most of an agent on the family in the suite"""
    seed: Seed = 0
    """chooses the tasks, and seeds each training"""


def _oracle(value: object) -> object:
    """`specialist` alone stands for the defaults."""
    if value == SPECIALIST:
        return {}
    if value is not None and not isinstance(value, Mapping | SuiteOracle):
        fields = ", ".join(SuiteOracle.model_fields)
        raise FieldError(found=value, allowed=f"{SPECIALIST}, or a mapping with fields of {fields}")
    return value


class SuiteRecipe(Model):
    """A suite, as `benchmarks/suites/*.yaml` writes it."""

    format: Literal[1] = 1
    """version of this file format"""
    name: Name
    """the suite's name; a file's stem where the file gives none"""
    about: Text
    """what it compares, in words"""
    overrides: tuple[Text, ...] = ()
    """fields of all agents, FIELD=VALUE"""
    evaluation: SuiteEvaluation = SuiteEvaluation()
    """how each run is evaluated"""
    oracle: Annotated[SuiteOracle | None, BeforeValidator(_oracle)] = None
    """upper bounds where no optimum is known: specialist, or {agent: NAME, tasks: N, steps: N, seed: N}"""
    runs: Annotated[tuple[SuiteBlock, ...], Field(min_length=1, max_length=1000)]
    """blocks of runs"""
    folder: Text | None = None
    """where paths of agents and families begin, seen from the suite's file; null: in its folder"""
