"""What is possible before any data."""

import math

import numpy as np

from hyperrl.identify.prior import Prior
from hyperrl.tasks import Family


def test_ranges_are_the_declared_or_the_training_ones() -> None:
    space = Family.load("pendulum").space
    declared, training = Prior(space), Prior(space, "training")
    assert declared.low.tolist() == [0.25, 0.25, 1]
    assert declared.high.tolist() == [3, 2.5, 20]
    assert (training.low.tolist(), training.high.tolist()) == ([0.5, 0.5, 5], [2, 2, 15])
    np.testing.assert_allclose(training.deviation, np.array([1.5, 1.5, 10]) / math.sqrt(12))


def test_samples_are_spread_evenly_in_each_feature() -> None:
    prior = Prior(Family.load("double-integrator").space)
    drawn = prior.sample(100, np.random.default_rng(0))
    assert np.bincount((drawn[:, 0] > 0).astype(int)).tolist() == [50, 50]
    assert set(drawn[:, 0]) == {-1.0, 1.0}
    counts, _ = np.histogram(drawn[:, 1], bins=100, range=(0.1, 2.0))
    assert (counts == 1).all()
    assert (prior.discrete, prior.ranges, prior.circular) == ([0], [1], [])


def test_an_angle_over_a_full_turn_comes_back_into_its_range() -> None:
    prior = Prior(Family.load("point-goal").space)
    assert prior.circular == [0]
    wrapped = prior.wrap(np.array([[-0.5], [1.0], [7.0]]))
    np.testing.assert_allclose(wrapped[:, 0], [2 * math.pi - 0.5, 1.0, 7.0 - 2 * math.pi])
    assert prior.holds(wrapped).all()


def test_what_lies_beyond_one_range_is_not_possible() -> None:
    prior = Prior(Family.load("pendulum").space)
    assert prior.holds(np.array([[1, 1, 10], [1, 1, 21], [0.2, 1, 10.0]])).tolist() == [True, False, False]
