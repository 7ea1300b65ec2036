"""Training return of each task."""

from __future__ import annotations

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from hyperrl.tasks import Family
from hyperrl.tasks.contexts import assignment
from hyperrl.training.telemetry.output import spread_out

MOST_TASKS = 32


class TrainTaskReturn(BaseCallback):
    """Writes `train_task/<context>`: mean return of the task's training episodes since the last log.

    Actions are sampled here and starts are training's own, so that it differs from `zero_shot/train`. Of more
    than 32 training tasks, 32 evenly spaced ones are followed.
    """

    def __init__(self, family: Family):
        super().__init__()
        followed = spread_out(family.tasks("train"), MOST_TASKS)
        self._tags = {assignment(context): f"train_task/{assignment(context)}" for context in followed}

    def _on_step(self) -> bool:
        for i in np.flatnonzero(self.locals["dones"]):
            info = self.locals["infos"][i]
            tag = self._tags.get(assignment(info["context"]))
            if tag is not None:
                self.logger.record_mean(tag, info["episode"]["r"])
        return True
