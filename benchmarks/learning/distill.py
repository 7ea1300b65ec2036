"""What distilling specialists is worth: `python -m benchmarks.learning.distill`.

Trains `blind-ppo` on each training task by itself, and distills these specialists into one `hyper-ppo` and
into one `concat-ppo` (`hyperrl distill`). Beside them `hyper-ppo` learns all training tasks by reinforcement
learning, in as many steps as the specialists learn and play in, all together. On tasks that nobody trained
on, the specialist of the nearest training task plays too.

One small JSON file a seed below `benchmarks/results/distill/FAMILY/seed-N.json`; those that are there are
skipped, and several processes share the work. `--quick` tries it out.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.learning.variants import command, compare
from hyperrl import api
from hyperrl.evaluation import Evaluation
from hyperrl.store import Run
from hyperrl.tasks import Family

RESULTS = Path(__file__).resolve().parents[1] / "results" / "distill"
FAMILIES = ("ode", "double-integrator")
SPLITS = ("train", "interpolation", "extrapolation")
SEEDS = (900, 901, 902, 903, 904)
RL, HYPER, CONCAT, NEAREST = "rl", "hyper", "concat", "nearest"
TEACHER = "blind-ppo"
STUDENTS = {HYPER: "hyper-ppo", CONCAT: "concat-ppo"}
EPISODES = 10
"""Of each task, which its specialist plays for the students."""


def measure(family: str, seed: int, steps: int | None = None) -> dict[str, Any]:
    """One seed of a family: reinforcement learning of all tasks, and specialists that are distilled.

    Raises:
        UserError: an unknown family, or a wrong number.
    """
    tasks = Family.load(family)
    noted: dict[str, Any] = {}

    def play(runs: Mapping[str, Run]) -> dict[str, Evaluation]:
        with tempfile.TemporaryDirectory(prefix="hyperrl-distill-") as folder:
            began = time.process_time()
            teachers = _specialists(tasks, runs[RL], seed, Path(folder))
            trained = time.process_time()
            students = {
                role: api.distill(
                    teachers, agent=agent, family=tasks, episodes=EPISODES, seed=seed,
                    out=Path(folder) / role,
                )
                for role, agent in STUDENTS.items()
            }  # fmt: skip
            noted["seconds_of"] = {
                "specialists": round(trained - began, 1),
                "students": round(time.process_time() - trained, 1),
            }
            learned, shown = (sum(run.status.steps for run in each) for each in (teachers, [students[HYPER]]))
            noted["steps_of"] = {"rl": runs[RL].status.steps, "specialists": learned, "shown": shown}
            played = {
                role: api.evaluate(run, splits=SPLITS, save=False)
                for role, run in {**runs, **students}.items()
            }
            return {**played, NEAREST: _nearest(tasks, teachers, played[RL])}

    return {**compare(tasks, {RL: ("hyper-ppo", ())}, SPLITS, seed, steps, play), **noted}


def steps_of_a_specialist(total: int, tasks: int, shown: int, rollout: int) -> int:
    """Steps that each specialist may learn in: whole rollouts, and at least one.

    Args:
        total: of all specialists together, with the steps that they are shown in.
        tasks: how many specialists there are.
        shown: steps of the episodes that they play for the students.
        rollout: steps of a rollout.
    """
    return max((total - shown) // tasks // rollout, 1) * rollout


def _specialists(family: Family, rl: Run, seed: int, folder: Path) -> list[Run]:
    """A run on each training task by itself, all together as long as the run of reinforcement learning."""
    tasks, agent = family.tasks("train"), rl.spec.agent
    rollout = agent.n_envs * int(agent.algorithm.model_dump()["n_steps"])
    shown = EPISODES * len(tasks) * family.max_steps
    steps = steps_of_a_specialist(rl.status.steps, len(tasks), shown, rollout)
    return [
        api.train(TEACHER, family, steps=steps, seed=seed, contexts=[task], out=folder / f"task-{number}")
        for number, task in enumerate(tasks)
    ]


def nearest(family: Family, task: Mapping[str, float]) -> int:
    """The number of the training task whose descriptor is nearest to that of a task."""
    own = family.space.descriptors([task])
    known = family.space.descriptors(family.tasks("train"))
    return int(np.argmin(np.square(known - own).sum(axis=1)))


def _nearest(family: Family, teachers: Sequence[Run], like: Evaluation) -> Evaluation:
    """An evaluation of the same tasks, each of which the specialist of the nearest training task plays."""
    places = [(task.split, task.context) for task in like.tasks]
    chosen = [nearest(family, context) for _, context in places]
    found: list[Any] = [None] * len(places)
    for number in sorted(set(chosen)):
        rows = [row for row, teacher in enumerate(chosen) if teacher == number]
        played = api.evaluate(teachers[number], contexts=[places[row][1] for row in rows], save=False)
        for row, task in zip(rows, played.own_tasks, strict=True):
            found[row] = replace(task, split=places[row][0])
    return replace(like, runs=(replace(like.runs[0], split_tasks=found),))


main = partial(command, "benchmarks.learning.distill", __doc__, measure, RESULTS, FAMILIES, SEEDS)
"""Runs the command line; its exit status."""

if __name__ == "__main__":
    raise SystemExit(main())
