"""One result of several agents of one seed, each played in one or more ways."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.learning.suite import STARTS, comma_separated, complete, seeds, task_rows
from hyperrl import api
from hyperrl.evaluation import Evaluation
from hyperrl.store import Run
from hyperrl.tasks import Family

FORMAT = 1
Play = Callable[[Mapping[str, Run]], Mapping[str, Evaluation]]
"""Evaluates the agents' runs, in several ways, by name."""


def compare(
    family: Family,
    agents: Mapping[str, tuple[str, Sequence[str]]],
    splits: Sequence[str],
    seed: int,
    steps: int | None,
    play: Play,
) -> dict[str, Any]:
    """Train agents in a temporary folder and evaluate them; what is left of it, as JSON values.

    The recipe and the steps are those of the first agent.

    Args:
        family: what they are trained on.
        agents: by role: the agent's name, and overrides of its recipe.
        splits: that were played; those without tasks are left out.
        seed: of all runs.
        steps: in place of the recipes'.
        play: evaluates the runs, by role, in several ways.

    Raises:
        UserError: an unknown agent, or a wrong number or override.
    """
    wall, cpu = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory(prefix="hyperrl-variants-") as folder:
        runs = {
            role: api.train(
                agent, family, steps=steps, seed=seed, overrides=overrides, out=Path(folder) / role
            )
            for role, (agent, overrides) in agents.items()
        }
        played = play(runs)
        first = next(iter(runs.values()))
        spec, taken = first.spec, first.status.steps
    seconds = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    found = [split for split in splits if any(split in each.splits for each in played.values())]
    return {
        "format": FORMAT,
        "family": family.name,
        "seed": seed,
        "agents": {role: agent for role, (agent, _) in agents.items()},
        "steps": taken,
        "planned_steps": spec.steps,
        "seconds": {kind: round(value, 1) for kind, value in seconds.items()},
        "starts": STARTS,
        "versions": spec.versions,
        "commit": spec.commit,
        "started": spec.started,
        "features": list(family.space.names),
        "episodes": next(iter(played.values())).episodes,
        "checkpoint_steps": {name: each.runs[0].checkpoint_steps for name, each in played.items()},
        "splits": {split: _rows(split, played) for split in found},
        "worst": {
            name: {split: dict(each.splits[split]["worst"]) for split in found if split in each.splits}
            for name, each in played.items()
        },
        "recipe": {
            "agent": spec.agent.model_dump(mode="json", by_alias=True),
            "family": spec.family.model_dump(mode="json", by_alias=True, exclude_none=True),
        },
    }


def _rows(split: str, played: Mapping[str, Evaluation]) -> dict[str, Any]:
    """The tasks of a split and the returns of what played them."""
    results = {name: [task for task in each.tasks if task.split == split] for name, each in played.items()}
    return task_rows({name: tasks for name, tasks in results.items() if tasks})


def describe(result: Mapping[str, Any]) -> str:
    """A result in one line: the mean return of each way of playing on each split."""
    parts = []
    for split, rows in result["splits"].items():
        means = {name: rows[name] for name in rows if name not in ("contexts", "oracle")}
        texts = [f"{name} {sum(map(sum, each)) / sum(map(len, each)):.2f}" for name, each in means.items()]
        parts.append(f"{split}: {', '.join(texts)}")
    return f"{result['family']} seed {result['seed']}: {'; '.join(parts)}; {result['seconds']['wall']:.0f} s"


QUICK_STEPS = 2048
"""Environment steps of a run with `--quick`."""


def command(
    program: str,
    about: str | None,
    measure: Callable[[str, int, int | None], dict[str, Any]],
    results: Path,
    families: Sequence[str],
    default_seeds: Sequence[int],
    arguments: Sequence[str] | None = None,
    describe: Callable[[Mapping[str, Any]], str] = describe,
) -> int:
    """Run the command line of a benchmark; its exit status.

    Args:
        program: the module's name.
        about: its docstring.
        measure: makes a result of a family, a seed, and steps in place of the recipes'.
        results: the folder of its files, `FAMILY/seed-N.json`.
        families: that it has.
        default_seeds: of its results.
        arguments: of the command line; None: this process's.
        describe: a result in one line.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description=about)
    parser.add_argument("--families", type=comma_separated(*families), default=[*families], metavar="F,F")
    parser.add_argument("--seeds", type=seeds, default=[*default_seeds], metavar="S,S")
    parser.add_argument("--steps", type=int, help="in place of the recipes'; give it with --results")
    parser.add_argument("--results", type=Path, help="folder of the JSON files")
    parser.add_argument("--quick", action="store_true", help="one seed and few steps, to try it out")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="hyperrl-quick-") as folder:
        root = options.results or (Path(folder) if options.quick else results)
        steps = QUICK_STEPS if options.quick and options.steps is None else options.steps
        work = (
            (root / family / f"seed-{seed}.json", partial(measure, family, seed, steps))
            for seed in (options.seeds[:1] if options.quick else options.seeds)
            for family in options.families
        )
        return complete(program, work, describe)
