"""What agents of fixed tasks do where the task jumps: `python -m benchmarks.learning.jump`.

Trains `hyper-ppo`, `concat-ppo` and `blind-ppo` on `double-integrator`, whose tasks stay for an episode, and
plays each on tasks that stay and on tasks whose `action_sign` changes after 50 of 100 steps (`evaluate
--schedule action_sign=jump:50`). Beside returns it notes the rewards over time and how soon agents recover.

One small JSON file a seed below `benchmarks/results/jump/FAMILY/seed-N.json`; those that are there are
skipped, and several processes share the work. `--quick` tries it out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.learning.variants import command, compare
from hyperrl import api
from hyperrl.evaluation import Evaluation
from hyperrl.store import Run
from hyperrl.tasks import Family

RESULTS = Path(__file__).resolve().parents[1] / "results" / "jump"
SCHEDULES = {"double-integrator": {"action_sign": "jump:50"}}
FAMILIES = tuple(SCHEDULES)
SPLITS = ("interpolation", "extrapolation")
SEEDS = (600, 601, 602, 603, 604)
HYPER, CONCAT, BLIND = ROLES = "hyper", "concat", "blind"
AGENTS: Mapping[str, tuple[str, Sequence[str]]] = {role: (f"{role}-ppo", ()) for role in ROLES}


def jumping(role: str) -> str:
    """What a result calls an agent on tasks that jump."""
    return f"{role}-jump"


def measure(family: str, seed: int, steps: int | None = None) -> dict[str, Any]:
    """One seed of a family: all agents trained and played on both kinds of tasks.

    Raises:
        UserError: an unknown family, or a wrong number.
    """
    curves: dict[str, Any] = {}

    def play(runs: Mapping[str, Run]) -> dict[str, Evaluation]:
        played = {}
        for role, run in runs.items():
            played[role] = api.evaluate(run, splits=SPLITS, save=False)
            changing = api.evaluate(run, splits=SPLITS, schedules=SCHEDULES[family], save=False)
            played[jumping(role)] = changing
            curves[role] = {split: _rounded(each) for split, each in changing.over_time.items()}
        return played

    result = compare(Family.load(family), AGENTS, SPLITS, seed, steps, play)
    return {**result, "schedules": SCHEDULES[family], "over_time": curves}


def _rounded(curve: Mapping[str, Any]) -> dict[str, Any]:
    """Rewards over time with four digits behind the point."""
    rewards = {name: [round(value, 4) for value in curve[name]] for name in ("rewards", "since_jump")}
    return {**rewards, "recovery": curve["recovery"]}


main = partial(command, "benchmarks.learning.jump", __doc__, measure, RESULTS, FAMILIES, SEEDS)
"""Runs the command line; its exit status."""

if __name__ == "__main__":
    raise SystemExit(main())
