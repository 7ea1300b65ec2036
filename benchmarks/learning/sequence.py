"""What keeps an agent from forgetting: `python -m benchmarks.learning.sequence`.

Trains `hyper-ppo` on tasks of a family one after another (`train --sequence`), with the output regularizer of
hypernetworks, elastic weight consolidation, cloning of kept observations, and nothing against forgetting
(fine-tuning); and on the same tasks all at once, for as many steps. All are then played on all tasks.

One small JSON file a seed below `benchmarks/results/sequence/FAMILY/seed-N.json`; those that are there are
skipped, and several processes share the work. `--quick` tries it out.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.learning.variants import command, compare
from hyperrl import api
from hyperrl.evaluation import Evaluation, read_sequence
from hyperrl.store import Run
from hyperrl.tasks import Family

RESULTS = Path(__file__).resolve().parents[1] / "results" / "sequence"
TASKS: Mapping[str, int] = {"point-goal": 8, "pendulum-actuator": 6}
"""The families, and how many of their training tasks arrive."""
SEEDS = (800, 801, 802, 803, 804)
STEPS_OF_TASK = 50_000
AGENT, SPLIT = "hyper-ppo", "train"
OUTPUTS, EWC, CLONING, NONE, AT_ONCE = WAYS = "outputs", "ewc", "cloning", "none", "at once"
_RARELY = ("evaluate_every=10000000", "checkpoint_every=10000000")


def measure(family: str, seed: int, steps: int | None = None) -> dict[str, Any]:
    """One seed of a family: trained in all ways, and played on all tasks.

    Args:
        family: its name.
        seed: of all runs.
        steps: of each task, in place of `STEPS_OF_TASK`.

    Raises:
        UserError: an unknown family, or a wrong number.
    """
    tasks = Family.load(family).in_sequence(TASKS[family])
    total = (steps or STEPS_OF_TASK) * TASKS[family]
    measures: dict[str, Any] = {}

    def play(runs: Mapping[str, Run]) -> dict[str, Evaluation]:
        played = {}
        for way in (OUTPUTS, EWC, CLONING, NONE):
            with tempfile.TemporaryDirectory(prefix="hyperrl-sequence-") as folder:
                run = api.train(
                    AGENT, tasks, steps=total, seed=seed, sequence=tasks.tasks(SPLIT),
                    overrides=(*_RARELY, f"sequence.regularizer={way}"), out=Path(folder) / "run",
                )  # fmt: skip
                measures[way] = read_sequence(run).to_json()
                played[way] = api.evaluate(run, splits=[SPLIT], save=False)
        return {**played, AT_ONCE: api.evaluate(runs[AT_ONCE], splits=[SPLIT], save=False)}

    result = compare(tasks, {AT_ONCE: (AGENT, _RARELY)}, (SPLIT,), seed, total, play)
    return {**result, "sequence": measures}


main = partial(command, "benchmarks.learning.sequence", __doc__, measure, RESULTS, tuple(TASKS), SEEDS)
"""Runs the command line; its exit status."""

if __name__ == "__main__":
    raise SystemExit(main())
