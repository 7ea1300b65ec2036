"""Continual learning: tasks that arrive one after another, within one training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from torch.utils.hooks import RemovableHandle

from hyperrl.errors import UserError, user_syntax
from hyperrl.evaluation import Evaluation
from hyperrl.evaluation.sequence import stage_name
from hyperrl.policies.registry import view
from hyperrl.recipes import AgentRecipe
from hyperrl.store import Run
from hyperrl.tasks import Family
from hyperrl.tasks.sequence import SequentialSampler
from hyperrl.training.normalization import TrainingEnv, note_original_observation
from hyperrl.training.rollout_callback import RolloutCallback
from hyperrl.training.sequence_penalties import PENALTIES, Penalty


def check_sequence(agent: AgentRecipe) -> None:
    """Refuse what an agent cannot do where tasks arrive one after another, before anything is built.

    Raises:
        UserError: a regularizer that does not fit its networks, its algorithm or its normalization; replay of
            an algorithm that has none.
    """
    sequence, policy, algorithm = agent.sequence, agent.policy, agent.algorithm
    where = f"agent {agent.name!r}: sequence.regularizer: found {sequence.regularizer!r}"
    if sequence.keep_replay and not algorithm.off_policy:
        raise UserError(
            f"agent {agent.name!r}: sequence.keep_replay: found true; allowed with the algorithm"
            f" {algorithm.name!r}, which has no replay buffer: false (sequence.regularizer=cloning keeps"
            " observations)"
        )
    if sequence.regularizer == "none":
        return
    if sequence.regularizer == "outputs" and policy.kind != "hyper":
        raise UserError(
            f"{where} with policy.kind {policy.kind!r}, which generates no weights; allowed: ewc, cloning,"
            " none"
        )
    if sequence.regularizer == "outputs" and "state" in policy.hypernetwork.inputs:  # type: ignore[union-attr]
        raise UserError(
            f"{where} with policy.hypernetwork.inputs of 'state', from which a task alone has no weights;"
            " allowed: ewc, cloning, none"
        )
    if agent.remembers:
        raise UserError(f"{where} with an agent that remembers the episode; allowed: none")
    if algorithm.name == "trpo":
        raise UserError(
            f"{where} with the algorithm 'trpo', whose actor takes no optimizer's steps; allowed: none"
        )
    if agent.normalize.norm_obs:
        raise UserError(
            f"{where} with normalize.norm_obs, whose statistics move from task to task; allowed: none"
        )


def task_at(steps: int, total: int, tasks: int) -> int:
    """The number of the task that is learned after so many of all steps, each having an equal share.

    Args:
        steps: environment steps taken.
        total: steps planned for all tasks together.
        tasks: their number.
    """
    return min(steps * tasks // total, tasks - 1)


class SequenceCallback(RolloutCallback):
    """Has each task learned for its share of the steps, and evaluates all of them before each.

    A task ends with the first rollout that reaches its share. All tasks are then evaluated, the regularizer
    notes what is to stay, the environments begin with the next task, and replay is emptied unless it is
    kept. An off-policy algorithm takes its `learning_starts` random steps on each task. Optimizers, entropy
    coefficients and learning rates go on as they are. It must come before the callback of checkpoints.

    `sequence/task` is the number of the task in training, from 1; `sequence/average_return` the mean return
    over the tasks learned so far.

    Args:
        agent: the recipe.
        family: its training tasks are the sequence.
        sampler: hands out the current task.
        env: the environments in training.
        run: where evaluations go, as `evaluations/after-K.json` with K tasks learned.
        seed: of the run.
        evaluate: evaluates the present weights on all tasks.
    """

    def __init__(
        self, agent: AgentRecipe, family: Family, sampler: SequentialSampler, env: TrainingEnv, run: Run,
        seed: int, evaluate: Callable[[], Evaluation],
    ) -> None:  # fmt: skip
        super().__init__()
        self._agent, self._family, self._sampler, self._env, self._run = agent, family, sampler, env, run
        self._seed, self._evaluate = seed, evaluate
        self._tasks = family.tasks("train")
        self._learned: int | None = None
        self._starts: int | None = None
        self._rollout_starts = 0
        self._penalty: Penalty | None = None
        self._hooks: list[RemovableHandle] = []

    def get_state(self) -> dict[str, Any]:
        """How many tasks are learned, where the current one began, and what the regularizer noted."""
        penalty = {} if self._penalty is None else self._penalty.get_state()
        starts = {"now": self._view.learning_starts, "this_rollout": self._rollout_starts}
        return {"learned": self._learned, "learning_starts": starts, "penalty": penalty}

    def load(self, model: BaseAlgorithm, state: Mapping[str, Any]) -> None:
        """Go on from what `get_state` gave; a model of another kind raises one of `RESTORE_ERRORS`."""
        learned = state["learned"]
        self._learned = None if learned is None else int(learned)
        if view(model).off_policy:
            starts = state["learning_starts"]
            self._starts = int(starts["now"])
            model.learning_starts = int(starts["this_rollout"])  # type: ignore[attr-defined]
        if state["penalty"]:
            self._begin(model).set_state(state["penalty"])

    def _begin(self, model: BaseAlgorithm) -> Penalty:
        """The penalty, as from the end of the first task on."""
        kind = PENALTIES[self._agent.sequence.regularizer]
        self._penalty = kind(model, self._agent, self._family, self._seed)
        return self._penalty

    def _add(self, penalty: Penalty) -> None:
        """Add the penalty's gradient before every later step of the optimizers.

        It must come after the hooks that measure the gradient of the algorithm's own loss.
        """
        for optimizer in self._view.optimizers.values():
            self._hooks.append(optimizer.register_step_pre_hook(_adding(penalty)))

    def _init_callback(self) -> None:
        super()._init_callback()
        steps, share = self._view.rollout_steps, self._run.spec.steps // len(self._tasks)
        if share < steps:
            raise UserError(
                f"{user_syntax('steps', '--steps')}: found {self._run.spec.steps:,} for {len(self._tasks)}"
                f" tasks in sequence; allowed: {steps * len(self._tasks):,} or more, a rollout each"
            )

    def _on_training_start(self) -> None:
        if self._penalty is not None:
            self._add(self._penalty)

    def _on_rollout_start(self) -> None:
        self._rollout_starts = self._view.learning_starts  # what the algorithm collects this rollout by
        if self._starts is not None:
            self.model.learning_starts, self._starts = self._starts, None  # type: ignore[attr-defined]
        number = task_at(self.model.num_timesteps, self._run.spec.steps, len(self._tasks))
        if number == self._learned:
            return
        evaluation = self._evaluate()
        self._run.save_evaluation(evaluation.to_json(), stage_name(number))
        if number > 0:
            self._end_task(number)
            returns = [task.mean for task in evaluation.tasks][:number]
            self.logger.record("sequence/average_return", float(np.mean(returns)))
        self._learned = number
        self.logger.record("sequence/task", number + 1)

    def _end_task(self, number: int) -> None:
        sequence, model = self._agent.sequence, self.model
        if sequence.regularizer in PENALTIES and sequence.weight > 0:
            first = self._penalty is None
            penalty = self._penalty or self._begin(model)
            penalty.keep(self._tasks[:number])
            if first:
                self._add(penalty)
        self._sampler.current = number
        if self._view.off_policy:
            off_policy: Any = model
            if sequence.keep_replay:
                self._view.end_episodes()
            else:
                off_policy.replay_buffer.reset()
            starts = int(vars(self._agent.algorithm)["learning_starts"])
            off_policy.learning_starts = model.num_timesteps + starts
        assert model.env is not None
        model._last_obs = model.env.reset()  # type: ignore[assignment]
        model._last_episode_starts = np.ones(self._env.num_envs, dtype=bool)
        note_original_observation(model)

    def _on_training_end(self) -> None:
        for hook in self._hooks:
            hook.remove()
        self._hooks = []


def _adding(penalty: Penalty) -> Callable[..., None]:
    """A hook that adds a penalty's gradient before each step of an optimizer that it concerns."""
    depends = True

    def before_step(optimizer: torch.optim.Optimizer, *_: Any) -> None:
        nonlocal depends
        if depends:
            depends = penalty.add_gradient(
                [one for group in optimizer.param_groups for one in group["params"]]
            )

    return before_step
