"""Contexts as arrays and descriptors, the sampler's sequence and state."""

import json
import math
import pickle
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperrl.errors import UserError
from hyperrl.recipes import Context, Feature
from hyperrl.tasks import ContextSpace, Family, TaskSampler
from hyperrl.tasks.contexts import assignment
from hyperrl.tasks.sampler import MODES

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


def test_equal_contexts_are_one_task() -> None:
    def task(**values: float) -> Context:
        return SPACE.complete(values)

    assert task(angle=1.0) == task(angle=1.0 + 2 * math.pi) == task(angle=1.0 - 2 * math.pi)
    assert task(angle=-0.0) == task() == task(angle=2 * math.pi)
    assert task(angle=-1e-16) == task(angle=2 * math.pi - 1e-10) == task()
    assert task(mass=0.1 + 0.2) == task(mass=0.3) != task(mass=0.3001)
    assert len({task(mass=0.1 + 0.2), task(mass=0.3), task(angle=1.0), task(angle=1.0 + 2 * math.pi)}) == 2
    assert task(mass=0.3) == {"mass": 0.3, "angle": 0.0, "sign": 1.0} != task(mass=0.1 + 0.2)
    assert task(mass=0.3) | {"mass": 0.4} == task(mass=0.4)


def test_a_context_is_frozen_and_parsed_once() -> None:
    context = SPACE.complete({"mass": 2})
    assert SPACE.complete(context) is context
    assert pickle.loads(pickle.dumps(context)) == context
    with pytest.raises(FrozenInstanceError):
        context.raw = {}  # type: ignore[misc]
    with pytest.raises(TypeError):
        context["mass"] = 1.0  # type: ignore[index]


def test_a_listed_value_is_known_to_nine_digits() -> None:
    values = (0.1 + 0.2, 1.0)
    kind = Feature(about="k", default=1.0, train=(0.0, 1.0), values=values, encoding="categorical")
    context = ContextSpace({"kind": kind}).complete({"kind": 0.3})
    assert (context["kind"], context.unlisted) == (0.1 + 0.2, {})
    assert SPACE.complete({"sign": 0.5}).unlisted == {"sign": (-1.0, 1.0)}


def test_an_angle_lies_inside_modulo_a_turn() -> None:
    arc = Feature(about="a", default=0.0, train=(-math.pi, math.pi / 2), encoding="circle")
    space = ContextSpace({"angle": arc})
    for turns in (-2, 0, 1):
        for angle, inside in ((-math.pi, True), (math.pi / 2, True), (0.0, True), (1.6, False), (3.0, False)):
            context = space.complete({"angle": angle + turns * 2 * math.pi})
            assert context.inside == inside
            assert context.outside == ({} if inside else {"angle": (-math.pi, math.pi / 2)})


def test_a_context_beyond_the_declared_ranges_is_accepted_and_flagged() -> None:
    family = Family.load("ode")
    assert family.space.complete({"c0": 1000}) == {"c0": 1000.0}
    assert family.flag({"c0": 1000.0}) == "extrapolation"
    assert family.flag({"c0": 2.5}) == "interpolation"
    assert family.flag({"c0": 5.0}) == family.flag({}) == "train"
    batch = family.make_vec(1, contexts=[{"c0": 1000.0}])
    assert batch.reset(seed=0)[0]["context"][0, 0] == 200.0


@pytest.mark.parametrize(
    ("context", "says"),
    [
        ({"mss": 1.0}, "unknown feature 'mss'; did you mean 'mass'"),
        ({"mass": math.inf}, "mass is inf"),
        ({"mass": "x"}, "'x'"),
        ({"mass": 1e300}, r"mass is 1e\+300; too far from its training range 0.5 to 1.5"),
        ({"mass": -1e308}, "too far"),
    ],
)
def test_wrong_contexts_are_refused(context: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        SPACE.complete(context)


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


TASKS = [{"c0": float(i)} for i in range(5)]


def test_round_robin_goes_through_the_tasks_in_order() -> None:
    sampler = TaskSampler(TASKS, "round-robin")
    assert [sampler.next() for _ in range(12)] == [*range(5), *range(5), 0, 1]


def test_uniform_is_uniform_and_follows_its_seed() -> None:
    draws = [TaskSampler(TASKS, seed=seed) for seed in (0, 0, 1)]
    sequences = [[sampler.next() for _ in range(5000)] for sampler in draws]
    assert sequences[0] == sequences[1] != sequences[2]
    counts = np.bincount(sequences[0], minlength=5)
    assert counts.min() > 900
    assert counts.sum() == 5000


@given(before=st.integers(0, 20), mode=st.sampled_from(MODES))
def test_a_restored_sampler_continues_exactly(before: int, mode: Any) -> None:
    sampler = TaskSampler(TASKS, mode, seed=3)
    for step in range(before):
        sampler.update(sampler.next(), step / 3)
    state = json.loads(json.dumps(sampler.get_state()))
    other = TaskSampler(TASKS, mode, seed=99)
    other.set_state(state)
    assert other.get_state() == sampler.get_state()
    assert [other.next() for _ in range(20)] == [sampler.next() for _ in range(20)]


def test_returns_are_kept_per_task() -> None:
    sampler = TaskSampler(TASKS)
    for task, episode_return in ((1, 2.0), (1, 4.0), (4, -1.0), (-1, 99.0)):
        sampler.update(task, episode_return)
    assert sampler.finished == [0, 2, 0, 0, 1]
    assert sampler.mean_return[1::3] == [3.0, -1.0]
    assert math.isnan(sampler.mean_return[0])


def test_wrong_samplers_are_refused() -> None:
    with pytest.raises(UserError, match="no tasks"):
        TaskSampler([])
    with pytest.raises(UserError, match="'random'"):
        TaskSampler(TASKS, "random")
    with pytest.raises(ValueError, match="of 5 tasks; this family has 1"):
        TaskSampler(TASKS[:1]).set_state(TaskSampler(TASKS).get_state())
