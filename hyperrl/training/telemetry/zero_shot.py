"""Evaluates zero-shot returns by split during training."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable

from hyperrl.evaluation import ModelPolicy, Policy, TaskResult, plan
from hyperrl.evaluation.networks import IndexedNetworks
from hyperrl.evaluation.progress import Progress, share_of
from hyperrl.evaluation.uncertainty import WatchedPolicy
from hyperrl.policies.registry import view
from hyperrl.tasks import Family
from hyperrl.training.isolation import preserve_training_state
from hyperrl.training.rollout_callback import RolloutCallback
from hyperrl.training.telemetry.output import Publisher, mean, writer_of

NOTE = """\
`zero_shot/SPLIT`: mean return of the weights in training, most likely actions. At each evaluation:

{parts}

The best weights are those with the highest `zero_shot/validation`. `hparams/SPLIT`: mean return of these, \
as in `evaluations/final.json`, `hyperrl list runs` and `hyperrl evaluate`.
"""


class ZeroShot(RolloutCallback):
    """Evaluates all splits at regular intervals and writes `zero_shot/<split>`, the mean undiscounted return.

    It evaluates before training, at the end of the first rollout that passes each multiple of `every` steps
    (with the weights that collected it), and after the last update. Actions are deterministic. The episodes
    of each split are those of `plan.while_training`; a text beside the scalars lists them. Of an agent with
    an index, `uncertainty/actions/SPLIT` and `uncertainty/values/SPLIT` tell how far its networks disagree.

    Attributes:
        results: the latest evaluation, per split.
        evaluations: number of evaluations so far.
        steps: environment steps at the latest one.
    """

    def __init__(
        self,
        family: Family,
        every: int,
        on_validation: Callable[[float, int], None],
        publisher: Publisher,
        progress: Progress | None = None,
    ):
        """Evaluate every `every` steps and call `on_validation(mean validation return, steps)` each time."""
        super().__init__()
        self.family, self.every = family, every
        self.results: dict[str, list[TaskResult]] = {}
        self.evaluations, self.steps = 0, 0
        self._on_validation, self._publisher, self._progress = on_validation, publisher, progress
        self._plans: list[plan.SplitPlan] = []

    @property
    def planned(self) -> int:
        """Environment steps of the whole training."""
        return int(self.locals["total_timesteps"])

    def _on_training_start(self) -> None:
        self._plans = plan.while_training(self.family, self.planned)
        if self.model.num_timesteps == 0:
            self._write_plan()
            self._evaluate()

    def _on_rollout_end(self) -> None:
        if self._crossed(self.every) and self.model.num_timesteps < self.planned:
            self._evaluate()

    def _on_training_end(self) -> None:
        self._evaluate()

    def _write_plan(self) -> None:
        writer = writer_of(self.logger)
        if writer is not None:
            parts = "\n".join(f"- {part}" for part in self._plans)
            writer.add_text("zero_shot", NOTE.format(parts=parts), 0)

    def _evaluate(self) -> None:
        began = time.perf_counter()
        with preserve_training_state(self.model):
            progress = share_of(self._progress, "evaluating")
            policy: Policy = ModelPolicy(self.model)
            watcher = None
            if view(self.model).index is not None:
                policy = watcher = WatchedPolicy(policy, IndexedNetworks(self.model))
            self.results = plan.play(policy, self.family, self._plans, progress)
            if watcher is not None:
                self._publish_uncertainty(watcher)
        self.steps, self.evaluations = self.model.num_timesteps, self.evaluations + 1
        means = {split: mean(result.mean for result in group) for split, group in self.results.items()}
        self._publisher.put({f"zero_shot/{split}": value for split, value in means.items()})
        self._publisher.put({"time/evaluation": time.perf_counter() - began})
        if plan.CHOICE in means:
            self._on_validation(means[plan.CHOICE], self.steps)

    def _publish_uncertainty(self, watcher: WatchedPolicy) -> None:
        """Write how far the networks of the agent's index disagree on each split."""
        played = iter(watcher.disagreement([result for group in self.results.values() for result in group]))
        for split, group in self.results.items():
            pairs = [next(played) for _ in group]
            for kind, values in zip(("actions", "values"), zip(*pairs, strict=True), strict=True):
                self._publisher.put({f"uncertainty/{kind}/{split}": mean(values)})


class AfterEvaluation(RolloutCallback):
    """A callback that acts after each zero-shot evaluation; it follows `ZeroShot` in the list."""

    def __init__(self, zero_shot: ZeroShot):
        super().__init__()
        self.zero_shot = zero_shot
        self._acted = 0

    @abstractmethod
    def _on_evaluation(self, last: bool) -> None:
        """`zero_shot.results` are new; `last`: training has ended."""

    def _on_training_start(self) -> None:
        self._act(last=False)

    def _on_rollout_end(self) -> None:
        self._act(last=False)

    def _on_training_end(self) -> None:
        self._act(last=True)

    def _act(self, last: bool) -> None:
        if self.zero_shot.evaluations > self._acted:
            self._acted = self.zero_shot.evaluations
            self._on_evaluation(last)
