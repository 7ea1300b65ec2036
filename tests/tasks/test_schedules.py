import json
import math
from typing import Any

import numpy as np
import pytest

from hyperrl.recipes import Feature
from hyperrl.tasks import Family, TaskSampler
from hyperrl.tasks.contexts import ContextSpace
from hyperrl.tasks.schedules import Course, Courses, Schedules, another, schedule_rng, step_contexts
from hyperrl.tasks.vector import BatchedEnv
from tests.runs import message
from tests.tasks.vector.same import assert_same


def space(**schedules: str) -> ContextSpace:
    fields: dict[str, dict[str, Any]] = {
        "mass": {"train": [1, 3]},
        "sign": {"train": [-1, 1], "values": [-1, 1]},
    }
    return ContextSpace(
        {
            name: Feature.model_validate(
                {"about": name, "default": 1, "schedule": schedules.get(name), **each}
            )
            for name, each in fields.items()
        }
    )


def course(features: ContextSpace, longest: int = 100, seed: int = 0, **start: float) -> Course:
    return Schedules(features, longest).begin(features.complete(start), schedule_rng(seed))


def test_a_jump_comes_after_its_step() -> None:
    found = course(space(sign="jump:50"), mass=2)
    assert [found.at(step)["sign"] for step in (0, 49, 50, 51, 99)] == [1, 1, -1, -1, -1]
    assert all(found.at(step)["mass"] == 2 for step in range(100))
    assert found.jumps == (50,)
    assert [step for step in range(1, 100) if found.moves(step)] == [50]


def test_jumps_are_drawn_over_the_whole_episode_and_range() -> None:
    features = space(mass="jump")
    courses = [course(features, longest=20, seed=seed) for seed in range(400)]
    steps = [each.jumps[0] for each in courses]
    assert set(steps) == set(range(1, 20))
    masses = [each.at(20)["mass"] for each in courses]
    assert 1 <= min(masses) < 1.05
    assert 2.95 < max(masses) <= 3
    assert course(features, seed=7).at(99) == course(features, seed=7).at(99)


def test_a_drift_is_linear_and_ends_in_the_range() -> None:
    found = course(space(mass="drift"), longest=80, mass=3)
    end = found.at(80)["mass"]
    assert 1 <= end <= 3
    np.testing.assert_allclose(
        [found.at(step)["mass"] for step in range(81)], np.linspace(3, end, 81), rtol=1e-12
    )
    shorter = course(space(mass="drift:10"), longest=80, mass=3)
    assert shorter.at(10) == shorter.at(79)
    assert [step for step in range(1, 80) if shorter.moves(step)] == [*range(1, 11)]


def test_a_sinusoid_is_held_in_the_training_range() -> None:
    found = course(space(mass="sinusoid:0.8:40"), mass=1.5)
    for step in (0, 3, 10, 25, 30, 77):
        expected = max(1.5 + 0.8 * math.sin(2 * math.pi * step / 40), 1)
        assert found.at(step)["mass"] == pytest.approx(expected, rel=1e-12)
    assert found.at(30)["mass"] == 1
    beyond = course(space(mass="sinusoid:0.8:40"), mass=5)
    assert [beyond.at(step)["mass"] for step in (0, 10)] == [5, 5]
    assert beyond.at(30)["mass"] == pytest.approx(4.2)


def test_another_value_is_another_of_the_training_range() -> None:
    fields = {"about": "x", "default": 1, "train": [0, 4], "extrapolation": [0, 9], "values": [0, 1, 4, 9]}
    feature = Feature.model_validate(fields)
    assert {another(feature, 1, draw / 10) for draw in range(10)} == {0, 4}
    assert {another(feature, 9, draw / 10) for draw in range(10)} == {0, 1, 4}
    alone = Feature.model_validate({**fields, "values": [1, 9]})
    assert another(alone, 1, 0.5) == 1


@pytest.mark.parametrize(
    ("schedule", "longest", "allowed"),
    [
        ("jump", 0, "a step, as jump:50, where episodes have no time limit"),
        ("drift", 0, "a number of steps, as drift:100, where episodes have no time limit"),
        ("jump:100", 100, "a step before the last, at most 99"),
    ],
)
def test_a_schedule_must_fit_the_episode(schedule: str, longest: int, allowed: str) -> None:
    found = message(Schedules, space(mass=schedule), longest)
    assert found == f"feature 'mass': schedule: found {schedule}; allowed: {allowed}"
    Schedules(space(mass="jump:100"), 0)
    Schedules(space(mass="drift:10"), 0)


def test_several_environments_have_courses_of_their_own_and_a_state() -> None:
    features = space(mass="drift", sign="jump")
    courses, other = (Courses(Schedules(features, 30), features, 3) for _ in range(2))
    assert courses.get_state() == {}
    for each in (courses, other):
        for env in range(3):
            each.seed(env, 5 if each is courses else 9)
            each.begin(env, features.complete({"mass": 1 + env}))
    assert courses.all_moved(np.array([7, 7, 7])) != other.all_moved(np.array([7, 7, 7]))
    state = courses.get_state()
    json.dumps(state["course_rngs"])
    other.set_state(state)
    assert courses.all_moved(np.array([7, 20, 30])) == other.all_moved(np.array([7, 20, 30]))
    for each in (courses, other):
        each.begin(1, features.default)
    assert courses.moved(1, 12) == other.moved(1, 12) is not None
    nothing = Courses(None, features, 3)
    nothing.begin(0, features.default)
    assert (nothing.all_moved(np.arange(3)), nothing.get_state()) == ({}, {})


def test_the_contexts_of_steps_are_those_that_an_environment_plays() -> None:
    family = Family.load("ode").with_schedules({"c0": "jump"})
    start = family.space.complete({"c0": 2})
    (expected,) = step_contexts(family.schedules, start, 200, [4])
    env = family.make()
    _, info = env.reset(seed=4, options={"context": start})
    found = [info["context"]]
    for _ in range(199):
        observation, *_, info = env.step(np.zeros(2, np.float32))
        found.append(info["context"])
        assert np.array_equal(observation["context"], family.space.descriptors([info["context"]])[0])
    assert found == [dict(context) for context in expected]
    assert len({context["c0"] for context in found}) == 2
    assert step_contexts(None, start, 3, [0, 1]) == [[start] * 3]


@pytest.mark.parametrize(
    ("name", "schedules"),
    [
        ("double-integrator", {"action_sign": "jump", "mass": "drift"}),
        ("double-integrator-permuted", {"axes": "jump:30"}),
        ("cartpole", {"gravity": "sinusoid:4:20", "length": "jump:5"}),
        ("pendulum-actuator", {"action_sign": "jump:50"}),
        ("ode", {"c0": "jump"}),
    ],
)
def test_tasks_that_change_within_an_episode_do_so_alike(name: str, schedules: dict[str, str]) -> None:
    """In a batch, in single environments and in processes, and the simulator really changes."""
    processes = [0, 2] if name == "double-integrator" else [0]
    family = Family.load(name).with_schedules(schedules)
    single = Family(family.recipe, family.make_base)
    tasks = family.tasks("train")
    ways: list[Any] = [family.make_vec(3, sampler=TaskSampler(tasks, seed=3))]
    ways += [
        single.make_vec(3, sampler=TaskSampler(tasks, seed=3), subprocesses=count) for count in processes
    ]
    fixed: Any = Family.load(name).make_vec(3, sampler=TaskSampler(tasks, seed=3))
    assert isinstance(ways[0], BatchedEnv)
    starts = [way.reset(seed=5)[0] for way in (*ways, fixed)]
    for start in starts[1:]:
        assert_same(starts[0], start)
    space = ways[0].action_space
    space.seed(0)
    contexts, ended, parted = set(), 0, False
    for _ in range(260):
        action = space.sample()
        steps = [way.step(action) for way in ways]
        plain = fixed.step(action)
        for other in steps[1:]:
            np.testing.assert_allclose(steps[0][1], other[1], rtol=0, atol=1e-12)
            assert_same(steps[0][0], other[0])
            np.testing.assert_array_equal(steps[0][2:4], other[2:4])
        contexts |= set(map(bytes, steps[0][0]["context"]))
        ended += int((steps[0][2] | steps[0][3]).sum())
        parted |= not np.array_equal(steps[0][0]["obs"], plain[0]["obs"])
        for index in np.flatnonzero(steps[0][2] | steps[0][3]):
            infos = [way[4]["final_info"]["context"][index] for way in steps]
            assert all(info == pytest.approx(infos[0]) for info in infos)
    assert ended >= 2
    assert len(contexts) > 3
    assert parted  # another task moves otherwise
    for way in ways:
        way.close()


def test_a_state_in_mid_episode_goes_on_with_its_course() -> None:
    family = Family.load("double-integrator").with_schedules({"mass": "drift", "action_sign": "jump"})
    envs: Any = [family.make_vec(4, sampler=TaskSampler(family.tasks("train"), seed=1)) for _ in range(2)]
    for seed, env in enumerate(envs):
        env.reset(seed=seed)
    envs[0].action_space.seed(0)
    for _ in range(37):
        envs[0].step(envs[0].action_space.sample())
    envs[1].set_state(envs[0].get_state())
    for _ in range(240):
        action = envs[0].action_space.sample()
        left, right = (env.step(action) for env in envs)
        assert_same(left[0], right[0])
        np.testing.assert_array_equal(left[1:4], right[1:4])
