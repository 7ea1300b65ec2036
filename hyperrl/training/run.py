"""Trains an agent on a family, which makes a run, and resumes a run."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing, nullcontext
from pathlib import Path

from hyperrl.errors import UserError, user_syntax
from hyperrl.evaluation.progress import Progress
from hyperrl.recipes import AgentRecipe
from hyperrl.store import Resumed, Run, RunSpec, refuse_existing, refuse_links
from hyperrl.tasks import Family
from hyperrl.tasks.contexts import ContextSpace
from hyperrl.training.checkpoint import State, learned, load_learned, load_state, mismatch_prefix, save_state
from hyperrl.training.early_ends import explain_early_end
from hyperrl.training.freezing import check_freeze
from hyperrl.training.memory import SizeLimit
from hyperrl.training.parameter_matching import match_widths
from hyperrl.training.sequence import check_sequence
from hyperrl.training.session import TrainingSession
from hyperrl.training.trackers import tracking
from hyperrl.training.transfer import weights_for


def train(
    agent: AgentRecipe,
    family: Family,
    *,
    out: Path,
    seed: int = 0,
    steps: int | None = None,
    device: str = "cpu",
    from_run: Run | None = None,
    freeze: str | None = None,
    in_sequence: bool = False,
    overrides: Sequence[str] = (),
    keep: int = 0,
    detect_anomaly: bool = False,
    track: Sequence[str] = (),
    progress: Progress | None = None,
) -> Run:
    """Train an agent on a family.

    Args:
        agent: resolved for the family (`hyperrl.recipes.resolve`).
        family: what it trains on.
        seed: of everything random.
        out: the run's directory, which is created.
        steps: environment steps, in place of the agent's; training ends with the rollout that reaches them.
        device: `cpu`, `cuda`, `cuda:1`, `mps` or `auto`.
        from_run: start at the weights of this run (its best, else its latest), by the names of features where
            its family has others (`weights_for`).
        freeze: the part of the weights that does not learn, "generator" or "shared" (`freezing.freeze`).
        in_sequence: the training tasks arrive one after another, each for an equal share of the steps.
        overrides: what `agent` was resolved with, for the record.
        keep: how many checkpoints to keep beside the latest and the best, named by their steps.
        detect_anomaly: look for numbers that are not finite at each step and in each gradient, slowly.
        track: names of trackers (`hyperrl.extras.check_trackers`) that get the run's scalars too.
        progress: called with the steps done and planned.

    Returns:
        The finished run: checkpoints `latest` and `best`, `evaluations/final.json`, logs and figures.

    Raises:
        BaseEnvironmentError: the base environment failed; the last checkpoint is kept.
        DivergenceError: a number is not finite; the last checkpoint before it is kept.
        UnwritableError: the disk is full, or the run can no longer be written; its last checkpoint is kept.
        UserError: `out` holds a run already or cannot be written; a device that is not there; weights of
            `from_run` that have other shapes; a part that cannot be frozen; and what building the family's
            environments raises.
        KeyboardInterrupt: Ctrl-C, SIGTERM or SIGHUP; the current rollout is ended and a checkpoint written,
            from which the run can be resumed. A second signal raises at once; the earlier checkpoint stays.
    """
    refuse_existing(out)
    if freeze is not None:
        check_freeze(agent)
    if in_sequence:
        check_sequence(agent)
    agent = match_widths(agent, family)
    planned = agent.steps if steps is None else steps
    session = TrainingSession(agent, family, seed, device, detect_anomaly, freeze, in_sequence)
    with closing(session):
        if from_run is not None:
            name = from_run.default_checkpoint()
            origin = f"run {str(from_run.path)!r} does not fit agent {agent.name!r} on family {family.name!r}"
            state = load_state(from_run, name)
            spaces = ContextSpace(from_run.spec.family.features), session.family.space
            weights = weights_for(session.model.policy, state["policy"], agent, spaces, origin)
            load_learned(session.model, {**state, "policy": weights}, origin)
        source = None if from_run is None else str(from_run.path)
        spec = RunSpec.now(
            agent, family.recipe, seed=seed, steps=planned, overrides=overrides, from_run=source,
            freeze=freeze, sequence=in_sequence, keep=keep,
        )  # fmt: skip
        with Run.create(out, spec) as run, explain_early_end(run), tracking(run, track) as trackers:
            if from_run is not None:
                save_state(run, "0", {"steps": 0, **learned(session.model)})
            session.learn(run, progress, trackers=trackers)
    return run


def resume(
    run: Run,
    *,
    steps: int | None = None,
    device: str = "cpu",
    family: Family | None = None,
    detect_anomaly: bool = False,
    track: Sequence[str] = (),
    progress: Progress | None = None,
) -> Run:
    """Resume a run from its latest checkpoint, or extend a finished one.

    On the CPU, with a family whose environments advance as one batch, the run continues bit for bit as if it
    had never stopped. Environments of other families are reset; the run's status says so
    (`resumed[-1].exact`). A run that was killed before its first checkpoint starts again.

    Args:
        run: an open run.
        steps: environment steps in all, in place of the planned ones.
        device: `cpu`, `cuda`, `cuda:1`, `mps` or `auto`.
        family: the run's family, where it cannot be built from its recipe (`contextualize`).
        detect_anomaly: as in `train`.
        track: as in `train`; a tracker that had this run before goes on with it.
        progress: called with the steps done and planned.

    Raises:
        UserError: nothing is left to do, the run was distilled, the checkpoint is missing, corrupt or of
            another agent, a file of the run is a link, or its file of trackers is corrupt.
    """
    refuse_links(run.path)
    if run.spec.distilled is not None:
        raise UserError(
            f"run {str(run.path)!r}: was distilled, and has no training to go on with; train a new run that"
            f" starts at its weights ({user_syntax('from_run', '--from')})"
        )
    if run.spec.sequence and steps is not None and steps != run.spec.steps:
        raise UserError(
            f"run {str(run.path)!r}: {user_syntax('steps', '--steps')}: found {steps:,}; allowed of tasks in"
            f" sequence, which have equal shares of the steps: {run.spec.steps:,}"
        )
    with run.writing():
        state = _state_to_resume(run)
        done, planned = 0 if state is None else int(state["steps"]), steps or run.spec.steps
        if done >= planned and (steps is not None or run.status.state == "finished"):
            raise UserError(
                f"run {str(run.path)!r}: has taken {done:,} steps; allowed:"
                f" {user_syntax('steps', '--steps')} above {done:,}, to extend it"
            )
        limit = nullcontext() if state is None else SizeLimit(state["policy"], mismatch_prefix(run, "latest"))
        family = family or Family(run.spec.family)
        with limit:
            spec = run.spec
            session = TrainingSession(
                spec.agent, family, spec.seed, device, detect_anomaly, spec.freeze, spec.sequence
            )
        with closing(session), explain_early_end(run), tracking(run, track) as trackers:
            exact = session.restore(run, state)
            run.note_sources(family.recipe)
            if planned != run.spec.steps:
                run.write_spec(run.spec.model_copy(update={"steps": planned}))
            run.write_status("running", done, (*run.status.resumed, Resumed(steps=done, exact=exact)))
            # A run at step 0 evaluates, and logs it, once more.
            session.learn(run, progress, state, resumed_at=done or -1, trackers=trackers)
    return run


def _state_to_resume(run: Run) -> State | None:
    """The latest checkpoint; None where the run was killed before its first."""
    names = run.checkpoints()
    if "latest" in names or run.status.steps > 0:
        return load_state(run, "latest")
    if run.spec.from_run is not None and "0" not in names:
        raise UserError(
            f"run {str(run.path)!r}: was killed before it held the weights of {run.spec.from_run!r};"
            " remove it and train anew"
        )
    return None
