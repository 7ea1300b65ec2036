"""What hindsight is worth: `python -m benchmarks.learning.hindsight`.

Trains `hyper-sac` on `point-reach` with hindsight experience replay and without, and `concat-sac` with it,
and evaluates all three. Random actions hardly ever reach a goal there, and nothing else is paid for: an
episode that does not reach its goal returns -50.

One small JSON file a seed below `benchmarks/results/hindsight/FAMILY/seed-N.json`; those that are there are
skipped, and several processes share the work.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.learning.suite import complete, seeds
from benchmarks.learning.variants import compare, describe
from hyperrl import api
from hyperrl.evaluation import Evaluation
from hyperrl.store import Run
from hyperrl.tasks import Family

RESULTS = Path(__file__).resolve().parents[1] / "results" / "hindsight"
FAMILY = "point-reach"
SPLITS = ("train", "interpolation", "extrapolation")
SEEDS = (300, 301, 302)
STEPS = 20_000
HINDSIGHT, PLAIN, CONCAT = "hindsight", "plain", "concat"
SMALL = (
    "policy.net_arch=[64, 64]",
    "algorithm.gamma=0.95",
    "algorithm.learning_rate=1e-3",
    "algorithm.learning_starts=800",
    "algorithm.gradient_steps=4",
    "evaluate_every=20000",
    "checkpoint_every=10000000",
)
"""Overrides of all agents: small networks, and an update for two steps."""


def measure(seed: int, steps: int) -> dict[str, Any]:
    """One seed: all agents trained and evaluated; UserError for a wrong number."""

    def play(runs: Mapping[str, Run]) -> dict[str, Evaluation]:
        return {role: api.evaluate(run, splits=SPLITS, save=False) for role, run in runs.items()}

    agents = {
        HINDSIGHT: ("hyper-sac", ("algorithm.her={}", *SMALL)),
        PLAIN: ("hyper-sac", ("algorithm.her=null", *SMALL)),
        CONCAT: ("concat-sac", ("algorithm.her={}", *SMALL)),
    }
    return compare(Family.load(FAMILY), agents, SPLITS, seed, steps, play)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning.hindsight", description=__doc__)
    parser.add_argument("--seeds", type=seeds, default=[*SEEDS], metavar="S,S")
    parser.add_argument("--steps", type=int, default=STEPS, help="of each run; give it with --results")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the JSON files")
    options = parser.parse_args(arguments)
    work = (
        (options.results / FAMILY / f"seed-{seed}.json", partial(measure, seed, options.steps))
        for seed in options.seeds
    )
    return complete("benchmarks.learning.hindsight", work, describe)


if __name__ == "__main__":
    raise SystemExit(main())
