"""What a report of a thousand runs takes: `python -m benchmarks.speed.report`.

Runs of eight agents with 25 seeds each on five families, eight tasks a split; their recipes are real, their
evaluations and logs are drawn. `hyperrl.report` reads them, computes all intervals, and draws the figures of
each family. The goals are 30 s and 10 MB.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

import hyperrl
from benchmarks.measures import CLOCK, Measure, Report, finish, parser, spent
from benchmarks.synthetic_runs import more_seeds, synthetic_run
from hyperrl.tasks import Family

AGENTS = (
    "hyper-ppo", "concat-ppo", "blind-ppo", "concat-ppo-matched", "hyper-ppo-full", "hyper-a2c", "concat-a2c",
    "blind-a2c",
)  # fmt: skip
FAMILIES = ("ode", "ode-2d", "cartpole", "pendulum", "point-goal")
SEEDS, TASKS = 25, 8
TIME, SIZE = ("<=", 30.0), ("<=", 10.0)


def write_runs(folder: Path, agents: Sequence[str], families: Sequence[str], seeds: int) -> int:
    """Write the runs; their number."""
    for name in families:
        family = Family.load(name)
        for place, agent in enumerate(agents):
            level = 100.0 - 4 * place
            first = synthetic_run(folder / name / agent / "seed-0", agent, family, 0, level, tasks=TASKS)
            more_seeds(first, family, range(1, seeds), level, tasks=TASKS)
    return len(agents) * len(families) * seeds


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    options = parser("speed.report", __doc__).parse_args(arguments)
    agents, families, seeds = (AGENTS[:2], FAMILIES[:1], 2) if options.quick else (AGENTS, FAMILIES, SEEDS)
    with tempfile.TemporaryDirectory() as scratch:
        runs, page = Path(scratch) / "runs", Path(scratch) / "report.html"
        count = write_runs(runs, agents, families, seeds)
        taken = [spent(lambda: hyperrl.report(runs, page)) for _ in range(1 if options.quick else 3)]
        size = page.stat().st_size / 1e6
    measures = [
        Measure(
            f"report of {count:,} runs",
            [each.cpu for each in taken],
            "s",
            TIME,
            beside={CLOCK: statistics.median(each.wall for each in taken)},
        ),
        Measure(f"report of {count:,} runs, size", [size], "MB", SIZE),
    ]
    setting = {"agents": len(agents), "families": len(families), "seeds": seeds, "tasks": TASKS}
    return finish(Report("speed.report", measures, {**setting, "quick": options.quick}), options.json)


if __name__ == "__main__":
    raise SystemExit(main())
