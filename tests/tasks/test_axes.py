import numpy as np

from hyperrl.tasks import Family
from hyperrl.tasks.axes import Axis

FEATURES = Family.load("double-integrator").space.features


def test_intervals_take_their_share_of_the_axis_in_order() -> None:
    axis = Axis(FEATURES["mass"], (0.0, 4.0), [(3.0, 4.0), (0.0, 1.0)])
    assert axis.at(np.array([0.0, 0.25, 0.5, 0.75])).tolist() == [0.0, 0.5, 3.0, 3.5]
    assert (axis.values, axis.width) == (None, 4.0)


def test_values_have_equal_shares() -> None:
    axis = Axis(FEATURES["action_sign"], (-1.0, 1.0))
    assert axis.at(np.array([0.0, 0.49, 0.5, 0.99])).tolist() == [-1, -1, 1, 1]
    assert axis.width == 0


def test_values_have_six_digits_and_stay_in_the_range() -> None:
    drawn = Axis(FEATURES["mass"], (0.1234567, 1.0)).at(np.linspace(0, 1 - 1e-12, 50))
    assert drawn.min() >= 0.1234567
    assert all(value == float(f"{value:.6g}") for value in drawn)
