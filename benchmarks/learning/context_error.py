"""What wrong contexts cost: `python -m benchmarks.learning.context_error`.

Trains `hyper-ppo`, `hyper-ppo` with `context_noise=0.1`, `concat-ppo` and `blind-ppo`, and plays each with
contexts that are right and with ones that are off by 5, 10 and 20 % of each feature's training range
(`evaluate --context-error`); a feature with `values` is another one with that probability.

One small JSON file a seed below `benchmarks/results/context_error/FAMILY/seed-N.json`; those that are there
are skipped, and several processes share the work. `--quick` tries it out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.learning.variants import command, compare
from hyperrl import api
from hyperrl.evaluation import Evaluation
from hyperrl.store import Run
from hyperrl.tasks import Family

RESULTS = Path(__file__).resolve().parents[1] / "results" / "context_error"
FAMILIES = ("ode", "double-integrator")
SPLITS = ("interpolation", "extrapolation")
SEEDS = (500, 501, 502, 503, 504)
ERRORS = (0.0, 0.05, 0.1, 0.2)
HYPER, NOISY, CONCAT, BLIND = "hyper", "noisy", "concat", "blind"
NOISE = 0.1
AGENTS: Mapping[str, tuple[str, Sequence[str]]] = {
    HYPER: ("hyper-ppo", ()),
    NOISY: ("hyper-ppo", (f"context_noise={NOISE}",)),
    CONCAT: ("concat-ppo", ()),
    BLIND: ("blind-ppo", ()),
}


def at(role: str, error: float) -> str:
    """What a result calls an agent under an error."""
    return f"{role}@{error:g}"


def measure(family: str, seed: int, steps: int | None = None) -> dict[str, Any]:
    """One seed of a family: all agents trained and played with all errors.

    Raises:
        UserError: an unknown family, or a wrong number.
    """

    def play(runs: Mapping[str, Run]) -> dict[str, Evaluation]:
        return {name: each for role, run in runs.items() for name, each in _by_error(role, run).items()}

    return compare(Family.load(family), AGENTS, SPLITS, seed, steps, play)


def _by_error(role: str, run: Run) -> dict[str, Evaluation]:
    """The evaluations of an agent under each error, as if each were one of its own."""
    whole = api.evaluate(run, splits=SPLITS, context_error=ERRORS[1:], save=False)
    (result,) = whole.runs
    tasks = [result.split_tasks, *(error.split_tasks for error in result.errors)]
    return {
        at(role, error): replace(whole, runs=(replace(result, split_tasks=own, errors=()),))
        for error, own in zip(ERRORS, tasks, strict=True)
    }


main = partial(command, "benchmarks.learning.context_error", __doc__, measure, RESULTS, FAMILIES, SEEDS)
"""Runs the command line; its exit status."""

if __name__ == "__main__":
    raise SystemExit(main())
