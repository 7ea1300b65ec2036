"""Runs that nobody trained: their recipes are real, their evaluations and logs are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hyperrl.evaluation import Evaluation, RunResult, TaskResult
from hyperrl.recipes import load_agent, resolve
from hyperrl.store import Run, RunSpec
from hyperrl.tasks import Family

POINTS = 16
"""Evaluations during a training."""


def synthetic_run(
    path: Path,
    agent: str,
    family: Family,
    seed: int,
    level: float = 100.0,
    *,
    overrides: Sequence[str] = (),
    tasks: int | None = None,
    noise: float = 5.0,
) -> Run:
    """Write a run whose returns are drawn about a level.

    Args:
        path: its directory.
        agent: a name of the suite.
        family: whose tasks the final evaluation holds.
        seed: of the run, and of what is drawn.
        level: mean return.
        overrides: fields of the agent.
        tasks: at most so many of each split; None takes all.
        noise: standard deviation of a task's return.
    """
    recipe = resolve(load_agent(agent), family.recipe, overrides)
    spec = RunSpec.now(recipe, family.recipe, seed=seed, steps=recipe.steps, overrides=tuple(overrides))
    with Run.create(path, spec) as run:
        run.write_status("finished", recipe.steps)
    write_results(run, family, level, tasks=tasks, noise=noise)
    return run


def more_seeds(
    first: Run, family: Family, seeds: Sequence[int], level: float, *, tasks: int | None = None
) -> None:
    """Write further seeds of a run beside it, `seed-N`; fast, since recipes are copied as text.

    Args:
        first: a run of seed 0.
        family: whose tasks the final evaluations hold.
        seeds: of the others.
        level: mean return.
        tasks: at most so many of each split; None takes all.
    """
    text, status = ((first.path / name).read_text() for name in ("run.yaml", "status.json"))
    for seed in seeds:
        path = first.path.with_name(f"seed-{seed}")
        path.mkdir()
        (path / "run.yaml").write_text(text.replace("\nseed: 0\n", f"\nseed: {seed}\n"))
        (path / "status.json").write_text(status)
        run = Run(path, first.spec.model_copy(update={"seed": seed}))
        write_results(run, family, level, tasks=tasks)


def write_results(
    run: Run, family: Family, level: float, *, tasks: int | None = None, noise: float = 5.0
) -> None:
    """Write a run's final evaluation and its log, as `synthetic_run` has them."""
    recipe, seed, path = run.spec.agent, run.spec.seed, run.path
    rng = np.random.default_rng([seed, *recipe.name.encode()])
    results = []
    splits = [
        split for split in ("train", "validation", "interpolation", "extrapolation") if family.tasks(split)
    ]
    for split in splits:
        for context in family.tasks(split)[:tasks]:
            mean = level - 20 * (split == "extrapolation") + noise * float(rng.normal())
            returns = [mean + float(each) for each in rng.normal(size=4)]
            results.append(TaskResult(dict(context), split, returns, [200] * 4, family.oracle(context)))
    done = RunResult(str(path), seed, recipe.steps, "best", recipe.steps, results)
    run.save_evaluation(Evaluation(recipe.name, family.name, 4, 0, True, (done,)).to_json(), "final")
    rows = [",".join(["step", *(f"zero_shot/{split}" for split in splits)])]
    for step in np.linspace(0, recipe.steps, POINTS).astype(int):
        share = 1 - np.exp(-4 * step / recipe.steps)
        rows.append(",".join([str(step), *(f"{level * share + rng.normal():.6g}" for _ in splits)]))
    (path / "progress.csv").write_text("\n".join(rows) + "\n")
