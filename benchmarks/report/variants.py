"""Results of `benchmarks.learning.variants`: agents that were played in several ways, gathered by family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.learning.variants import FORMAT
from benchmarks.report.comparison import number
from benchmarks.report.result_file import read_result
from benchmarks.report.speed_section import table
from hyperrl.errors import UserError
from hyperrl.evaluation.statistics import mean_error

ENOUGH = 5
"""Seeds that a family needs for an interval over seeds that is worth the name."""


@dataclass(frozen=True)
class Interval:
    """A mean over seeds and tasks with its 95 % interval; none where there is a single seed and task."""

    value: float
    low: float | None
    high: float | None

    @classmethod
    def of(cls, scores: NDArray[np.float64]) -> Interval:
        """Of scores (seeds, tasks): other seeds and other tasks like these would change the mean so much."""
        error = mean_error(scores[..., None], rare=False)
        return cls(float(scores.mean()), error.low, error.high)

    @property
    def above(self) -> bool:
        """Whether the whole interval is above 0."""
        return self.low is not None and self.low > 0

    @property
    def below(self) -> bool:
        """Whether the whole interval is below 0."""
        return self.high is not None and self.high < 0

    def __str__(self) -> str:
        ends = "" if self.low is None or self.high is None else f" [{number(self.low)}, {number(self.high)}]"
        return f"{number(self.value)}{ends}"

    @property
    def signed(self) -> str:
        """The interval as that of a difference; bold where it leaves zero out."""
        ends = "" if self.low is None or self.high is None else f" [{self.low:+.3g}, {self.high:+.3g}]"
        text = f"{self.value:+.3g}{ends}"
        return f"**{text}**" if self.above or self.below else text


@dataclass(frozen=True)
class FamilyVariants:
    """All seeds of a family.

    Attributes:
        name: the family's.
        records: what the files hold, by seed.
    """

    name: str
    records: tuple[Mapping[str, Any], ...]

    @property
    def seeds(self) -> list[int]:
        """The seeds in order."""
        return [int(record["seed"]) for record in self.records]

    @property
    def splits(self) -> list[str]:
        """The splits that were played."""
        return list(self.records[0]["splits"])

    def scores(self, name: str, split: str) -> NDArray[np.float64]:
        """Mean returns (seeds, tasks) of what played under a name."""
        return np.array([np.mean(record["splits"][split][name], axis=1) for record in self.records])

    def mean(self, name: str, split: str) -> Interval:
        """Mean return over seeds and tasks."""
        return Interval.of(self.scores(name, split))

    def difference(self, one: str, other: str, split: str) -> Interval:
        """Mean of one minus the other, seed by seed and task by task."""
        return Interval.of(self.scores(one, split) - self.scores(other, split))

    def worst(self, name: str, split: str) -> Mapping[str, Any]:
        """The worst task of any seed, as of `SplitSummary`; by the part of the oracle, where it is known."""
        found: list[Mapping[str, Any]] = [record["worst"][name][split] for record in self.records]
        key = "mean" if any(each["of_oracle"] is None for each in found) else "of_oracle"
        return min(found, key=lambda each: float(each[key]))


def load(root: Path) -> list[FamilyVariants]:
    """Every family that has results below `root`, by name.

    Raises:
        UserError: a file that is no result, or seeds of a family that differ in steps or tasks.
    """
    found: dict[str, dict[int, Mapping[str, Any]]] = {}
    for path in sorted(root.glob("*/seed-*.json")):
        record = _read(path)
        found.setdefault(record["family"], {})[int(record["seed"])] = record
    return [_checked(root, name, [seeds[seed] for seed in sorted(seeds)]) for name, seeds in found.items()]


def cautions(families: Sequence[FamilyVariants]) -> list[str]:
    """A sentence about families with few seeds, whose intervals say less than they seem to; else none.

    Args:
        families: the results of a section.
    """
    single = dict.fromkeys(f"`{each.name}`" for each in families if len(each.seeds) == 1)
    few = dict.fromkeys(f"`{each.name}`" for each in families if 1 < len(each.seeds) < ENOUGH)
    sentences = []
    if single:
        sentences.append(f"Of {', '.join(single)} there is one seed: its intervals are over tasks alone.")
    if few:
        sentences.append(f"Of {', '.join(few)} there are fewer than {ENOUGH} seeds.")
    return [" ".join(sentences)] if sentences else []


def by_split(
    families: Sequence[FamilyVariants], columns: Mapping[str, str], one: str, other: str, difference: str
) -> str:
    """A table in Markdown with a line for each split of each family: means, and a difference last.

    Args:
        families: the results.
        columns: what plays, by name, and the heading of each column.
        one: the name from whose returns the other's are taken.
        other: likewise.
        difference: the heading of the last column.
    """
    cells = [
        [
            f"`{each.name}`",
            split,
            str(len(each.seeds)),
            *(str(each.mean(name, split)) for name in columns),
            each.difference(one, other, split).signed,
        ]
        for each in families
        for split in each.splits
    ]
    return table(["family", "split", "seeds", *columns.values(), difference], cells)


def _read(path: Path) -> Mapping[str, Any]:
    data = read_result(path, FORMAT)
    if (data["family"], f"seed-{data['seed']}") != (path.parent.name, path.stem):
        raise UserError(f"result {str(path)!r}: is of {data['family']} / seed-{data['seed']}")
    return data


def _checked(root: Path, name: str, records: Sequence[Mapping[str, Any]]) -> FamilyVariants:
    first = records[0]
    for record in records:
        same = ("planned_steps", "episodes", "agents", "rim")
        differing = [what for what in same if record.get(what) != first.get(what)]
        differing += ["tasks"] if _tasks(record) != _tasks(first) else []
        if differing:
            where = f"results {str(root / name)!r}"
            raise UserError(
                f"{where}: seeds {first['seed']} and {record['seed']} differ in their {differing[0]}"
            )
    return FamilyVariants(name, tuple(records))


def _tasks(record: Mapping[str, Any]) -> Any:
    return {split: rows["contexts"] for split, rows in record["splits"].items()}
