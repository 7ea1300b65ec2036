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
    rng = np.random.default_rng([seed, *agent.encode()])
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
    with Run.create(path, spec) as run:
        run.write_status("finished", recipe.steps)
    run.save_evaluation(Evaluation(recipe.name, family.name, 4, 0, True, (done,)).to_json(), "final")
    rows = [",".join(["step", *(f"zero_shot/{split}" for split in splits)])]
    for step in np.linspace(0, recipe.steps, POINTS).astype(int):
        share = 1 - np.exp(-4 * step / recipe.steps)
        rows.append(",".join([str(step), *(f"{level * share + rng.normal():.6g}" for _ in splits)]))
    (path / "progress.csv").write_text("\n".join(rows) + "\n")
    return run
