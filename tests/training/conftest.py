from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.logger import KVWriter, Logger

from hyperrl.recipes import AgentRecipe, load_agent, resolve
from hyperrl.store import Run
from hyperrl.tasks import Family
from hyperrl.training import BatchedVecEnv, Progress, build_model, train

OFF_POLICY = (
    "algorithm.train_freq=8",
    "algorithm.gradient_steps=2",
    "algorithm.learning_starts=256",
    "algorithm.batch_size=16",
    "algorithm.buffer_size=1536",
)
SMALL = {
    "ppo": ("algorithm.n_steps=64", "algorithm.batch_size=128", "algorithm.n_epochs=2"),
    "maskable_ppo": ("algorithm.n_steps=64", "algorithm.batch_size=128", "algorithm.n_epochs=2"),
    "a2c": ("algorithm.n_steps=64",),
    "trpo": ("algorithm.n_steps=64", "algorithm.batch_size=128", "algorithm.n_critic_updates=2"),
    "recurrent_ppo": (
        "algorithm.n_steps=64",
        "algorithm.batch_size=128",
        "algorithm.n_epochs=2",
        "policy.lstm_hidden_size=8",
    ),
    **dict.fromkeys(("sac", "td3", "crossq", "dqn"), OFF_POLICY),
    **dict.fromkeys(("tqc", "qrdqn"), (*OFF_POLICY, "policy.n_quantiles=5")),
}
COMMON = ("n_envs=8", "policy.net_arch=[8, 8]", "evaluate_every=100000", "checkpoint_every=1024")

Start = Callable[..., Run]


def small(agent: str, family: str, *overrides: str) -> tuple[AgentRecipe, Family]:
    """A shipped agent with small networks and rollouts of 512 steps, off policy of 64; episodes are short."""
    recipe, loaded = load_agent(agent), short_episodes(Family.load(family))
    return resolve(recipe, loaded.recipe, (*SMALL[recipe.algorithm.name], *COMMON, *overrides)), loaded


def build(agent: str, family: str, *overrides: str, device: str = "cpu") -> tuple[Any, AgentRecipe, Family]:
    """A small agent's model, ready to learn on a family, with both recipes."""
    recipe, loaded = small(agent, family, *overrides)
    env = BatchedVecEnv(loaded.make_vec(recipe.n_envs))
    return build_model(recipe, env, seed=5, device=device), recipe, loaded


def short_episodes(family: Family, steps: int = 40) -> Family:
    """The family with at most so many steps an episode, which makes evaluations cheap."""
    kwargs = {**family.recipe.kwargs, "max_episode_steps": steps}
    return Family(family.recipe.model_copy(update={"kwargs": kwargs}))


@pytest.fixture
def no_telemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Telemetry's figures and evaluations take longer than a short training."""
    monkeypatch.setattr("hyperrl.training.telemetry.callbacks", lambda *_, others, **__: list(others))


@contextmanager
def train_alone() -> Iterator[None]:
    """Train without telemetry and without the evaluation at the end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hyperrl.training.telemetry.callbacks", lambda *_, others, **__: list(others))
        patch.setattr("hyperrl.training.session.evaluate_best", lambda *_: SimpleNamespace(to_json=dict))
        yield


@pytest.fixture
def nothing_but_training() -> Iterator[None]:
    with train_alone():
        yield


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Train a small agent; `killed_at` interrupts it once so many steps are taken."""

    def started(agent: str = "hyper-ppo", family: str = "ode", *overrides: str, **options: Any) -> Run:
        return train_small(tmp_path, agent, family, *overrides, **options)

    return started


def train_small(
    folder: Path,
    agent: str,
    family: str,
    *overrides: str,
    name: str = "run",
    steps: int = 1024,
    seed: int = 1,
    killed_at: int | None = None,
    **options: Any,
) -> Run:
    recipe, loaded = small(agent, family, *overrides)
    progress = None if killed_at is None else killer(killed_at)
    try:
        return train(recipe, loaded, out=folder / name, seed=seed, steps=steps, progress=progress, **options)
    except KeyboardInterrupt:
        return Run.open(folder / name)


def killer(at: int) -> Progress:
    """Interrupts as Ctrl-C does once `at` steps are taken."""

    def hook(done: int, total: int) -> None:
        if done >= at:
            raise KeyboardInterrupt

    return hook


class Rows(KVWriter):
    """Keeps what is logged."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, dict[str, Any]]] = []

    def write(
        self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0
    ) -> None:
        self.rows.append((step, dict(key_values)))

    def close(self) -> None:
        pass

    def of(self, tag: str) -> list[tuple[int, Any]]:
        return [(step, row[tag]) for step, row in self.rows if tag in row]


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture
def ppo(rows: Rows) -> Iterator[PPO]:
    model = PPO(
        "MlpPolicy", gym.make("Pendulum-v1"), n_steps=128, batch_size=32, n_epochs=4, seed=0, device="cpu"
    )
    model.set_logger(Logger(None, [rows]))
    yield model
    model.get_env().close()  # type: ignore[union-attr]
