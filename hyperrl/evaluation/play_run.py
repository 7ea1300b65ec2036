"""Plays one run's policy under everything that an evaluation asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hyperrl.evaluation.agent import Agent
from hyperrl.evaluation.context_errors import DRAWS, play_with_errors
from hyperrl.evaluation.error_report import ErrorResult
from hyperrl.evaluation.observation_noise import play_with_noise
from hyperrl.evaluation.policy import Policy
from hyperrl.evaluation.progress import Progress, parts_of
from hyperrl.evaluation.report import RunResult
from hyperrl.evaluation.rng import isolated_rng
from hyperrl.evaluation.search import find_worst
from hyperrl.evaluation.task_selection import TaskSelection
from hyperrl.evaluation.uncertainty import RunUncertainty, Watched
from hyperrl.evaluation.worst_tasks import WorstRequest, WorstTasks
from hyperrl.evaluation.zero_shot import TaskResult, evaluate_tasks
from hyperrl.recipes import Context

if TYPE_CHECKING:
    from hyperrl.tasks import Family


@dataclass(frozen=True)
class EvaluationPlan:
    """What each run of an evaluation plays.

    Attributes:
        selection: the tasks.
        episodes: of each task.
        seed: of the starts, and of whatever else is drawn.
        observed: for each task the context that is observed in its place; None: its own.
        context_errors: sizes of the errors of contexts, with which all tasks are played once more.
        observation_noise: likewise of noise on observations.
        worst: the search for the worst tasks; None: none.
    """

    selection: TaskSelection
    episodes: int
    seed: int
    observed: Sequence[Context] | None = None
    context_errors: Sequence[float] = ()
    observation_noise: Sequence[float] = ()
    worst: WorstRequest | None = None


@dataclass(frozen=True)
class RunPlay:
    """What one run's policy returned.

    Attributes:
        split_tasks: results on whole splits.
        own_tasks: results on the user's own contexts and sweeps.
        errors: results where contexts were wrong, by one size after the other.
        noise: results where observations were off, likewise.
        uncertainty: the disagreement of networks on all tasks; None where none were asked.
        worst: what the search found; None without one.
    """

    split_tasks: list[TaskResult]
    own_tasks: list[TaskResult]
    errors: tuple[ErrorResult, ...] = ()
    noise: tuple[ErrorResult, ...] = ()
    uncertainty: RunUncertainty | None = None
    worst: WorstTasks | None = None


def run_result(agent: Agent, play: RunPlay) -> RunResult:
    """The result of an agent's run of which this was played."""
    run, steps = agent.run, agent.model.num_timesteps
    return RunResult(
        run=str(run.path), seed=run.spec.seed, steps=max(run.status.steps, steps),
        checkpoint=agent.checkpoint, checkpoint_steps=steps, **vars(play),
    )  # fmt: skip


def play_run(
    policy: Policy, family: Family, plan: EvaluationPlan, progress: Progress | None = None,
    watched: Watched | None = None,
) -> RunPlay:  # fmt: skip
    """Play a policy under all that the plan asks for, each part as if it were the only one.

    Args:
        policy: the policy.
        family: the tasks' family.
        plan: what is played.
        progress: as in `evaluate_tasks`.
        watched: the same policy while networks answer what it observes, which then plays the tasks as they
            are; None: no networks are asked.

    Raises:
        UserError: as `evaluate_tasks`.
    """
    once, worst = len(plan.selection.contexts) * plan.episodes, plan.worst
    amounts = [once, once * DRAWS * len(plan.context_errors), once * len(plan.observation_noise)]
    amounts.append(0 if worst is None else worst.episodes)
    hooks = parts_of(progress, [amount * (family.max_steps or 1) for amount in amounts])
    common: dict[str, Any] = {"episodes": plan.episodes, "seed": plan.seed, "observed": plan.observed}
    with isolated_rng(plan.seed):
        results = evaluate_tasks(
            policy if watched is None else watched.policy, family, plan.selection.contexts,
            splits=plan.selection.splits, step_rewards=watched is not None, progress=hooks[0], **common,
        )  # fmt: skip
    uncertainty = None if watched is None else watched.read(results, plan.selection.in_splits)
    played: list[tuple[ErrorResult, ...]] = []
    for play, sizes, hook in (
        (play_with_errors, plan.context_errors, hooks[1]),
        (play_with_noise, plan.observation_noise, hooks[2]),
    ):
        with isolated_rng(plan.seed):
            played.append(
                play(policy, family, plan.selection, sizes, progress=hook, **common) if sizes else ()
            )
    found = None
    if worst is not None:
        with isolated_rng(plan.seed):
            found = find_worst(policy, family, worst, seed=plan.seed, progress=hooks[3])
    whole = plan.selection.in_splits
    return RunPlay(results[:whole], results[whole:], played[0], played[1], uncertainty, found)
