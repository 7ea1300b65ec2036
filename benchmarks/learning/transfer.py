"""What fine-tuning on one task is worth: `python -m benchmarks.learning.transfer`.

Trains `hyper-ppo` and `concat-ppo` on `pendulum`, then each of three tasks far beyond its training ranges by
itself: with all weights of `hyper-ppo`, with what generates weights frozen, with what tasks share frozen
(`train --from RUN --context ... --freeze PART`), with `concat-ppo`, and from scratch. Each way is played on
its own task, beside the agent that was not tuned, and on tasks of interpolation, which it may have forgotten.

One small JSON file a seed below `benchmarks/results/transfer/FAMILY/seed-N.json`; those that are there are
skipped, and several processes share the work. `--quick` tries it out.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.learning.variants import command, compare
from hyperrl import api
from hyperrl.evaluation import Evaluation, TaskResult
from hyperrl.evaluation.plan import spread_out
from hyperrl.recipes import Context
from hyperrl.store import Run
from hyperrl.tasks import Family

RESULTS = Path(__file__).resolve().parents[1] / "results" / "transfer"
FAMILIES = ("pendulum",)
SEEDS = (700, 701, 702, 703, 704)
TASKS = 3
TUNING_STEPS = 50_000
TUNED, OTHERS = "extrapolation", "interpolation"
HYPER, CONCAT = "hyper", "concat"
UNTUNED, ALL, GENERATOR, SHARED, CONCAT_ALL, SCRATCH = WAYS = (
    "untuned", "all", "generator", "shared", "concat", "scratch",
)  # fmt: skip
AGENTS: Mapping[str, tuple[str, Sequence[str]]] = {HYPER: ("hyper-ppo", ()), CONCAT: ("concat-ppo", ())}
_RARELY = ("evaluate_every=10000000", "checkpoint_every=10000000")


def measure(family: str, seed: int, steps: int | None = None) -> dict[str, Any]:
    """One seed of a family: both agents trained, tuned on each task in all ways, and played.

    Raises:
        UserError: an unknown family, or a wrong number.
    """
    tasks = Family.load(family)
    chosen = spread_out(tasks.tasks(TUNED), TASKS)

    def play(runs: Mapping[str, Run]) -> dict[str, Evaluation]:
        own = seed + 1  # with the agent's own seed, one from scratch would begin as the agent did
        return {way: _tuned(way, runs, tasks, chosen, own, steps or TUNING_STEPS) for way in WAYS}

    result = compare(tasks, AGENTS, (TUNED, OTHERS), seed, steps, play)
    return {**result, "tuning_steps": steps or TUNING_STEPS}


def _tuned(
    way: str, runs: Mapping[str, Run], family: Family, tasks: Sequence[Context], seed: int, steps: int
) -> Evaluation:
    """One way of tuning: its returns on each task that it was tuned on, and on all of interpolation."""
    start = runs[CONCAT if way == CONCAT_ALL else HYPER]
    own: list[TaskResult] = []
    others: list[list[TaskResult]] = []
    held_out = family.tasks(OTHERS)
    for task in tasks:
        with tempfile.TemporaryDirectory(prefix="hyperrl-transfer-") as folder:
            run = start
            if way != UNTUNED:
                run = api.train(
                    start.spec.agent.name, family, steps=steps, seed=seed, overrides=_RARELY, contexts=[task],
                    from_run=None if way == SCRATCH else start,
                    freeze=way if way in (GENERATOR, SHARED) else None, out=Path(folder) / "run",
                )  # fmt: skip
            played = api.evaluate(run, contexts=[task, *held_out], save=False)
        first, *rest = played.own_tasks
        own.append(replace(first, split=TUNED))
        others.append([replace(each, split=OTHERS) for each in rest])
    means = [_mean(same) for same in zip(*others, strict=True)]
    return replace(played, runs=(replace(played.runs[0], split_tasks=[*own, *means], own_tasks=[]),))


def _mean(runs: Sequence[TaskResult]) -> TaskResult:
    """A task's returns, the mean over the runs that were tuned on other tasks, start by start."""
    returns = [sum(each) / len(each) for each in zip(*(run.returns for run in runs), strict=True)]
    return replace(runs[0], returns=returns)


main = partial(command, "benchmarks.learning.transfer", __doc__, measure, RESULTS, FAMILIES, SEEDS)
"""Runs the command line; its exit status."""

if __name__ == "__main__":
    raise SystemExit(main())
