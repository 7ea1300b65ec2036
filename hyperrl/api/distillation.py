"""`distill`: one agent that imitates the agents of several runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hyperrl.api.arguments import CONSTRAINTS
from hyperrl.api.recipes import agent_recipe, any_family
from hyperrl.api.runs import family_of, load_agent, open_run
from hyperrl.arguments import (
    EPISODES,
    SEED,
    UPDATES,
    Constraint,
    is_instance,
    to_int,
    to_path,
    validate_arguments,
)
from hyperrl.errors import UserError, user_syntax
from hyperrl.evaluation.progress import Progress, report_phase
from hyperrl.garbage import collection_paused
from hyperrl.recipes import AgentRecipe, FamilyRecipe, resolve
from hyperrl.store import Run, refuse_existing
from hyperrl.store.spec import Distilled
from hyperrl.tasks import Family
from hyperrl.tasks.actions import refuse_family

_MAY_DIFFER: dict[str, Any] = {
    **dict.fromkeys(
        ("about", "actions", "check", "folder", "splits", "training", "evaluation", "oracle"), True
    ),
    "features": {"__all__": {"about", "unit", "default", "train", "extrapolation"}},
}
"""Fields of a family that may differ between teachers: all but what its environments are."""

_checked = validate_arguments(
    {
        **CONSTRAINTS,
        "family": Constraint(
            "a name, the path of a YAML file, a recipe or a family",
            is_instance(str, Path, Family, FamilyRecipe),
        ).or_none(),
    }
)


@_checked
def distill(
    runs: str | Path | Run | Sequence[str | Path | Run],
    *,
    agent: str | Path | AgentRecipe = "hyper-ppo",
    family: str | Path | Family | FamilyRecipe | None = None,
    out: str | Path | None = None,
    episodes: int = 10,
    updates: int = 10_000,
    seed: int = 0,
    overrides: Sequence[str] = (),
    checkpoint: str | int | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
    allow_import: Sequence[str] = (),
) -> Run:
    """Distill the agents of runs into one, as `hyperrl distill` does.

    Each teacher plays the tasks that it was trained on. The student learns to act as they do, and a critic of
    what they did, and is evaluated zero-shot on all splits of the family.

    Args:
        runs: run directories; the families differ in their tasks alone.
        agent: the student, of ppo, a2c, sac or td3: a name of the suite, a YAML file, or a recipe.
        family: of the student, which trains on the teachers' tasks alone; None: that of the first run.
        out: the new run's directory; None: `runs/FAMILY/AGENT/distilled/seed-N`.
        episodes: that each teacher plays of each of its tasks.
        updates: of the student, on a minibatch each.
        seed: of the student, and of the starts of the teachers' episodes.
        overrides: fields of the student's recipe, `"algorithm.learning_rate=1e-3"`.
        checkpoint: of the teachers; None: each one's best, or its latest while there is none.
        device: `cpu`, `cuda`, `cuda:1`, `mps` or `auto`.
        progress: called with the updates done and planned.
        allow_import: modules, or Python files, that the runs' environments may be imported from.

    Returns:
        The finished run, with a model card in its directory.

    Raises:
        UserError: no run or a corrupt one, an unknown or wrong recipe, a student that cannot imitate,
            teachers of another family or with other observations, tasks that change within an episode or lie
            outside the family's training ranges, a number out of range, or a directory that holds a run
            already.
        DivergenceError: a loss of the student is not finite.
    """
    episodes, seed = to_int("episodes", episodes, EPISODES), to_int("seed", seed, SEED)
    updates = to_int("updates", updates, UPDATES)
    named = [runs] if isinstance(runs, str | Path | Run) else list(runs)
    teachers = [open_run(run, allow_import) for run in named]
    if not teachers:
        raise UserError("distill: at least one run is needed")
    families = [family_of(run) for run in teachers]
    recipe, whole = agent_recipe(agent), any_family(teachers[0].spec.family if family is None else family)
    if whole.schedules is not None:
        raise UserError(
            f"family {whole.name!r}: found features with a schedule; allowed where tasks are distilled: none"
        )
    for run in teachers:
        _refuse_other_family(run, whole)
    tasks = whole.train_on([task for each in families for task in each.tasks("train")])
    resolved = resolve(recipe, tasks.recipe, overrides)
    tasks = tasks.for_agent(resolved)
    directory = Path("runs") / tasks.name / resolved.name / "distilled" / f"seed-{seed}"
    if out is not None:
        directory = to_path(user_syntax("out", "--out"), out)
    refuse_existing(directory)
    refuse_family(resolved, tasks)
    for run in teachers:
        _refuse_other_options(run, resolved)
    with collection_paused():
        from hyperrl import training
        from hyperrl.deploy.cards.entries import write_run_card
        from hyperrl.evaluation.demonstrations import Demonstrations, record
        from hyperrl.training.distillation import refuse_student

    refuse_student(resolved)
    report_phase(progress, "collecting")
    found = []
    for run, own in zip(teachers, families, strict=True):
        model = load_agent(run, own, checkpoint, device).model
        found.append(record(model, own, own.tasks("train"), episodes, seed))
    report_phase(progress, "training")
    origin = Distilled(teachers=tuple(str(run.path) for run in teachers), episodes=episodes, updates=updates)
    student = training.distill(
        resolved, tasks, Demonstrations.join(found), origin,
        out=directory, seed=seed, device=device, overrides=overrides, progress=progress,
    )  # fmt: skip
    write_run_card(student, tasks)
    return student


def _refuse_other_family(run: Run, family: Family) -> None:
    """UserError where a teacher's family differs from the student's in more than its tasks."""
    one, other = (each.model_dump(exclude=_MAY_DIFFER) for each in (run.spec.family, family.recipe))
    for field in one:
        if one[field] != other[field]:
            raise UserError(
                f"run {str(run.path)!r}: was trained on another family than {family.name!r} of the student:"
                f" family.{field} differs"
            )


def _refuse_other_options(run: Run, student: AgentRecipe) -> None:
    """UserError where a teacher observes its environments otherwise than the student."""
    if run.spec.agent.environment_options != student.environment_options:
        raise UserError(
            f"run {str(run.path)!r}: its agent has other wrappers or frame_stack than the student"
            f" {student.name!r}; allowed: the same"
        )
