"""One short training that the tests read back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from hyperrl.recipes import load_agent, resolve
from hyperrl.store import Run
from hyperrl.tasks import Family
from hyperrl.training import train
from tests.training.conftest import short_episodes

STEPS = (0, 512, 1024, 1536, 2048)
SHORT = (
    "steps=2048",
    "evaluate_every=512",
    "algorithm.n_steps=64",
    "algorithm.batch_size=64",
    "algorithm.n_epochs=2",
)


def short_run(
    out: Path, agent: str = "hyper-ppo", overrides: Sequence[str] = SHORT, episode_steps: int = 40
) -> Run:
    loaded = short_episodes(Family.load("ode"), episode_steps)
    return train(resolve(load_agent(agent), loaded.recipe, overrides), loaded, out=out)


def read(run: Run) -> EventAccumulator:
    events = EventAccumulator(str(run.path), size_guidance={"scalars": 0, "images": 0, "tensors": 0})
    events.Reload()
    return events


@pytest.fixture(scope="session")
def logdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `tensorboard --logdir` is given: a folder of runs."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="session")
def run(logdir: Path) -> Run:
    return short_run(logdir / "ode" / "hyper-ppo" / "seed-0", episode_steps=100)


@pytest.fixture(scope="session")
def events(run: Run) -> EventAccumulator:
    return read(run)


SPLITS = ("train", "validation", "interpolation", "extrapolation")


def scalars(events: Any, tag: str) -> dict[int, float]:
    return {event.step: event.value for event in events.Scalars(tag)}
