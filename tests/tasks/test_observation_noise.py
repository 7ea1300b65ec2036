import numpy as np
import pytest

from hyperrl.tasks import Family
from hyperrl.tasks.observation_noise import (
    ObservationNoise,
    hashed_uniform,
    observation_scales,
)
from hyperrl.tasks.spaces import float_parts
from tests.runs import message


def test_scales_are_the_familys_and_measure_each_entry() -> None:
    family = Family.load("pendulum")
    scales = observation_scales(family)
    assert list(scales) == float_parts(family.observation_space) == ["obs"]
    assert scales["obs"].shape == (3,)
    assert 0.3 < scales["obs"][0] < 1  # a cosine
    assert 0.5 < scales["obs"][2] < 5  # radians a second
    np.testing.assert_array_equal(observation_scales(Family.load("pendulum"))["obs"], scales["obs"])


def test_noise_is_bounded_by_its_size_in_each_entry() -> None:
    noise = ObservationNoise({"obs": np.array([2.0, 0.0, 1.0])}, 0.5)
    observation = {"obs": np.zeros((1000, 3), np.float32), "context": np.ones((1000, 2), np.float32)}
    numbers = hashed_uniform(np.arange(1000, dtype=np.uint64), 3, noise.entries)
    changed = noise.add(observation, numbers)
    assert changed["context"] is observation["context"]
    assert not observation["obs"].any()
    assert changed["obs"].dtype == np.float32
    largest = np.abs(changed["obs"]).max(axis=0)
    assert largest == pytest.approx([1.0, 0.0, 0.5], abs=0.01)
    assert largest[0] <= 1


def test_numbers_are_uniform_and_follow_seed_and_step_alone() -> None:
    seeds = np.arange(20_000, dtype=np.uint64)
    numbers = hashed_uniform(seeds, 0, 4)
    assert abs(numbers.mean()) < 0.01
    assert numbers.var() == pytest.approx(1 / 3, abs=0.01)
    assert numbers.min() >= -1
    assert numbers.max() < 1
    assert np.abs(np.corrcoef(numbers.T) - np.eye(4)).max() < 0.03
    assert abs(np.corrcoef(numbers[:-1, 0], numbers[1:, 0])[0, 1]) < 0.03
    assert abs(np.corrcoef(numbers[:, 0], hashed_uniform(seeds, 1, 4)[:, 0])[0, 1]) < 0.03
    np.testing.assert_array_equal(hashed_uniform(seeds[5:6], 0, 4)[0], numbers[5])


def test_observations_without_numbers_are_refused() -> None:
    minimal = Family.load("pendulum")
    minimal.__dict__["_probed"] = (
        __import__("gymnasium").spaces.Dict(obs=__import__("gymnasium").spaces.Discrete(3)), None, 1,
    )  # fmt: skip
    assert "observation noise: found observations of Dict('obs': Discrete(3))" in message(
        observation_scales, minimal
    )
