"""`tune_as_context`: the search for hyperparameters in one run, whose family has them as features."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hyperrl.api.arguments import checked_recipes
from hyperrl.api.recipes import agent_recipe, any_family
from hyperrl.api.runs import load_agent
from hyperrl.api.training import train
from hyperrl.arguments import SEEDS, STEPS, to_int, to_path
from hyperrl.errors import UserError, user_syntax
from hyperrl.evaluation import ModelPolicy
from hyperrl.evaluation.progress import Progress, parts_of
from hyperrl.evaluation.rng import isolated_rng
from hyperrl.recipes import AgentRecipe, FamilyRecipe
from hyperrl.store import atomic_write, report_write_errors
from hyperrl.tasks import Family

if TYPE_CHECKING:
    from hyperrl.experiments.tuning.as_context import ContextTuningReport

TUNED = "tuned.yaml"


@checked_recipes
def tune_as_context(
    agent: str | Path | AgentRecipe,
    family: str | Path | Family | FamilyRecipe,
    *,
    out: str | Path | None = None,
    steps: int | None = None,
    seeds: int = 1,
    overrides: Sequence[str] = (),
    force: bool = False,
    progress: Progress | None = None,
) -> ContextTuningReport:
    """Search for an agent's discount factor in one run, as `hyperrl tune --as-context` does.

    The run's family has the discount factor, and what else of the search a context can carry, as a feature:
    the agent learns each task with every value. The value with the highest return on validation tasks wins.

    Args:
        agent: as in `tune`; it must see contexts.
        family: as in `tune`.
        out: folder of the runs and of `tuned.yaml`; None: `runs/tune/FAMILY/AGENT-as-context`.
        steps: environment steps of each run; None: the recipe's.
        seeds: runs, with seeds from 0 on; a value counts by the mean over them.
        overrides: fields of the agent.
        force: replace a `tuned.yaml` that exists.
        progress: called with the steps done and planned.

    Raises:
        UserError: what `train` raises; a family without validation tasks; nothing to search that a context
            can carry; an agent that does not see contexts; a file that exists.
    """
    from hyperrl.experiments.tuning.as_context import (
        ContextTuningReport,
        ValueRecord,
        combined,
        family_with,
        play_values,
        values_to_try,
    )
    from hyperrl.experiments.tuning.plan import Plan, require_choice
    from hyperrl.experiments.tuning.tuned import recipe_text

    recipe, tasks = agent_recipe(agent), any_family(family).recipe
    folder = to_path(
        user_syntax("out", "--out"),
        Path("runs", "tune", tasks.name, f"{recipe.name}-as-context") if out is None else out,
    )
    plan = Plan(
        agent=recipe, family=tasks, overrides=tuple(overrides),
        recipe=str(agent) if isinstance(agent, (str, Path)) else recipe.name,
        steps=None if steps is None else to_int(user_syntax("steps", "--steps"), steps, STEPS),
        seeds=to_int(user_syntax("seeds", "--seeds"), seeds, SEEDS), out=folder,
    )  # fmt: skip
    tuned = folder / TUNED
    if os.path.lexists(tuned) and not force:
        raise UserError(
            f"out {str(tuned)!r}: exists already; name another folder with {user_syntax('out', '--out')}, or"
            f" replace it with {user_syntax('force=True', '--force')}"
        )
    require_choice(Family(tasks))
    values = values_to_try(plan)
    own = (*overrides, "algorithm.ent_coef=1") if "ent_coef" in values else tuple(overrides)
    others = Family(family_with(plan, values))
    played, runs = [], []
    for seed, part in enumerate(parts_of(progress, [1] * plan.seeds)):
        run = train(
            recipe, others, steps=plan.base.steps, seed=seed, overrides=own, out=folder / f"seed-{seed}",
            progress=part,
        )  # fmt: skip
        with isolated_rng(seed):
            policy = ModelPolicy(load_agent(run, others.for_agent(plan.base), None).model)
            played.append(play_values(policy, others.for_agent(plan.base), values))
        runs.append(run.path)
    records = tuple(
        ValueRecord(choice, tuple(returns))
        for choice, returns in zip(combined(values), zip(*played, strict=True), strict=True)
    )
    report = ContextTuningReport(plan, records, tuple(runs), tuned)
    best = report.best_first[0]
    name = str(family) if isinstance(family, (str, Path)) else tasks.name
    parts = ["hyperrl", "tune", plan.recipe, name, "--as-context", "--seeds", str(plan.seeds)]
    parts += [] if plan.steps is None else ["--steps", str(plan.steps)]
    parts += [part for override in overrides for part in ("--set", override)]
    comments = [
        f"Found by: {shlex.join([*parts, '--out', str(folder)])}",
        f"Validation return: {best.mean:.6g}, the best of {len(records)} values, all learned in one run of"
        f" {plan.base.steps} steps.",
    ]
    about = f"{recipe.name} tuned on {tasks.name}: {', '.join(best.overrides)}, return {best.mean:.4g}"
    with report_write_errors("out", tuned):
        atomic_write(tuned, recipe_text(plan, best.overrides, about, comments).encode())
    return report
