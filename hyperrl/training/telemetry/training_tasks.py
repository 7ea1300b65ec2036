"""Logs the training return of each task, and the distribution that tasks are drawn from."""

from __future__ import annotations

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from hyperrl.evaluation.plan import spread_out
from hyperrl.recipes import CONTEXT
from hyperrl.tasks import Family, TaskSampler
from hyperrl.tasks.contexts import assignment
from hyperrl.training.rollout_callback import RolloutCallback

MOST_TASKS = 32
"""Training tasks that are logged one by one, at most."""


class TrainTaskReturn(BaseCallback):
    """Writes `train_task/<context>`: mean return of the task's training episodes since the last log.

    It differs from `zero_shot/train`, as actions are sampled and starts are those of training. Of more than
    32 training tasks, 32 evenly spaced ones are logged.
    """

    def __init__(self, family: Family):
        super().__init__()
        tasks = spread_out(family.tasks("train"), MOST_TASKS)
        self._tags = {assignment(context): f"train_task/{assignment(context)}" for context in tasks}

    def _on_step(self) -> bool:
        for i in np.flatnonzero(self.locals["dones"]):
            info = self.locals["infos"][i]
            tag = self._tags.get(assignment(info[CONTEXT]))
            if tag is not None:
                self.logger.record_mean(tag, info["episode"]["r"])
        return True


class SampledTasks(RolloutCallback):
    """Writes `sampler/entropy` and `sampler/largest` of the distribution that tasks are drawn from.

    The entropy is in units of the uniform distribution's: 1 where all tasks are as likely, 0 where one task
    is certain. `largest` is the probability of the likeliest task.
    """

    def __init__(self, sampler: TaskSampler):
        super().__init__()
        self._sampler = sampler

    def _on_rollout_end(self) -> None:
        probabilities = self._sampler.probabilities
        likely = probabilities[probabilities > 0]
        entropy = float(-(likely * np.log(likely)).sum())
        most = np.log(len(probabilities))
        self.logger.record("sampler/entropy", entropy / most if most else 1.0)
        self.logger.record("sampler/largest", float(probabilities.max()))
