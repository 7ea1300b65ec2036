"""Parts of telemetry by themselves."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.logger import KVWriter, Logger

from hyperrl.config import HypernetworkConfig, LrScale
from hyperrl.policies.view import View
from hyperrl.recipes import ALGORITHMS, described_fields, load_agent, load_family, resolve
from hyperrl.recipes.curriculum import Curriculum
from hyperrl.recipes.policy import (
    BlindPolicyRecipe,
    ConcatPolicyRecipe,
    HyperPolicyRecipe,
)
from hyperrl.tasks import TaskSampler
from hyperrl.training.isolation import preserve_training_state
from hyperrl.training.telemetry.clock import Clock
from hyperrl.training.telemetry.gradient import EVERY, GradientNorm
from hyperrl.training.telemetry.hparams import declared, hyperparameters
from hyperrl.training.telemetry.output import Publisher, writer_of
from hyperrl.training.telemetry.training_tasks import SampledTasks
from hyperrl.training.telemetry.weights import coordinates, statistics


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


def test_gradient_norm_is_the_one_before_clipping(
    ppo: PPO, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip, norms = torch.nn.utils.clip_grad_norm_, []

    def seen(*args: Any, **kwargs: Any) -> torch.Tensor:
        norms.append(clip(*args, **kwargs))
        return norms[-1]

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", seen)
    ppo.learn(128 * 4, GradientNorm())
    found = [value for _, value in rows.of("gradient/norm")]
    updates = np.array([float(norm) for norm in norms]).reshape(4, 16)
    measured = np.arange(updates.size).reshape(4, 16) % EVERY == 0
    expected = [updates[i][measured[i]].mean() for i in range(3)]
    assert max(expected) > ppo.max_grad_norm
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    clipped = [(updates[i][measured[i]] > ppo.max_grad_norm).mean() for i in range(3)]
    assert [value for _, value in rows.of("gradient/clipped")] == clipped


def test_gradient_norm_leaves_training_as_it_was_and_no_hook_behind(ppo: PPO) -> None:
    ppo.learn(256, GradientNorm())
    env = gym.make("Pendulum-v1")
    plain = PPO("MlpPolicy", env, n_steps=128, batch_size=32, n_epochs=4, seed=0, device="cpu").learn(256)
    env.close()
    for a, b in zip(ppo.policy.parameters(), plain.policy.parameters(), strict=True):
        assert torch.equal(a, b)
        assert not a._backward_hooks
    assert not ppo.policy.optimizer._optimizer_step_post_hooks


class _Draws(BaseCallback):
    """Draws from every global generator, unseen where `preserve_training_state` does its work."""

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        with preserve_training_state(self.model):
            self.model.policy.set_training_mode(True)
            self.drawn = [*torch.rand(3).tolist(), random.random(), np.random.rand()]
            random.seed(99), np.random.seed(99), torch.manual_seed(99)


def test_undisturbed_keeps_random_streams_and_mode(ppo: PPO) -> None:
    ppo.policy.set_training_mode(False)
    draws = _Draws()
    draws.init_callback(ppo)
    torch.manual_seed(1), np.random.seed(1), random.seed(1)
    expected = [*torch.rand(3).tolist(), random.random(), np.random.rand()]
    torch.manual_seed(1), np.random.seed(1), random.seed(1)
    draws.on_rollout_end()
    assert draws.drawn == expected
    assert [*torch.rand(3).tolist(), random.random(), np.random.rand()] == expected
    assert not ppo.policy.training


class _Puts(BaseCallback):
    def __init__(self, publisher: Publisher):
        super().__init__()
        self._publisher = publisher

    def _on_training_start(self) -> None:
        self._publisher.put({"a/x": 0.0})

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        self._publisher.put({"a/x": float(self.model.num_timesteps)})

    def _on_training_end(self) -> None:
        self._publisher.put({"a/x": -1.0})


@pytest.mark.parametrize("interval", [1, 3, None])
def test_values_are_written_at_their_own_step_whatever_the_log_interval(
    rows: Rows, interval: int | None
) -> None:
    env = gym.make("CartPole-v1")
    model = A2C("MlpPolicy", env, n_steps=5, seed=0, device="cpu")
    model.set_logger(Logger(None, [rows]))
    publisher = Publisher()
    model.learn(30, CallbackList([_Puts(publisher), publisher]), log_interval=interval)  # type: ignore[arg-type]
    env.close()
    assert rows.of("a/x") == [(0, 0.0)] + [(step, float(step)) for step in range(5, 31, 5)] + [(30, -1.0)]
    logged = [step for step, _ in rows.of("time/fps")]
    assert logged == ([] if interval is None else list(range(5 * interval, 31, 5 * interval)))
    joined = [step for step, row in rows.rows if "time/fps" in row and "a/x" in row]
    assert joined == logged


def test_clock_tells_rollout_update_and_generation_apart(
    ppo: PPO, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    generated = [0.0]
    monkeypatch.setattr(View, "generation_seconds", property(lambda _: generated[0]))

    class Passes(BaseCallback):
        def _on_step(self) -> bool:
            now[0] += 0.01
            generated[0] += 0.001
            return True

        def _on_rollout_end(self) -> None:
            generated[0] += 50.0
            now[0] += 100.0

    class Saves(BaseCallback):
        def _on_step(self) -> bool:
            return True

        def _on_rollout_start(self) -> None:
            now[0] += 7.0

    train = ppo.train

    def slow_train() -> None:
        train()
        now[0] += 5.0
        generated[0] += 1.0

    monkeypatch.setattr(ppo, "train", slow_train)
    clock = Clock()
    ppo.learn(128 * 3, CallbackList([clock, Passes(), Saves(), clock.last]))
    assert [value for _, value in rows.of("time/rollout")] == pytest.approx([1.28] * 3)
    assert rows.of("time/update") == [(256, pytest.approx(5.0)), (384, pytest.approx(5.0))]
    assert [value for _, value in rows.of("time/generation")] == pytest.approx([0.128, 1.128, 1.128])


@pytest.mark.parametrize(
    ("tasks", "entropy", "largest"), [(1, 1.0, 1.0), (4, np.log(2) / np.log(4), 0.5), (2, 0.0, 1.0)]
)
def test_the_distribution_over_tasks_is_told(
    ppo: PPO, rows: Rows, tasks: int, entropy: float, largest: float
) -> None:
    sampler = TaskSampler([{"g": float(i)} for i in range(tasks)], "cvar", 0, alpha=0.5, staleness=0.0)
    for _ in range(tasks):
        task = sampler.next()
        sampler.update(task, float(task))
    ppo.learn(256, SampledTasks(sampler), log_interval=1)
    assert rows.of("sampler/entropy") == [(step, pytest.approx(entropy)) for step in (128, 256)]
    assert rows.of("sampler/largest") == [(step, pytest.approx(largest)) for step in (128, 256)]


def test_statistics_of_weights() -> None:
    same = torch.full((4, 2, 3), 2.0)
    assert statistics(same) == pytest.approx((2 * 6**0.5, 0.0))
    assert statistics(torch.zeros(3, 2)) == (0.0, 0.0)
    opposite = torch.stack([torch.ones(5), -torch.ones(5)])
    assert statistics(opposite) == pytest.approx((5**0.5, 1.0))


def test_coordinates_keep_distances_and_angles() -> None:
    generator = torch.Generator().manual_seed(0)
    layers = [torch.randn(7, 30, 4, generator=generator), torch.randn(7, 30, generator=generator)]
    whole = torch.cat([layer.reshape(7, -1) for layer in layers], 1)
    points = coordinates(layers)
    assert points.shape == (7, 7)
    torch.testing.assert_close(points @ points.T, whole @ whole.T, atol=1e-4, rtol=1e-5)
    torch.testing.assert_close(torch.cdist(points, points), torch.cdist(whole, whole), atol=1e-3, rtol=1e-4)


def test_no_writer_among_the_outputs(rows: Rows) -> None:
    assert writer_of(Logger(None, [rows])) is None


def test_hyperparameters_are_plain_values_that_every_run_declares() -> None:
    values = hyperparameters(load_agent("hyper-ppo"))
    assert values["agent"] == "hyper-ppo"
    assert values["policy.hypernetwork.rank"] == 8
    assert values["policy.net_arch"] == "64-64"
    assert values["algorithm.normalize_advantage"] == "true"
    assert "about" not in values
    heads = resolve(load_agent("hyper-ppo"), load_family("ode"), ["policy.net_arch={pi: [8, 8], vf: []}"])
    assert hyperparameters(heads)["policy.net_arch"] == "pi:8-8 vf:none"
    every = {f"algorithm.{name}" for model in ALGORITHMS for name in model.model_fields}
    every |= {
        f"policy.{name}"
        for model in (HyperPolicyRecipe, ConcatPolicyRecipe, BlindPolicyRecipe)
        for name in model.model_fields
    }
    every |= {f"policy.hypernetwork.{name}" for name, _, _ in described_fields(HypernetworkConfig())}
    every |= {f"curriculum.{name}" for name in Curriculum.model_fields}
    every |= {f"policy.hypernetwork.lr_scale.{name}" for name, _, _ in described_fields(LrScale())}
    assert declared().keys() == every - {"policy.hypernetwork", "policy.hypernetwork.lr_scale"}
