"""What a run tells TensorBoard: small Stable-Baselines3 callbacks, one concern each."""

from __future__ import annotations

from collections.abc import Callable

from stable_baselines3.common.callbacks import BaseCallback

from hyperrl.evaluation import Evaluation
from hyperrl.recipes import AgentRecipe
from hyperrl.store import Run
from hyperrl.tasks import Family
from hyperrl.training.telemetry.clock import Clock
from hyperrl.training.telemetry.figure import ReturnFigure
from hyperrl.training.telemetry.gradient import GradientNorm, GradientNorms
from hyperrl.training.telemetry.hparams import HParams
from hyperrl.training.telemetry.layout import ScalarLayout
from hyperrl.training.telemetry.output import Publisher
from hyperrl.training.telemetry.training_tasks import SampledTasks, TrainTaskReturn
from hyperrl.training.telemetry.weights import GeneratedWeights, Projector
from hyperrl.training.telemetry.zero_shot import ZeroShot

__all__ = ["SampledTasks", "ZeroShot", "callbacks"]


def callbacks(
    run: Run,
    family: Family,
    agent: AgentRecipe,
    seed: int,
    on_validation: Callable[[float, int], None],
    final: Callable[[], Evaluation],
    *others: BaseCallback,
) -> list[BaseCallback]:
    """All of telemetry, and `others` after what it does, in the order in which they must be called.

    The model's logger decides where it goes: scalars to all its outputs, the rest to the TensorBoard writer
    among them (the output whose `writer` is a `SummaryWriter`), if any.

    Args:
        run: its folder of figures is written to.
        family: what is trained on and evaluated.
        agent: the resolved recipe; its `evaluate_every` sets the intervals.
        seed: the run's seed, shown in the HParams tab.
        on_validation: told `(mean validation return, steps)` at each evaluation, between rollouts.
        final: evaluates the run's best weights, when training has ended.
        others: callbacks whose time, too, belongs neither to rollouts nor to updates.
    """
    clock, publisher = Clock(), Publisher()
    zero_shot = ZeroShot(family, agent.evaluate_every, on_validation, publisher)
    one_loss = hasattr(agent.algorithm, "max_grad_norm")
    return [
        clock,
        TrainTaskReturn(family),
        GradientNorm() if one_loss else GradientNorms(),
        zero_shot,
        GeneratedWeights(zero_shot, publisher),
        ReturnFigure(zero_shot, agent.name, run.figures),
        Projector(zero_shot),
        HParams(zero_shot, agent, seed, publisher, final),
        ScalarLayout(),
        publisher,
        *others,
        clock.last,
    ]
