from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hyperrl.recipes import AgentRecipe, load_agent, resolve
from hyperrl.store import Run
from hyperrl.tasks import Family
from hyperrl.training import Progress, train

OFF_POLICY = (
    "algorithm.train_freq=8",
    "algorithm.gradient_steps=2",
    "algorithm.learning_starts=256",
    "algorithm.batch_size=16",
    "algorithm.buffer_size=1536",
)
SMALL = {
    "ppo": ("algorithm.n_steps=64", "algorithm.batch_size=128", "algorithm.n_epochs=2"),
    "a2c": ("algorithm.n_steps=64",),
    "trpo": ("algorithm.n_steps=64", "algorithm.batch_size=128", "algorithm.n_critic_updates=2"),
    "recurrent_ppo": (
        "algorithm.n_steps=64",
        "algorithm.batch_size=128",
        "algorithm.n_epochs=2",
        "policy.lstm_hidden_size=8",
    ),
    **dict.fromkeys(("sac", "td3", "dqn"), OFF_POLICY),
    **dict.fromkeys(("tqc", "qrdqn"), (*OFF_POLICY, "policy.n_quantiles=5")),
}
COMMON = ("n_envs=8", "policy.net_arch=[8, 8]", "evaluate_every=100000", "checkpoint_every=1024")

Start = Callable[..., Run]


def small(agent: str, family: str, *overrides: str) -> tuple[AgentRecipe, Family]:
    """A shipped agent with small networks and rollouts of 512 steps, off policy of 64."""
    recipe, loaded = load_agent(agent), Family.load(family)
    return resolve(recipe, loaded.recipe, (*SMALL[recipe.algorithm.name], *COMMON, *overrides)), loaded


@pytest.fixture
def no_telemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Telemetry's figures and evaluations take longer than a short training."""
    monkeypatch.setattr("hyperrl.training.telemetry.callbacks", lambda *_, others, **__: list(others))


@pytest.fixture
def nothing_but_training(no_telemetry: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """No telemetry, and no evaluation at the end."""
    monkeypatch.setattr("hyperrl.training.session.evaluate_best", lambda *_: SimpleNamespace(to_json=dict))


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Train a small agent; `killed_at` interrupts it once so many steps are taken."""

    def started(
        agent: str = "hyper-ppo",
        family: str = "ode",
        *overrides: str,
        name: str = "run",
        steps: int = 1024,
        seed: int = 1,
        killed_at: int | None = None,
        from_run: Run | None = None,
        **options: Any,
    ) -> Run:
        recipe, loaded = small(agent, family, *overrides)
        progress = None if killed_at is None else killer(killed_at)
        path = tmp_path / name
        try:
            return train(
                recipe,
                loaded,
                out=path,
                seed=seed,
                steps=steps,
                from_run=from_run,
                progress=progress,
                **options,
            )
        except KeyboardInterrupt:
            return Run.open(path)

    return started


def killer(at: int) -> Progress:
    """Interrupts as Ctrl-C does once `at` steps are taken."""

    def hook(done: int, total: int) -> None:
        if done >= at:
            raise KeyboardInterrupt

    return hook
