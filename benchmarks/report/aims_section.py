"""The part of the results page on aims as context: discount factors of one run, and fronts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.learning.variants import FORMAT
from benchmarks.report.comparison import number
from benchmarks.report.speed_section import table
from benchmarks.report.variants import Interval
from hyperrl.errors import UserError

SEPARATE, CONTEXT, TOTAL, FRONT = "separate", "context", "total", "front"
"""What results call runs on one value each, one run at the same values, one run of as many steps as these
together, and one run at more values."""


@dataclass(frozen=True)
class Aims:
    """All seeds of a family.

    Attributes:
        name: the family's.
        kind: "discount" or "front".
        records: what the files hold, by seed.
    """

    name: str
    kind: str
    records: tuple[Mapping[str, Any], ...]

    @property
    def steps(self) -> int:
        """Environment steps of the one run."""
        return int(self.records[0]["planned_steps"])

    def returns(self, role: str, value: str) -> Interval:
        """Mean return with a discount factor, over seeds and tasks."""
        return Interval.of(np.array([record["returns"][role][value] for record in self.records]))

    def difference(self, value: str) -> Interval:
        """Mean of the one run of equal total steps minus separate runs', seed by seed and task by task."""
        one, other = (
            np.array([record["returns"][role][value] for record in self.records])
            for role in (TOTAL, SEPARATE)
        )
        return Interval.of(one - other)

    def best(self, role: str, record: Mapping[str, Any]) -> str:
        """The discount factor with the highest mean return in one seed."""
        found: Mapping[str, Sequence[float]] = record["returns"][role]
        return max(found, key=lambda value: float(np.mean(found[value])))

    def volumes(self, role: str) -> list[float]:
        """The hypervolume of each seed."""
        return [float(record["hypervolume"][role]) for record in self.records]

    @property
    def seeds_ahead(self) -> int:
        """Seeds in which the one run has more hypervolume than the separate ones at the same weights."""
        pairs = zip(self.volumes(CONTEXT), self.volumes(SEPARATE), strict=True)
        return sum(one > other for one, other in pairs)


def load(root: Path) -> list[Aims]:
    """Every family that has results below `root`, by name; UserError for a file that is no result."""
    found: dict[str, dict[int, Mapping[str, Any]]] = {}
    for path in sorted(root.glob("*/seed-*.json")):
        record = json.loads(path.read_bytes())
        if record.get("format") != FORMAT or record.get("kind") not in ("discount", "front"):
            raise UserError(f"result {str(path)!r}: not a result of format {FORMAT}")
        found.setdefault(record["family"], {})[int(record["seed"])] = record
    return [
        Aims(name, str(next(iter(seeds.values()))["kind"]), tuple(seeds[seed] for seed in sorted(seeds)))
        for name, seeds in found.items()
    ]


def section(families: Sequence[Aims], note: str | None) -> str:
    """The section in Markdown.

    Args:
        families: results of the benchmark.
        note: what a person makes of it.
    """
    parts = ["## Aims as context"]
    if discounts := [each for each in families if each.kind == "discount"]:
        parts += _discounts(discounts)
    if fronts := [each for each in families if each.kind == "front"]:
        parts += _fronts(fronts)
    return "\n\n".join([*parts, *([note.strip()] if note else [])]) + "\n"


def _discounts(families: Sequence[Aims]) -> list[str]:
    about = (
        "`python -m benchmarks.learning.aims`: one run of `hyper-ppo` that has the"
        " [discount factor as context](aims.md#the-discount-factor-and-the-entropy-coefficient), beside a run"
        " for each of five discount factors. *Steps* are those of each separate run; one run has as many, the"
        " other as many as the five together. Undiscounted mean return on `interpolation` with its 95 %"
        " interval over seeds and tasks; the last column is the difference at equal total steps, bold where"
        " its interval leaves 0 out."
    )
    cells = [
        [
            f"`{each.name}`",
            f"{each.steps:,}",
            str(len(each.records)),
            value,
            *(str(each.returns(role, value)) for role in (CONTEXT, TOTAL, SEPARATE)),
            each.difference(value).signed,
        ]
        for each in families
        for value in each.records[0]["returns"][CONTEXT]
    ]
    heads = [
        "family",
        "steps",
        "seeds",
        "discount",
        "one run",
        "one run, 5 x steps",
        "separate",
        "difference",
    ]
    found = [
        f"On `{each.name}` the best discount factor of the longer run was the best of the separate runs in"
        f" {sum(each.best(TOTAL, record) == each.best(SEPARATE, record) for record in each.records)} of"
        f" {len(each.records)} seeds."
        for each in families
    ]
    return [about, table(heads, cells), " ".join(found)]


def _fronts(families: Sequence[Aims]) -> list[str]:
    about = (
        "Fronts: one run of an agent whose context is a"
        " [weight of the reward](aims.md#weights-of-the-reward), beside five plain agents, each trained on"
        " one weight with a fifth of its steps. Hypervolume above one reference for all: mean over seeds,"
        " with the lowest and the highest of them."
    )
    cells = [
        [
            f"`{each.name}`",
            f"{each.steps:,}",
            str(len(each.records)),
            *(_volume(each.volumes(role)) for role in (FRONT, CONTEXT, SEPARATE)),
            str(each.seeds_ahead),
        ]
        for each in families
    ]
    of_one = ["one run, 11 weights", "one run, 5 weights"]
    heads = ["family", "steps", "seeds", *of_one, "separate runs", "seeds ahead with 5"]
    return [about, table(heads, cells)]


def _volume(volumes: Sequence[float]) -> str:
    """The mean, with the lowest and the highest."""
    return f"{number(float(np.mean(volumes)))} [{number(min(volumes))}, {number(max(volumes))}]"
