"""What training against the worst tasks is worth: `python -m benchmarks.learning.robustness`.

Trains `hyper-ppo` with the samplers `uniform`, `cvar`, `plr` and `adversarial` on the same tasks. The page
compares the mean over all tasks and that over the worst decile of them.

One small JSON file a seed below `benchmarks/results/robustness/FAMILY/seed-N.json`; those that are there are
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

RESULTS = Path(__file__).resolve().parents[1] / "results" / "robustness"
FAMILIES = ("ode", "cartpole", "pendulum")
SPLITS = ("interpolation", "extrapolation")
SEEDS = (700, 701, 702, 703, 704)
SAMPLERS = ("uniform", "cvar", "plr", "adversarial")
AGENTS: Mapping[str, tuple[str, Sequence[str]]] = {
    sampler: ("hyper-ppo", (f"sampler={sampler}",)) for sampler in SAMPLERS
}


def measure(family: str, seed: int, steps: int | None = None) -> dict[str, Any]:
    """One seed of a family: all agents trained and played.

    Raises:
        UserError: an unknown family, or a wrong number.
    """

    def play(runs: Mapping[str, Run]) -> dict[str, Evaluation]:
        return {role: api.evaluate(run, splits=SPLITS, save=False) for role, run in runs.items()}

    return compare(Family.load(family), AGENTS, SPLITS, seed, steps, play)


main = partial(command, "benchmarks.learning.robustness", __doc__, measure, RESULTS, FAMILIES, SEEDS)
"""Runs the command line; its exit status."""

if __name__ == "__main__":
    raise SystemExit(main())
