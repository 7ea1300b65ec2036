"""Draws the figure of return over the context during training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from hyperrl.evaluation import ModelPolicy, TaskResult, evaluate_tasks, plan
from hyperrl.evaluation.figures import draw_returns
from hyperrl.tasks import Family
from hyperrl.training.isolation import preserve_training_state
from hyperrl.training.telemetry.output import writer_of
from hyperrl.training.telemetry.zero_shot import AfterEvaluation, ZeroShot

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hyperrl.recipes import Context, Feature

TAG = "return_over_context"
WHEN = (0.25, 0.5, 0.75)
LINE, PLANE = 41, 21
MOST_EPISODES = 320
DPI = 100


class ReturnFigure(AfterEvaluation):
    """Draws return over the declared ranges, after a quarter, a half, three quarters and all of training.

    The figure has tasks of its own on a regular grid: a curve for one feature, a heatmap for two, and for
    more a curve over the first feature with the others at their defaults. It becomes the image
    `return_over_context` in TensorBoard and `return_over_context.png` in `folder`. Each task plays one
    episode, a curve's tasks several at the end of training. The grid is coarser where playing it would take
    long compared with the training.
    """

    def __init__(self, zero_shot: ZeroShot, agent: str, folder: Path):
        super().__init__(zero_shot)
        self._agent, self._folder = agent, folder
        self._drawn = 0.0

    def _on_training_start(self) -> None:
        self._drawn = self.model.num_timesteps / self.locals["total_timesteps"]
        super()._on_training_start()

    def _on_evaluation(self, last: bool) -> None:
        progress = self.zero_shot.steps / self.locals["total_timesteps"]
        if not last and not any(self._drawn < moment <= progress for moment in WHEN):
            return
        self._drawn = progress
        features = swept(self.zero_shot.family)
        most = plan.affordable_episodes(self.zero_shot.family, self.zero_shot.planned)
        results = self._play(grid(self.zero_shot.family, features, most), last)
        figure = draw_returns(self._agent, results, self.zero_shot.family, self._folder / f"{TAG}.png")
        writer = writer_of(self.logger)
        if writer is not None:
            writer.add_image(TAG, pixels(figure), self.zero_shot.steps, dataformats="HWC")

    def _play(self, tasks: Sequence[Context], last: bool) -> list[TaskResult]:
        family = self.zero_shot.family
        often = last and family.batched
        episodes = max(1, min(family.recipe.evaluation.episodes, MOST_EPISODES // len(tasks))) if often else 1
        with preserve_training_state(self.model):
            return evaluate_tasks(ModelPolicy(self.model), family, tasks, episodes=episodes)


def swept(family: Family) -> list[str]:
    """The features that the grid varies: both of two, else the first one that is continuous, if any."""
    features = family.recipe.features
    if len(features) == 2:
        return list(features)
    continuous = [name for name, feature in features.items() if feature.values is None]
    return [*continuous, *features][:1]


def grid(family: Family, features: list[str], most: int | None = None) -> list[Context]:
    """Tasks on a regular grid of the features' widest declared ranges; other features take their defaults.

    Args:
        family: has the features.
        features: one or two.
        most: number of tasks at most, but at least two values of each feature.
    """
    recipes = [family.recipe.features[name] for name in features]
    varied = sum(recipe.values is None for recipe in recipes)
    count = LINE if varied < 2 else PLANE
    if most is not None and varied:
        lines = math.prod(len(recipe.values) for recipe in recipes if recipe.values is not None)
        count = max(2, min(count, int((most / lines) ** (1 / varied))))
    return family.space.grid({name: _axis(family.recipe.features[name], count) for name in features})


def pixels(figure: Figure) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The figure as `(height, width, 3)` bytes at 100 dots an inch."""
    figure.set_dpi(DPI)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    rgba = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    return rgba[:, :, :3].copy()


def _axis(feature: Feature, count: int) -> list[float]:
    if feature.values is not None:
        return sorted(feature.values)
    low, high = feature.extrapolation or feature.train
    return [float(value) for value in np.linspace(low, high, count)]
