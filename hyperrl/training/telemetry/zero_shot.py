"""Zero-shot returns per split while training goes on."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable
from itertools import groupby

from gymnasium.vector import SyncVectorEnv
from stable_baselines3.common.callbacks import BaseCallback

from hyperrl.evaluation import TaskResult, act_of, evaluate_tasks
from hyperrl.evaluation.progress import Progress, share_of
from hyperrl.tasks import Family
from hyperrl.training.telemetry.isolation import undisturbed
from hyperrl.training.telemetry.output import Publisher, mean

SPLITS = ("train", "validation", "interpolation", "extrapolation")
MOST_EPISODES = 320


class ZeroShot(BaseCallback):
    """Evaluates all splits at regular intervals and writes `zero_shot/<split>`, the mean undiscounted return.

    Evaluations fall before training, at the end of the first rollout that crosses each multiple of `every`
    steps (the weights are those that collected it), and after the last update. They play the starts of
    `hyperrl evaluate --seed 0` with deterministic actions, and as many episodes a task as the family says
    unless that slows training down (`episodes`).

    Attributes:
        results: the latest evaluation, per split.
        evaluations: how many there were.
        steps: environment steps at the latest one.
        progress: told of evaluations, where it is a reporter.
    """

    progress: Progress | None = None

    def __init__(
        self, family: Family, every: int, on_validation: Callable[[float, int], None], publisher: Publisher
    ):
        """Evaluate every `every` steps; `on_validation(mean validation return, steps)` is told of each."""
        super().__init__()
        self.family, self.every = family, every
        self.results: dict[str, list[TaskResult]] = {}
        self.evaluations, self.steps = 0, 0
        self._on_validation, self._publisher = on_validation, publisher
        self._seen = 0

    def _on_training_start(self) -> None:
        self._seen = self.model.num_timesteps
        if self._seen == 0:
            self._evaluate()

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        steps, before = self.model.num_timesteps, self._seen
        self._seen = steps
        if steps // self.every > before // self.every and steps < self.locals["total_timesteps"]:
            self._evaluate()

    def _on_training_end(self) -> None:
        self._evaluate()

    def episodes(self, tasks: int) -> int:
        """Episodes that each of so many tasks plays: 320 in all at most, one each at least.

        One each, too, where the environments in training run one after the other: there, five episodes of a
        hundred tasks take longer than the training between two evaluations.
        """
        if isinstance(getattr(self.training_env, "batch", None), SyncVectorEnv):
            return 1
        return max(1, min(self.family.recipe.evaluation.episodes, MOST_EPISODES // tasks))

    def _evaluate(self) -> None:
        began = time.perf_counter()
        tasks = [(split, context) for split in SPLITS for context in self.family.tasks(split)]
        with undisturbed(self.model):
            results = evaluate_tasks(
                act_of(self.model),
                self.family,
                [context for _, context in tasks],
                episodes=self.episodes(len(tasks)),
                splits=[split for split, _ in tasks],
                progress=share_of(self.progress, "evaluating"),
            )
        self.results = {split: list(group) for split, group in groupby(results, lambda result: result.split)}
        self.steps, self.evaluations = self.model.num_timesteps, self.evaluations + 1
        means = {split: mean(result.mean for result in group) for split, group in self.results.items()}
        self._publisher.put({f"zero_shot/{split}": value for split, value in means.items()})
        self._publisher.put({"time/evaluation": time.perf_counter() - began})
        if "validation" in means:
            self._on_validation(means["validation"], self.steps)


class AfterEvaluation(BaseCallback):
    """A callback that acts after each zero-shot evaluation; it follows `ZeroShot` in the list."""

    def __init__(self, zero_shot: ZeroShot):
        super().__init__()
        self.zero_shot = zero_shot
        self._acted = 0

    @abstractmethod
    def _on_evaluation(self, last: bool) -> None:
        """`zero_shot.results` are new; `last`: training has ended."""

    def _on_step(self) -> bool:
        return True

    def _on_training_start(self) -> None:
        self._look(last=False)

    def _on_rollout_end(self) -> None:
        self._look(last=False)

    def _on_training_end(self) -> None:
        self._look(last=True)

    def _look(self, last: bool) -> None:
        if self.zero_shot.evaluations > self._acted:
            self._acted = self.zero_shot.evaluations
            self._on_evaluation(last)
