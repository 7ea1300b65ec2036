"""Policies written by hand, whose returns are known."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hyperrl.evaluation import TaskResult
from hyperrl.evaluation.playback import render_episodes
from hyperrl.tasks import Family

Observation = dict[str, NDArray[Any]]


@pytest.fixture(scope="session")
def ode() -> Family:
    return Family.load("ode")


@pytest.fixture(scope="session")
def cartpole() -> Family:
    return Family.load("cartpole")


@pytest.fixture(scope="session")
def film() -> list[NDArray[np.uint8]]:
    """Episodes of 40 steps on three tasks of `ode`."""
    recipe = Family.load("ode").recipe
    short = Family(recipe.model_copy(update={"kwargs": {"max_episode_steps": 40}}))
    return list(render_episodes(drive, short, [{"c0": 2.0}, {"c0": -6.0}, {"c0": 9.0}]))


def drive(observation: Observation) -> NDArray[np.float32]:
    """Drive x to 0 as fast as |a| <= 1 lets it under x' = c0 a0, without overshooting: the oracle."""
    x = observation["obs"][:, 0].astype(np.float64)
    c0 = 5.0 * observation["context"][:, 0].astype(np.float64)  # [-5, 5] is read as [-1, 1]
    velocity = np.divide(-x / 0.01, c0, out=np.zeros_like(x), where=c0 != 0)
    return np.stack([np.clip(velocity, -1, 1), np.zeros_like(x)], axis=1).astype(np.float32)


def rest(observation: Observation) -> NDArray[np.float32]:
    return np.zeros((len(observation["obs"]), 2), dtype=np.float32)


def balance(observation: Observation) -> NDArray[np.int64]:
    """Push the cart to where the pole leans: episodes last differently long from task to task."""
    return (observation["obs"][:, 2] > 0).astype(np.int64)


def left(observation: Observation) -> NDArray[np.int64]:
    return np.zeros(len(observation["obs"]), dtype=np.int64)


@pytest.fixture
def result() -> Callable[..., TaskResult]:
    def make(
        context: dict[str, float], mean: float, oracle: float | None = None, split: str = "x"
    ) -> TaskResult:
        return TaskResult(context, split, [mean], [10], oracle)

    return make
