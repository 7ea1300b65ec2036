"""What returns are owed to: `python -m benchmarks.learning.controls`.

Trains `hyper-ppo` and `blind-ppo` on families whose tasks cannot be told apart without a context, and plays
the first one twice: as it is, and under the contexts of other tasks (`evaluate --shuffle-contexts`). An agent
that acts on its context then does as badly as one that never sees any, or worse.

One small JSON file a seed below `benchmarks/results/controls/FAMILY/seed-N.json`; those that are there are
skipped, and several processes share the work.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.learning.suite import comma_separated, complete, seeds
from benchmarks.learning.variants import compare, describe
from hyperrl import api
from hyperrl.evaluation import Evaluation
from hyperrl.store import Run
from hyperrl.tasks import Family

RESULTS = Path(__file__).resolve().parents[1] / "results" / "controls"
FAMILIES = ("ode", "double-integrator", "point-goal")
SPLITS = ("train", "interpolation", "extrapolation")
SEEDS = (200, 201, 202)
OWN, SHUFFLED, BLIND = "own", "shuffled", "blind"


def measure(family: str, seed: int, steps: int | None = None) -> dict[str, Any]:
    """One seed of a family: both agents trained and evaluated.

    Raises:
        UserError: an unknown family, or a wrong number.
    """
    tasks = Family.load(family)
    splits = [split for split in SPLITS if tasks.tasks(split)]

    def play(runs: Mapping[str, Run]) -> dict[str, Evaluation]:
        return {
            OWN: api.evaluate(runs["hyper"], splits=splits, save=False),
            SHUFFLED: api.evaluate(runs["hyper"], splits=splits, shuffle_contexts=True, save=False),
            BLIND: api.evaluate(runs[BLIND], splits=splits, save=False),
        }

    agents = {"hyper": ("hyper-ppo", ()), BLIND: ("blind-ppo", ())}
    return compare(tasks, agents, splits, seed, steps, play)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning.controls", description=__doc__)
    parser.add_argument("--families", type=comma_separated(*FAMILIES), default=[*FAMILIES], metavar="F,F")
    parser.add_argument("--seeds", type=seeds, default=[*SEEDS], metavar="S,S")
    parser.add_argument("--steps", type=int, help="in place of the recipes'; give it with --results")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the JSON files")
    options = parser.parse_args(arguments)
    work = (
        (options.results / family / f"seed-{seed}.json", partial(measure, family, seed, options.steps))
        for seed in options.seeds
        for family in options.families
    )
    return complete("benchmarks.learning.controls", work, describe)


if __name__ == "__main__":
    raise SystemExit(main())
