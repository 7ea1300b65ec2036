"""Observations that are off in training, and in training alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hyperrl import api
from hyperrl.tasks import Family, TaskSampler
from hyperrl.tasks.observation_noise import ObservationNoise, observation_scales
from hyperrl.training.observation_noise import TrainingNoise
from hyperrl.training.observed_context import ObservedContextVecEnv
from hyperrl.training.vec_env import BatchedVecEnv
from tests.runs import SMALL, message

FAMILY = Family.load("pendulum")


def noisy(size: float, seed: int = 2) -> ObservedContextVecEnv:
    batch = FAMILY.make_vec(8, sampler=TaskSampler(FAMILY.tasks("train"), seed=1))
    noise = TrainingNoise(ObservationNoise(observation_scales(FAMILY), size), seed)
    env = ObservedContextVecEnv(batch, [], noise)
    env.seed(0)
    return env


def test_every_observation_is_off_by_at_most_its_bound_and_rewards_are_not() -> None:
    batch = FAMILY.make_vec(8, sampler=TaskSampler(FAMILY.tasks("train"), seed=1))
    plain, env = BatchedVecEnv(batch), noisy(0.2)
    plain.seed(0)
    bound = 0.2 * observation_scales(FAMILY)["obs"]
    true: Any = plain.reset()
    seen: Any = env.reset()
    off = [seen["obs"] - true["obs"]]
    for _ in range(200):
        action = np.ones((8, 1), np.float32)
        true, paid, dones, infos = plain.step(action)
        seen, rewards, _, others = env.step(action)
        off.append(seen["obs"] - true["obs"])
        np.testing.assert_array_equal(rewards, paid)
        np.testing.assert_array_equal(seen["context"], true["context"])
    assert dones.all()
    ends = [
        other["terminal_observation"]["obs"] - info["terminal_observation"]["obs"]
        for info, other in zip(infos, others, strict=True)
    ]
    differences = np.abs(np.concatenate([*off, ends]))
    assert (differences <= bound + 1e-5).all()
    assert (differences.max(axis=0) > 0.95 * bound).all()
    assert (np.abs(np.array(ends)).max(axis=0) > 0).all()


def test_a_resumed_training_is_the_same_bit_for_bit(tmp_path: Path, no_figures: None) -> None:
    overrides = [*SMALL, "observation_noise=0.3", "checkpoint_every=32"]
    whole = api.train("hyper-ppo", "ode", steps=128, overrides=overrides, out=tmp_path / "whole")
    part = api.train("hyper-ppo", "ode", steps=64, overrides=overrides, out=tmp_path / "part")
    resumed = api.resume(part, steps=128)
    one, other = (api.load(run, checkpoint="latest").model.policy.state_dict() for run in (whole, resumed))
    assert all(np.array_equal(one[name], other[name]) for name in one)
    plain = api.train("hyper-ppo", "ode", steps=64, overrides=SMALL, out=tmp_path / "plain")
    without = api.load(plain, checkpoint="latest").model.policy.state_dict()
    assert any(not np.array_equal(without[name], one[name]) for name in one)


@pytest.mark.parametrize(
    ("agent", "overrides", "said"),
    [
        ("hyper-ppo", ["observation_noise=1.5"], "observation_noise: found 1.5; allowed: "),
        (
            "hyper-sac-inferred", ["observation_noise=0.1"],
            "observation_noise: found 0.1; allowed: 0 with policy.inference",
        ),
        ("hyper-sac", ["algorithm.her={}", "observation_noise=0.1"], "allowed: 0 with algorithm.her"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_one_line(
    tmp_path: Path, agent: str, overrides: list[str], said: str
) -> None:
    assert said in message(api.train, agent, "ode", overrides=overrides, out=tmp_path / "x")
