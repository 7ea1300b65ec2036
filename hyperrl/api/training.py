"""`train` and `resume`: from an agent and a family to a run, and going on with one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from hyperrl.api.arguments import checked, checked_recipes
from hyperrl.api.recipes import agent_recipe, any_family
from hyperrl.api.runs import family_of, open_run
from hyperrl.arguments import KEEP, SEED, STEPS, to_int, to_path
from hyperrl.errors import UserError, user_syntax
from hyperrl.evaluation.progress import Progress
from hyperrl.extras import check_trackers
from hyperrl.garbage import collection_paused
from hyperrl.recipes import AgentRecipe, FamilyRecipe, resolve
from hyperrl.store import Run, refuse_existing
from hyperrl.tasks import Family
from hyperrl.tasks.actions import refuse_family
from hyperrl.tasks.checks import refuse_endless
from hyperrl.tasks.contexts import assignment
from hyperrl.tasks.sequence import TaskSequence

_LONGEST_NAME = 100


def default_run_dir(
    family: str,
    agent: str,
    seed: int,
    leave_out: Sequence[Mapping[str, float]] = (),
    contexts: Sequence[Mapping[str, float]] = (),
    sequence: TaskSequence = (),
) -> Path:
    """The default directory of a run: `runs/FAMILY/AGENT/seed-N`, below the working directory.

    With tasks left out, `runs/FAMILY/AGENT/without-c0=5/seed-N`; on some tasks alone, `.../on-c0=5/seed-N`;
    in sequence, `.../sequence-c0=5_c0=-5/seed-N`, or `.../sequence-8/seed-N` where their number is given.
    """
    folder = Path("runs") / family / agent
    if isinstance(sequence, int):
        return folder / f"sequence-{sequence}" / f"seed-{seed}"
    for word, some in (("without", leave_out), ("on", contexts), ("sequence", sequence)):
        if some:
            named = "_".join(assignment(context) for context in some)
            short = named if len(named) <= _LONGEST_NAME else sha256(named.encode()).hexdigest()[:16]
            folder /= f"{word}-{short}"
    return folder / f"seed-{seed}"


@checked_recipes
def train(
    agent: str | Path | AgentRecipe,
    family: str | Path | Family | FamilyRecipe,
    *,
    steps: int | None = None,
    seed: int = 0,
    overrides: Sequence[str] = (),
    out: str | Path | None = None,
    leave_out: Sequence[Mapping[str, float]] = (),
    contexts: Sequence[Mapping[str, float]] = (),
    sequence: TaskSequence = (),
    from_run: str | Path | Run | None = None,
    freeze: str | None = None,
    keep: int = 0,
    detect_anomaly: bool = False,
    track: Sequence[str] = (),
    device: str = "cpu",
    progress: Progress | None = None,
    allow_import: Sequence[str] = (),
) -> Run:
    """Train an agent on a family, as `hyperrl train` does.

    Args:
        agent: a name of the suite, a YAML file, or a recipe.
        family: a name, a YAML file, a recipe, or a family made by `contextualize`.
        steps: environment steps; None takes the recipe's.
        seed: of everything random, from 0 to 2^32 - 1.
        overrides: fields of the agent's recipe, `"algorithm.learning_rate=1e-3"`.
        out: the run's directory; None takes `default_run_dir`.
        leave_out: training tasks that are not trained on, and are the split of interpolation in its place;
            one that names some features alone leaves out all training tasks that agree on those.
        contexts: train on these tasks alone, in the place of all splits; they may lie beyond the training
            ranges. There is no best checkpoint then.
        sequence: train on these tasks one after another, each for an equal share of the steps, in the place
            of all splits; or on so many of the family's training tasks. `agent.sequence` says what keeps the
            agent from forgetting, and `hyperrl.evaluation.read_sequence` what it kept.
        from_run: start at the weights of this run. Its family may have other features: weights go by names.
        freeze: with `from_run`, the part of the weights that does not learn: "generator", what generates
            weights from a context, or "shared", what all tasks share.
        keep: how many checkpoints to keep, named by their steps, beside the latest and the best.
        detect_anomaly: look for numbers that are not finite at each step and in each gradient, slowly.
        track: services that get the run's scalars beside TensorBoard, `"wandb"`, `"mlflow"`.
        device: `cpu`, `cuda`, `cuda:1`, `mps` or `auto`.
        progress: called with the steps done and planned; its methods `phase(name, share)` and
            `reached(mean_return)`, if it has both, are called too.
        allow_import: modules, or Python files, that the environment of `from_run` may be imported from.

    Returns:
        The finished run, with a model card in its directory.

    Raises:
        UserError: an unknown or wrong recipe, field, tracker or device, a number out of range, an extra that
            is missing, or a directory that holds a run already.
        DivergenceError: numbers that are not finite came up; the last checkpoint before them is kept.
        UnwritableError: the disk is full, or the run can no longer be written; its last checkpoint is kept.
        KeyboardInterrupt: Ctrl-C, SIGTERM or SIGHUP came, in the main thread: after the rollout under way,
            with a checkpoint to go on from; a second one at once. Your own handlers of these signals stay.
    """
    steps = steps if steps is None else to_int("steps", steps, STEPS)
    seed, keep = to_int("seed", seed, SEED), to_int("keep", keep, KEEP)
    trackers = check_trackers(track)
    recipe, family = agent_recipe(agent), any_family(family)
    if freeze is not None and from_run is None:
        names = user_syntax("freeze", "--freeze"), user_syntax("from_run", "--from")
        raise UserError(f"{names[0]}: found {freeze!r}; allowed: with {names[1]}, which gives the weights")
    in_sequence = isinstance(sequence, int) or len(sequence) > 0
    chosen = [
        user_syntax(argument, option)
        for argument, option, given in (
            ("leave_out", "--leave-out", leave_out),
            ("contexts", "--context", contexts),
            ("sequence", "--sequence", in_sequence),
        )
        if given
    ]
    if len(chosen) > 1:
        raise UserError(f"{chosen[0]}: found beside {chosen[1]}; allowed: one of them")
    if leave_out:
        family = family.leave_out(leave_out)
    if contexts:
        family = family.on_tasks(contexts)
    if in_sequence:
        family = family.in_sequence(sequence)
    resolved = resolve(recipe, family.recipe, overrides)
    family = family.for_agent(resolved)
    if out is None:
        out = default_run_dir(family.name, resolved.name, seed, leave_out, contexts, sequence)
    directory = to_path(user_syntax("out", "--out"), out)
    refuse_existing(directory)
    refuse_family(resolved, family)
    refuse_endless(family)
    start = None if from_run is None else open_run(from_run, allow_import)
    with collection_paused():
        from hyperrl import training
        from hyperrl.deploy.cards.entries import write_run_card

    run = training.train(
        resolved, family, out=directory, seed=seed, steps=steps, device=device, from_run=start,
        freeze=freeze, in_sequence=in_sequence, overrides=overrides, keep=keep, detect_anomaly=detect_anomaly,
        track=trackers, progress=progress,
    )  # fmt: skip
    write_run_card(run, family)
    return run


@checked
def resume(
    run: str | Path | Run,
    *,
    steps: int | None = None,
    detect_anomaly: bool = False,
    track: Sequence[str] = (),
    device: str = "cpu",
    progress: Progress | None = None,
    allow_import: Sequence[str] = (),
    family: Family | None = None,
) -> Run:
    """Go on with a killed run, or extend a finished one, as `hyperrl train --resume` does.

    Args:
        run: a run directory.
        steps: environment steps in all; None takes the planned ones.
        detect_anomaly: as in `train`.
        track: as in `train`; a service that had this run before goes on with it.
        device: `cpu`, `cuda`, `cuda:1`, `mps` or `auto`.
        progress: called with the steps done and planned.
        allow_import: modules, or Python files, that the run's environment may be imported from.
        family: needed where the run's family was made by `contextualize`.

    Raises:
        UserError: no run, a corrupt one, a number out of range, an unknown tracker, an extra that is missing,
            nothing left to do, or another process is writing to it.
        DivergenceError, UnwritableError, KeyboardInterrupt: as in `train`.
    """
    steps = steps if steps is None else to_int("steps", steps, STEPS)
    trackers = check_trackers(track)
    run = open_run(run, allow_import)
    family = family_of(run, family)
    with collection_paused():
        from hyperrl import training
        from hyperrl.deploy.cards.entries import write_run_card

    training.resume(
        run, steps=steps, device=device, family=family, detect_anomaly=detect_anomaly, track=trackers,
        progress=progress,
    )  # fmt: skip
    write_run_card(run, family)
    return run
