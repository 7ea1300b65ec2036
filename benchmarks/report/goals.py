"""What is expected of the results, and whether they are so."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.report.compared import Compared
from benchmarks.report.comparison import (
    best_over_grid,
    difference,
    episode_steps,
    number,
    over_grid,
    per_step,
    steps_until,
    there,
)
from hyperrl.evaluation import iqm

COMPARED = ("point-goal", "cartpole", "pendulum", "double-integrator")
INTERPOLATION_GOAL, EXTRAPOLATION_GOAL = 0.859, 0.93
"""Of the mean reward per step on `ode`: in every seed, and in the mean over seeds."""

GRID_GOAL = 0.9
"""Of the oracle on the grid of `ode-2d`, in the mean over seeds."""


@dataclass(frozen=True)
class Verdict:
    """One expectation: what it is, what was found, whether it is met, and the benchmark that measured it."""

    expected: str
    found: str
    met: bool
    benchmark: str = ""


ACTUATORS_GOAL = 1.8
"""Of the hypernetwork's interquartile mean over concatenation's where actuators are inverted."""


def verdicts(
    families: Sequence[Compared],
    protocols: Sequence[Compared],
    speed: Mapping[str, Mapping[str, Any]],
) -> Iterator[Verdict]:
    """Every expectation that there are results for."""
    named = {results.name: results for results in families}
    if "ode" in named and named["ode"].hyper in named["ode"].runs.agents:
        yield from _ode(named["ode"])
    if "ode-2d" in named and named["ode-2d"].hyper in named["ode-2d"].runs.agents:
        yield _grid(named["ode-2d"])
    for name in COMPARED:
        if name in named and named[name].compares:
            yield _not_below(named[name])
    if "double-integrator" in named and named["double-integrator"].compares:
        yield _sooner(named["double-integrator"])
    for results in protocols:
        if results.name == "double-integrator" and results.compares:
            yield from _actuators(results)
    for name, report in speed.items():
        yield from _speed(name, report)


def _speed(benchmark: str, report: Mapping[str, Any]) -> Iterator[Verdict]:
    """One verdict for each goal of a benchmark; what was measured at several G has one, by the worst."""
    same: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for each in report["measures"]:
        if each["met"] is not None:
            same.setdefault((re.sub(r", G = \d+", "", each["name"]), each["goal"]), []).append(each)
    for (name, goal), measures in same.items():
        numbers = re.findall(r", G = (\d+)", " ".join(each["name"] for each in measures))
        at = f", G = {' / '.join(numbers)}" if numbers else ""
        worst = (max if goal.startswith("<") else min)(each["value"] for each in measures)
        met = all(each["met"] for each in measures)
        yield Verdict(f"{name}{at}: {goal}", f"{worst:g}", met, benchmark)


def _ode(results: Compared) -> Iterator[Verdict]:
    inside = per_step(results, results.hyper, "interpolation")
    lowest = float(inside.min())
    yield Verdict(
        f"`ode`: `{results.hyper}` reaches {INTERPOLATION_GOAL} mean reward per step on interpolation"
        f" in every seed (oracle {mean_oracle(results, 'interpolation'):.3f})",
        f"lowest of {len(inside)} seeds {lowest:.4f}, {_off(lowest, INTERPOLATION_GOAL)}",
        lowest >= INTERPOLATION_GOAL,
    )
    outside = float(np.mean(per_step(results, results.hyper, "extrapolation")))
    yield Verdict(
        f"`ode`: `{results.hyper}` reaches {EXTRAPOLATION_GOAL} on extrapolation in the mean over seeds"
        f" (oracle {mean_oracle(results, 'extrapolation'):.3f})",
        f"mean {outside:.4f}, {_off(outside, EXTRAPOLATION_GOAL)}",
        outside >= EXTRAPOLATION_GOAL,
    )


def _grid(results: Compared) -> Verdict:
    oracle = best_over_grid(results)
    assert oracle is not None
    parts = over_grid(results, results.hyper) / oracle
    return Verdict(
        f"`{results.name}`: `{results.hyper}` reaches {GRID_GOAL:.0%} of the oracle on the grid"
        " in the mean over seeds",
        f"{parts.mean():.1%} [{parts.min():.1%} to {parts.max():.1%}] over {len(parts)} seeds",
        bool(parts.mean() >= GRID_GOAL),
    )


def mean_oracle(results: Compared, split: str) -> float:
    """Oracle as mean reward per step on a split."""
    known = results.oracle(split)
    assert known is not None
    return float(np.mean(known)) / episode_steps(results)


def _off(value: float, goal: float) -> str:
    return f"{abs(value - goal):.4f} {'above' if value >= goal else 'below'}"


def _not_below(results: Compared) -> Verdict:
    gap = difference(*results.paired(results.hyper, results.concat, "interpolation"))
    return Verdict(
        f"`{results.name}`: `{results.hyper}` not below `{results.concat}` on interpolation"
        " by more than the interval",
        f"{gap.value:+.2f} [{gap.low:+.2f}, {gap.high:+.2f}] over {gap.runs} seeds",
        gap.high >= 0,
    )


def _sooner(results: Compared) -> Verdict:
    level = there(results)
    took = {
        agent: [steps_until(curve, level) for curve in results.curves(agent, "interpolation")]
        for agent in (results.hyper, results.concat)
    }
    return Verdict(
        f"`{results.name}`: solved by `{results.hyper}` in clearly fewer steps than by `{results.concat}`"
        " (each seed sooner than any of the other's)",
        f"a mean return of {level:.1f} on interpolation after {spell(took[results.hyper])} steps"
        f" against {spell(took[results.concat])}",
        max(took[results.hyper]) < min(took[results.concat]),
    )


def _actuators(results: Compared) -> Iterator[Verdict]:
    for split in ("interpolation", "extrapolation"):
        one, other = results.paired(results.hyper, results.concat, split)
        gain = float(iqm(one) / iqm(other))
        yield Verdict(
            f"`{results.name}`, {results.algorithm.upper()}: `{results.hyper}` at least"
            f" {ACTUATORS_GOAL} times `{results.concat}` on {split}",
            f"{number(iqm(one))} over {number(iqm(other))}: {gain:.2f} times, {len(one)} seeds",
            gain >= ACTUATORS_GOAL,
        )


def spell(steps: Sequence[float]) -> str:
    """Median and range of steps over seeds; seeds that never get there count as beyond all others."""
    if all(math.isinf(each) for each in steps):
        return "never"
    middle, low, high = statistics.median(steps), min(steps), max(steps)
    return f"{_steps(middle)} [{_steps(low)} to {_steps(high)}]" if low < high else _steps(middle)


def _steps(value: float) -> str:
    return "never" if math.isinf(value) else f"{value:,.0f}"
