"""Makes one run of a suite: trains it or goes on with it, evaluates it, and writes its result."""

from __future__ import annotations

import os
import traceback
from typing import Any

from hyperrl.errors import BaseEnvironmentError, UserError, explanation, user_syntax
from hyperrl.evaluation import Evaluation, ModelPolicy, RunResult, TaskResult, evaluate_tasks
from hyperrl.evaluation.progress import ForwardingReporter, Reporter
from hyperrl.experiments.digest import recipe_digest, source_files
from hyperrl.experiments.engines.base import Outcome
from hyperrl.experiments.jobs import CLAIM, Job
from hyperrl.experiments.results import FORMAT, read_result, task_rows, write_result
from hyperrl.experiments.stopwatch import Stopwatch
from hyperrl.recipes import SPLITS
from hyperrl.store import Run, read_spec, report_write_errors
from hyperrl.store.lock import LockedError, locked
from hyperrl.store.spec import SPEC
from hyperrl.tasks import Family

ERROR = "error.txt"
"""The file of a run's folder that holds the traceback of its last failure."""
_TASK = ("context", "split", "returns", "lengths", "oracle")


def attempt(job: Job, progress: Reporter) -> Outcome:
    """Make a run, and tell how it ended; no exception of the run leaves this function.

    Args:
        job: the run.
        progress: told of it.
    """
    try:
        with report_write_errors("run", job.folder):
            job.folder.mkdir(parents=True, exist_ok=True)
        with locked(job.folder, CLAIM):
            if read_result(job) is None:
                _make(job, progress)
            (job.folder / ERROR).unlink(missing_ok=True)
    except LockedError:
        return Outcome("busy")
    except KeyboardInterrupt:
        return Outcome("interrupted")
    except Exception as error:
        return Outcome("failed", _explain(job, error), mistake=isinstance(error, UserError))
    return Outcome("finished")


def _explain(job: Job, error: Exception) -> str:
    """Write the traceback of a failure into the run's folder; the failure in one line."""
    trace, unwritten = "".join(traceback.format_exception(error)), ""
    if isinstance(error, BaseEnvironmentError) and error.trace:
        trace += f"\nThe traceback of the base environment:\n\n{error.trace}"
    try:
        (job.folder / ERROR).write_text(trace, "utf-8", "backslashreplace")
    except OSError as unwritable:
        unwritten = f" ({ERROR} cannot be written: {unwritable.strerror})"
    return (explanation(error) or f"{type(error).__name__}: {error}") + unwritten


class _Timed(ForwardingReporter):
    """A reporter that also keeps a run's stopwatch going."""

    def __init__(self, reporter: Reporter, stopwatch: Stopwatch) -> None:
        super().__init__(reporter)
        self._stopwatch = stopwatch

    def __call__(self, done: int, total: int) -> None:
        self._stopwatch.tick()
        super().__call__(done, total)


def _make(job: Job, progress: Reporter) -> None:
    from hyperrl.deploy.cards.entries import write_run_card

    stopwatch = Stopwatch(job.folder)
    run = _trained(job, _Timed(progress, stopwatch))
    family = Family(run.spec.family).for_agent(run.spec.agent)
    write_run_card(run, family)
    progress.phase("evaluating")
    result = _result(job, run, _evaluated(job, run, family), family)
    stopwatch.note()
    with report_write_errors("result", job.result):
        write_result(job, {**result, "seconds": stopwatch.seconds})


def _trained(job: Job, progress: Reporter) -> Run:
    """The run, trained to its end."""
    from hyperrl import training
    from hyperrl.training.parameter_matching import match_widths

    family = Family(job.family).for_agent(job.agent)
    agent = match_widths(job.agent, family)
    if not (job.folder / SPEC).exists():
        return training.train(
            agent, family, out=job.folder, seed=job.seed, steps=agent.steps, overrides=job.overrides,
            progress=progress,
        )  # fmt: skip
    spec, sources = read_spec(job.folder / SPEC), source_files(job.agent, job.family)
    before = recipe_digest(spec.agent, spec.family, spec.seed, spec.sources, {})
    now = recipe_digest(agent, job.family, job.seed, sources, {})
    if (before, spec.steps) != (now, agent.steps):
        raise UserError(
            f"run {str(job.folder)!r}: has another recipe, other steps or other code than the suite now;"
            f" remove it, or name another folder with {user_syntax('out', '--out')}"
        )
    run = Run.open(job.folder, [source.path for source in sources if source is not None])
    if run.status.state != "finished":
        training.resume(run, progress=progress)
    return run


def _evaluated(job: Job, run: Run, family: Family) -> Evaluation:
    """The evaluation of the best weights: that of the end of the training, where it is as the suite says."""
    from hyperrl.training import load_model

    name = run.default_checkpoint()
    model = load_model(run, name, family=family, to_learn=False)
    episodes = job.evaluation.episodes or family.recipe.evaluation.episodes
    stored = run.evaluation("final")
    wanted = {"start_seed": job.evaluation.seed, "episodes": episodes, "left_out": 0}
    if stored is not None and all(stored.get(key) == value for key, value in wanted.items()):
        tasks = [TaskResult(**{key: task[key] for key in _TASK}) for task in stored["tasks"]]
    else:
        played = [(split, context) for split in SPLITS for context in family.tasks(split)]
        tasks = evaluate_tasks(
            ModelPolicy(model), family, [context for _, context in played], episodes=episodes,
            seed=job.evaluation.seed, splits=[split for split, _ in played],
        )  # fmt: skip
    result = RunResult(str(run.path), job.seed, run.status.steps, name, model.num_timesteps, tasks)
    return Evaluation(job.name, family.name, episodes, job.evaluation.seed, True, (result,))


def _result(job: Job, run: Run, evaluation: Evaluation, family: Family) -> dict[str, Any]:
    """What is left of a run when its directory is gone."""
    from hyperrl.training.build import training_descriptors
    from hyperrl.training.callbacks import validation_return
    from hyperrl.training.parameter_matching import count_parameters

    agent, played = run.spec.agent, evaluation.runs[0]
    spaces = family.observation_space, family.action_space
    splits = dict.fromkeys(task.split for task in played.split_tasks)
    return {
        "format": FORMAT,
        "suite": job.suite,
        "agent": job.name,
        "family": job.family.name,
        "seed": job.seed,
        "steps": run.status.steps,
        "planned_steps": run.spec.steps,
        **({} if job.specialist_of is None else {"specialist_of": job.specialist_of}),
        "digest": job.digest,
        "recipe": job.recipe,
        "overrides": list(job.overrides),
        "parameters": count_parameters(agent, *spaces, training_descriptors(agent, family)),
        "versions": run.spec.versions,
        "commit": run.spec.commit,
        "started": run.spec.started,
        "resumed": len(run.status.resumed),
        "cores": os.cpu_count(),
        "start_seed": evaluation.start_seed,
        "episodes": evaluation.episodes,
        "checkpoint": {
            "name": played.checkpoint,
            "steps": played.checkpoint_steps,
            "validation": validation_return(run),
        },
        "features": list(family.space.names),
        "splits": {
            split: task_rows([task for task in played.split_tasks if task.split == split]) for split in splits
        },
        "curve": run.history("zero_shot/"),
    }
