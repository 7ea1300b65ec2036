"""The part of the results page that says how well contexts are identified from random actions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.learning.identify import COMBINATIONS, FAMILIES, FORMAT, LEVELS, MODELS, NOISE, product
from benchmarks.report.result_file import read_result
from benchmarks.report.speed_section import table
from benchmarks.report.variants import Interval
from hyperrl.errors import UserError

Floats = NDArray[np.float64]
SENSORS = {"exact": "exact", "noisy": f"{NOISE['noisy']:.0%} noise"}
"""The conditions, as the tables call them."""
RESAMPLES = 2000


@dataclass(frozen=True)
class Identified:
    """All seeds of a family under one model.

    Attributes:
        family: the family's name.
        model: what predicts.
        records: what the files hold, by seed.
    """

    family: str
    model: str
    records: tuple[Mapping[str, Any], ...]

    @property
    def features(self) -> list[str]:
        """The features' names."""
        return list(self.records[0]["features"])

    @property
    def discrete(self) -> list[bool]:
        """Which features take some values alone."""
        return list(self.records[0]["choices"])

    @cached_property
    def truth(self) -> Floats:
        """The tasks, (seeds, tasks, features)."""
        return np.array([record["tasks"] for record in self.records])

    def estimates(self, condition: str) -> Floats:
        """What was estimated, (seeds, tasks, features)."""
        return self._rows(condition, "estimate")

    def errors(self, condition: str, place: int) -> Floats:
        """Absolute errors of a feature, (seeds, tasks)."""
        found: Floats = np.abs(self.estimates(condition) - self.truth)[..., place]
        return found

    def errors_of_product(self, condition: str, powers: Mapping[str, int]) -> Floats:
        """Errors of a product of features as parts of its true value, (seeds, tasks)."""
        found, true = (
            np.stack([product(rows, self.features, powers) for rows in values])
            for values in (self.estimates(condition), self.truth)
        )
        parts: Floats = np.abs(found / true - 1.0)
        return parts

    def covered(self, condition: str, place: int, level: float) -> Floats:
        """1 where the interval of a feature holds the true value, else 0, (seeds, tasks)."""
        ends = self._rows(condition, f"{level:g}")[:, :, place]
        true = self.truth[..., place]
        inside: Floats = ((ends[..., 0] <= true) & (true <= ends[..., 1])).astype(np.float64)
        return inside

    def right_signs(self, condition: str, place: int) -> Floats:
        """1 where the estimate has the sign of the true value, else 0, (seeds, tasks)."""
        right = np.sign(self.estimates(condition)) == np.sign(self.truth)
        signs: Floats = right[..., place].astype(np.float64)
        return signs

    def has_both_signs(self, place: int) -> bool:
        """Whether a feature may be on either side of 0."""
        low, high = self.records[0]["ranges"][place]
        return bool(low < 0 < high)

    def guess(self, place: int) -> float:
        """The median error of who always says the middle of the range."""
        low, high = self.records[0]["ranges"][place]
        return float(high - low) / 4

    def _rows(self, condition: str, field: str) -> Floats:
        return np.array([[row[field] for row in record["conditions"][condition]] for record in self.records])


def load(root: Path) -> list[Identified]:
    """Every family and model that has results below `root`, in the benchmark's order.

    Raises:
        UserError: a file that is no result, or seeds that differ in how they were made.
    """
    found = []
    for family in FAMILIES:
        for model in MODELS:
            files = sorted((root / family / model).glob("seed-*.json"))
            records = sorted((_read(file) for file in files), key=lambda record: int(record["seed"]))
            for record in records:
                for field in ("features", "ranges", "particles", "noise"):
                    if record[field] != records[0][field]:
                        raise UserError(
                            f"results {str(root / family / model)!r}: seeds {records[0]['seed']} and"
                            f" {record['seed']} differ in their {field}"
                        )
            if records:
                found.append(Identified(family, model, tuple(records)))
    return found


def _read(path: Path) -> Mapping[str, Any]:
    data = read_result(path, FORMAT)
    place = (path.parent.parent.name, path.parent.name, path.stem)
    if (data["family"], data["model"], f"seed-{data['seed']}") != place:
        raise UserError(f"result {str(path)!r}: is of {data['family']} / {data['model']} / {data['seed']}")
    return data


def resampled(values: Floats, statistic: Any) -> Interval:
    """A statistic of values (seeds, tasks) with its 95 % interval by bootstrap.

    Seeds are drawn with replacement, and tasks within each of them: tasks of one seed share a model.
    """
    seeds, tasks = values.shape
    rng = np.random.default_rng(0)
    rows = rng.integers(seeds, size=(RESAMPLES, seeds, 1)) if seeds > 1 else np.zeros((RESAMPLES, 1, 1), int)
    drawn = values[rows, rng.integers(tasks, size=(RESAMPLES, seeds, tasks))]
    found = statistic(drawn.reshape(RESAMPLES, -1), axis=1)
    low, high = np.quantile(found, (0.025, 0.975))
    return Interval(float(statistic(values)), float(low), float(high))


def section(results: Sequence[Identified], note: str | None) -> str:
    """The section in Markdown.

    Args:
        results: of the benchmark.
        note: what a person makes of it.
    """
    parts = ["## What identification tells", *_findings(results), _about(results)]
    for family in dict.fromkeys(each.family for each in results):
        some = [each for each in results if each.family == family]
        seeds = {each.model: len(each.records) for each in some}
        listed = ", ".join(f"{count} of the model `{model}`" for model, count in seeds.items())
        parts += [f"`{family}`, seeds: {listed}.", _table(some)]
    return "\n\n".join([*parts, *([note.strip()] if note else [])]) + "\n"


def _about(results: Sequence[Identified]) -> str:
    tasks = sorted({each.truth.shape[1] for each in results})
    particles = sorted({int(record["particles"]) for each in results for record in each.records})
    return (
        f"`python -m benchmarks.learning.identify`: {_listed(tasks)} tasks a seed, drawn from the training"
        " ranges, each from one episode of random actions, by the family's own equations (`dynamics`) and by"
        " a generated forward model of random actions on the training tasks (`learned`);"
        f" {_listed(particles)} particles. Sensors are exact, or have noise of a part of each number's"
        " standard deviation. The error is the median of the absolute errors, or of those of a product as"
        " parts of it; *without data* is the median error of the middle of the range. The next columns say"
        " how often the intervals of 50 % and 90 % hold the true value; they are bold where the 95 % interval"
        " of this share leaves the"
        " nominal one out. Intervals are by bootstrap over seeds, and over the tasks of each."
    )


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def _findings(results: Sequence[Identified]) -> Iterator[str]:
    """First features that the data do not tell and intervals that hold too little; then signs."""
    lines = []
    unknown = [
        f"{name} of `{each.family}` (`{each.model}`)"
        for each in results
        for place, name in enumerate(each.features)
        if not each.discrete[place]
        and float(np.median(each.errors("exact", place))) > 0.5 * each.guess(place)
    ]
    if unknown:
        lines.append(
            "An episode of random actions does not tell all features, even by exact sensors. The error is"
            f" more than half of that without any data for {', '.join(unknown)}."
        )
    shares = [
        (each, condition, place, level, resampled(each.covered(condition, place, level), np.mean))
        for each in results
        for condition in SENSORS
        for place in range(len(each.features))
        if not each.discrete[place]
        for level in LEVELS
    ]
    narrow = [
        f"{each.features[place]} of `{each.family}` (`{each.model}`, {SENSORS[condition]}, {level:.0%})"
        for each, condition, place, level, share in shares
        if share.high is not None and share.high < level
    ]
    wide = sum(share.low is not None and share.low > level for _, _, _, level, share in shares)
    lines.append(
        f"Of {len(shares)} rates at which intervals hold the true value, {len(narrow)} are clearly below the"
        f" nominal one{': ' + ', '.join(narrow) if narrow else ''}; {wide} are clearly above it. Chance alone"
        " would make 1 in 40 of either."
    )
    signs = {
        model: np.concatenate(
            [
                each.right_signs(condition, place).ravel()
                for each in results
                if each.model == model
                for condition in SENSORS
                for place in range(len(each.features))
                if each.has_both_signs(place)
            ]
            or [np.empty(0)]
        )
        for model in MODELS
    }
    right_by_model = [
        f"{int(right.sum())} of {right.size} by `{model}`" for model, right in signs.items() if right.size
    ]
    if right_by_model:
        lines.append(f"Signs that are right: {', '.join(right_by_model)}.")
    yield from lines


def _table(results: Sequence[Identified]) -> str:
    signed = any(each.has_both_signs(place) for each in results for place in range(len(each.features)))
    heads = ["model", "sensors", "feature", "error", "without data", *(f"{level:.0%}" for level in LEVELS)]
    heads += ["signs right"] if signed else []
    cells = [
        [each.model, SENSORS[condition], *row]
        for each in results
        for condition in SENSORS
        for row in _features(each, condition, signed)
    ]
    return table(heads, cells)


def _features(each: Identified, condition: str, signed: bool) -> Iterator[list[str]]:
    """A line for each feature, and for each product that the family's equations depend on."""
    for place, name in enumerate(each.features):
        row = [f"`{name}`"]
        if each.discrete[place]:
            row += [""] * (2 + len(LEVELS))
        else:
            error = resampled(each.errors(condition, place), np.median)
            row += [_short(error), f"{each.guess(place):.2g}"]
            row += [
                _share(resampled(each.covered(condition, place, level), np.mean), level) for level in LEVELS
            ]
        if signed:
            both = each.has_both_signs(place)
            row.append(f"{each.right_signs(condition, place).mean():.0%}" if both else "")
        yield row
    for name, powers in COMBINATIONS.get(each.family, {}).items():
        error = resampled(each.errors_of_product(condition, powers), np.median)
        yield [name, f"{100 * error.value:.2g} %", *[""] * (1 + len(LEVELS) + signed)]


def _short(error: Interval) -> str:
    return f"{error.value:.2g} [{error.low:.2g}, {error.high:.2g}]"


def _share(share: Interval, nominal: float) -> str:
    text = f"{share.value:.0%} [{share.low:.0%}, {share.high:.0%}]"
    off = share.low is not None and share.high is not None and not share.low <= nominal <= share.high
    return f"**{text}**" if off else text
