"""What normalized observations and rewards are worth: `python -m benchmarks.learning.normalize`.

Trains `hyper-ppo` and `concat-ppo` on `hopper-dynamics`, whose observations and rewards differ in size, with
`normalize: true` and without it, all else being the same, and evaluates every run on all splits. One small
JSON file a run below `benchmarks/results/normalize/FAMILY/VARIANT/seed-N.json`; runs that have a file are
skipped, and several processes share the work.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.learning.suite import Job, work_through

RESULTS = Path(__file__).resolve().parents[1] / "results" / "normalize"
FAMILY = "hopper-dynamics"
SEEDS = (0, 1, 2)
STEPS = 300_000
SHARED = ("evaluate_every=30000", "checkpoint_every=10000000")


@dataclass(frozen=True)
class Variant:
    """An agent, and whether it trains on normalized observations and rewards."""

    agent: str
    normalize: bool

    @property
    def name(self) -> str:
        """What its results are filed under."""
        return f"{self.agent}-normalized" if self.normalize else self.agent

    @property
    def overrides(self) -> tuple[str, ...]:
        """Of its recipe, as `hyperrl train --set` takes them."""
        return (*SHARED, "normalize=true") if self.normalize else SHARED


AGENTS = ("hyper-ppo", "concat-ppo")
VARIANTS = tuple(Variant(agent, normalize) for agent in AGENTS for normalize in (True, False))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning.normalize", description=__doc__)
    parser.add_argument("--agents", nargs="+", default=list(AGENTS), choices=AGENTS, metavar="A")
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS), metavar="S")
    parser.add_argument("--family", default=FAMILY, help="in its place; give it with --results")
    parser.add_argument("--steps", type=int, default=STEPS, help="in their place; give it with --results")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the JSON files")
    options = parser.parse_args(arguments)
    jobs = [
        Job(options.family, each.name, seed, options.steps, each.agent, each.overrides)
        for seed in options.seeds
        for each in VARIANTS
        if each.agent in options.agents
    ]
    return work_through("benchmarks.learning.normalize", jobs, options.results)


if __name__ == "__main__":
    raise SystemExit(main())
