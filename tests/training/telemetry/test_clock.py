"""Seconds of rollouts, updates and generation."""

from __future__ import annotations

from typing import Any

import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback, CallbackList

from hyperrl.policies.view import View
from hyperrl.training.telemetry.clock import Clock
from tests.training.conftest import Rows
from tests.training.telemetry.conftest import STEPS, scalars


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


def test_gradient_norm_and_times(events: Any) -> None:
    norms = scalars(events, "gradient/norm")
    assert tuple(norms) == STEPS[2:]
    assert all(value > 0 for value in norms.values())
    for event in events.Scalars("gradient/clipped"):
        assert 0 <= event.value <= 1
    rollout, update, generation = (
        scalars(events, f"time/{part}") for part in ("rollout", "update", "generation")
    )
    assert tuple(rollout) == tuple(generation) == STEPS[1:]
    assert tuple(update) == STEPS[2:]
    for step in STEPS[2:]:
        assert 0 < generation[step] < update[step] + rollout[step]
    (*_, last) = events.Scalars("time/fps")
    taken = last.wall_time - events.FirstEventTimestamp()
    assert sum(rollout.values()) + sum(update.values()) < taken
