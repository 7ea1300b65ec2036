"""What is expected of the results, and whether they are so."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.comparison import difference, episode_steps, per_step, steps_until, there
from benchmarks.records import FamilyResults

HYPER, CONCAT = "hyper-ppo", "concat-ppo"
COMPARED = ("point-goal", "cartpole", "pendulum", "double-integrator")
INTERPOLATION_GOAL, EXTRAPOLATION_GOAL = 0.859, 0.93
"""Of the mean reward per step on `ode`: in every seed, and in the mean over seeds."""

GRID_GOAL = 0.9
"""Of the optimum on the grid of `ode-2d`, in the mean over seeds."""


@dataclass(frozen=True)
class Verdict:
    """One expectation: what it is, what was found, and whether it is met."""

    expected: str
    found: str
    met: bool


def verdicts(families: Sequence[FamilyResults], speed: Mapping[str, Mapping[str, Any]]) -> Iterator[Verdict]:
    """Every expectation that there are results for."""
    named = {results.name: results for results in families}
    if "ode" in named and HYPER in named["ode"].agents:
        yield from _ode(named["ode"])
    if "ode-2d" in named and HYPER in named["ode-2d"].agents:
        yield _grid(named["ode-2d"])
    for name in COMPARED:
        if name in named and {HYPER, CONCAT} <= set(named[name].agents):
            yield _not_below(named[name])
    if "double-integrator" in named and {HYPER, CONCAT} <= set(named["double-integrator"].agents):
        yield _sooner(named["double-integrator"])
    for report in speed.values():
        yield from _speed(report)


def _speed(report: Mapping[str, Any]) -> Iterator[Verdict]:
    """One verdict for each goal of a benchmark; what was measured at several G has one, by the worst."""
    same: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for each in report["measures"]:
        if each["met"] is not None:
            same.setdefault((re.sub(r", G = \d+", "", each["name"]), each["goal"]), []).append(each)
    for (name, goal), measures in same.items():
        numbers = re.findall(r", G = (\d+)", " ".join(each["name"] for each in measures))
        at = f", G = {' / '.join(numbers)}" if numbers else ""
        worst = (max if goal.startswith("<") else min)(each["value"] for each in measures)
        yield Verdict(f"{name}{at}: {goal}", f"{worst:g}", all(each["met"] for each in measures))


def _ode(results: FamilyResults) -> Iterator[Verdict]:
    inside = per_step(results, HYPER, "interpolation")
    lowest = float(inside.min())
    yield Verdict(
        f"`ode`: `{HYPER}` reaches {INTERPOLATION_GOAL} mean reward per step on interpolation in every seed"
        f" (optimum {optimum(results, 'interpolation'):.3f})",
        f"lowest of {len(inside)} seeds {lowest:.4f}, {_off(lowest, INTERPOLATION_GOAL)}",
        lowest >= INTERPOLATION_GOAL,
    )
    outside = float(np.mean(per_step(results, HYPER, "extrapolation")))
    yield Verdict(
        f"`ode`: `{HYPER}` reaches {EXTRAPOLATION_GOAL} on extrapolation in the mean over seeds"
        f" (optimum {optimum(results, 'extrapolation'):.3f})",
        f"mean {outside:.4f}, {_off(outside, EXTRAPOLATION_GOAL)}",
        outside >= EXTRAPOLATION_GOAL,
    )


def _grid(results: FamilyResults) -> Verdict:
    splits = ("interpolation", "extrapolation")
    scores = np.concatenate([results.scores(HYPER, split) for split in splits], axis=1)
    known = np.concatenate([results.oracle(split) for split in splits])
    parts = scores.mean(axis=1) / known.mean()
    return Verdict(
        f"`{results.name}`: `{HYPER}` reaches {GRID_GOAL:.0%} of the optimum on the grid"
        " in the mean over seeds",
        f"{parts.mean():.1%} [{parts.min():.1%} to {parts.max():.1%}] over {len(parts)} seeds",
        bool(parts.mean() >= GRID_GOAL),
    )


def optimum(results: FamilyResults, split: str) -> float:
    """Best known mean reward per step on a split."""
    known = results.oracle(split)
    assert known is not None
    return float(np.mean(known)) / episode_steps(results)


def _off(value: float, goal: float) -> str:
    return f"{abs(value - goal):.4f} {'above' if value >= goal else 'below'}"


def _not_below(results: FamilyResults) -> Verdict:
    gap = difference(*results.paired(HYPER, CONCAT, "interpolation"))
    return Verdict(
        f"`{results.name}`: `{HYPER}` not below `{CONCAT}` on interpolation by more than the interval",
        f"{gap.value:+.2f} [{gap.low:+.2f}, {gap.high:+.2f}] over {gap.runs} seeds",
        gap.high >= 0,
    )


def _sooner(results: FamilyResults) -> Verdict:
    level = there(results)
    took = {agent: [steps_until(run, level) for run in results.agents[agent]] for agent in (HYPER, CONCAT)}
    return Verdict(
        f"`{results.name}`: solved by `{HYPER}` in clearly fewer steps than by `{CONCAT}`"
        " (each seed sooner than any of the other's)",
        f"a mean return of {level:.1f} on interpolation after {spell(took[HYPER])} steps"
        f" against {spell(took[CONCAT])}",
        max(took[HYPER]) < min(took[CONCAT]),
    )


def spell(steps: Sequence[float]) -> str:
    """Median and range of steps over seeds; seeds that never get there count as beyond all others."""
    if all(math.isinf(each) for each in steps):
        return "never"
    middle, low, high = statistics.median(steps), min(steps), max(steps)
    return f"{_steps(middle)} [{_steps(low)} to {_steps(high)}]" if low < high else _steps(middle)


def _steps(value: float) -> str:
    return "never" if math.isinf(value) else f"{value:,.0f}"
