"""Stable-Baselines3 callbacks that log a training to TensorBoard and `progress.csv`, one concern each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from stable_baselines3.common.callbacks import BaseCallback

from hyperrl.evaluation import Evaluation
from hyperrl.evaluation.progress import Progress
from hyperrl.policies.registry import algorithm
from hyperrl.recipes import AgentRecipe
from hyperrl.tasks import Family, TaskSampler
from hyperrl.training.telemetry.clock import Clock
from hyperrl.training.telemetry.figure import ReturnFigure
from hyperrl.training.telemetry.gradient import GradientNorm, GradientNorms
from hyperrl.training.telemetry.hparams import HParams
from hyperrl.training.telemetry.layout import ScalarLayout
from hyperrl.training.telemetry.output import Publisher
from hyperrl.training.telemetry.training_tasks import SampledTasks, TrainTaskReturn
from hyperrl.training.telemetry.weights import GeneratedWeights, Projector
from hyperrl.training.telemetry.zero_shot import ZeroShot

__all__ = ["callbacks"]


def callbacks(
    agent: AgentRecipe,
    family: Family,
    sampler: TaskSampler,
    seed: int,
    *,
    figures: Path,
    on_validation: Callable[[float, int], None],
    final_evaluation: Callable[[], Evaluation],
    progress: Progress | None = None,
    others: Sequence[BaseCallback] = (),
) -> list[BaseCallback]:
    """All of telemetry, then `others`, in the order in which they must be called.

    The model's logger decides where values go: scalars to all its outputs, the rest to the TensorBoard writer
    among them (the output whose `writer` is a `SummaryWriter`), if any.

    Args:
        agent: the resolved recipe; its `evaluate_every` sets the intervals.
        family: what is trained on and evaluated.
        sampler: what hands the environments their tasks.
        seed: the run's seed, shown in the HParams tab.
        figures: folder of the figure of return over the context.
        on_validation: called with `(mean validation return, steps)` at each evaluation, between rollouts.
        final_evaluation: evaluates the run's best weights, when training has ended.
        progress: called with the share of each evaluation that is done, where it is a `Reporter`.
        others: callbacks whose time is counted neither as rollout nor as update.
    """
    clock, publisher = Clock(), Publisher()
    zero_shot = ZeroShot(family, agent.evaluate_every, on_validation, publisher, progress)
    one_loss = algorithm(agent.algorithm.name).one_loss
    return [
        clock,
        TrainTaskReturn(family),
        GradientNorm() if one_loss else GradientNorms(),
        zero_shot,
        GeneratedWeights(zero_shot, publisher),
        ReturnFigure(zero_shot, agent.name, figures),
        Projector(zero_shot),
        HParams(zero_shot, agent, seed, publisher, final_evaluation),
        ScalarLayout(),
        publisher,
        *([] if sampler.curriculum is None else [SampledTasks(sampler)]),
        *others,
        clock.last,
    ]
