"""Contexts as arrays and descriptors."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperrl.errors import UserError
from hyperrl.recipes import Feature
from hyperrl.tasks import ContextSpace, Family
from hyperrl.tasks.contexts import assignment

SPACE = ContextSpace(
    {
        "mass": Feature(about="m", default=1.0, train=(0.5, 1.5), extrapolation=(0.1, 2.0)),
        "angle": Feature(about="a", default=0.0, train=(0.0, 2 * math.pi), encoding="circle"),
        "sign": Feature(about="s", default=1.0, train=(-1.0, 1.0), values=(-1.0, 1.0)),
    }
)


def test_the_descriptor_is_normalized_by_the_training_range_and_bounded_by_the_widest() -> None:
    assert SPACE.names == ("mass", "angle", "sign")
    assert SPACE.descriptor_names == ("mass", "angle.cos", "angle.sin", "sign")
    assert SPACE.descriptor_dim == 4
    rows = SPACE.descriptors([{"mass": 0.5}, {"mass": 1.5, "angle": math.pi / 2}, {"sign": -1.0}])
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, [[-1, 1, 0, 1], [1, 0, 1, 1], [0, 1, 0, -1]], atol=1e-7)
    np.testing.assert_allclose(SPACE.box.low, [-1.8, -1, -1, -1], rtol=1e-6)
    np.testing.assert_allclose(SPACE.box.high, [2.0, 1, 1, 1], rtol=1e-6)
    assert SPACE.box.dtype == np.float32


def test_a_categorical_feature_is_one_hot_over_its_values() -> None:
    kind = Feature(about="k", default=2.0, train=(1.0, 7.0), values=(1.0, 2.0, 7.0), encoding="categorical")
    space = ContextSpace({"mass": SPACE.features["mass"], "kind": kind})
    assert space.descriptor_names == ("mass", "kind=1", "kind=2", "kind=7")
    assert (space.descriptor_dim, space.owners, SPACE.owners) == (4, (0, 1, 1, 1), (0, 1, 1, 2))
    rows = space.descriptors([{"mass": 1.5, "kind": 7}, {"mass": 0.5}])
    assert rows.tolist() == [[1, 0, 0, 1], [-1, 0, 1, 0]]
    np.testing.assert_allclose(space.box.low, [-1.8, 0, 0, 0], rtol=1e-6)
    np.testing.assert_allclose(space.box.high, [2, 1, 1, 1], rtol=1e-6)
    with pytest.raises(UserError, match="kind is 3; a categorical feature; its values: 1, 2, 7"):
        space.complete({"kind": 3})


@given(mass=st.floats(0.1, 2.0), angle=st.floats(-10, 10), sign=st.sampled_from([-1.0, 1.0]))
def test_declared_contexts_lie_in_the_box_and_come_back_from_arrays(
    mass: float, angle: float, sign: float
) -> None:
    context = {"mass": mass, "angle": angle, "sign": sign}
    values = SPACE.values([context])
    assert SPACE.contexts(values) == [context]
    assert SPACE.descriptors([context])[0] in SPACE.box
    assert SPACE.complete(context) == context
    printed = float(f"{mass:.6g}")
    task = SPACE.complete({**context, "mass": printed})
    assert task.inside == (0.5 <= printed <= 1.5)
    again = SPACE.complete({**context, "mass": printed * (1 + 1e-13)})
    assert (again, hash(again), again.key, again.inside) == (task, hash(task), task.key, task.inside)


def test_a_context_beyond_the_declared_ranges_is_accepted_and_flagged() -> None:
    family = Family.load("ode")
    assert family.space.complete({"c0": 1000}) == {"c0": 1000.0}
    assert family.flag({"c0": 1000.0}) == "extrapolation"
    assert family.flag({"c0": 2.5}) == "interpolation"
    assert family.flag({"c0": 5.0}) == family.flag({}) == "train"
    batch = family.make_vec(1, contexts=[{"c0": 1000.0}])
    assert batch.reset(seed=0)[0]["context"][0, 0] == 200.0


def test_an_angle_may_be_of_any_size() -> None:
    cosine, sine = SPACE.descriptors([{"angle": 1e300}])[0, 1:3]
    assert cosine**2 + sine**2 == pytest.approx(1.0)


def test_a_context_is_written_as_the_command_line_takes_it() -> None:
    context = {"c0": -5.0, "mass": 0.1234567}
    assert assignment(context) == "c0=-5,mass=0.123457"
    assert assignment(context, digits=10) == "c0=-5,mass=0.1234567"


def test_no_contexts_are_an_empty_array() -> None:
    assert SPACE.values([]).shape == (0, 3)
    assert SPACE.descriptors([]).shape == (0, 4)
    with pytest.raises(UserError, match="at least one feature"):
        ContextSpace({})
