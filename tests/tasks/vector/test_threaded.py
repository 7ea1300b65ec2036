"""Simulations that advance in threads: trajectories of single environments, bit for bit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from hyperrl.errors import BaseEnvironmentError
from hyperrl.recipes import EnvironmentOptions, parse_family
from hyperrl.tasks import Family, TaskSampler
from hyperrl.tasks.vector import ContextualSyncEnv, ProcessEnv, ThreadedEnv
from tests.suite import playable
from tests.tasks.vector.same import assert_same

pytest.importorskip("mujoco")

ALL = playable(
    [
        "half-cheetah-dynamics",
        "hopper-dynamics",
        "walker2d-dynamics",
        "half-cheetah-actuator",
        "half-cheetah-permuted",
        "half-cheetah-velocity",
        "ant-density",
        "ant-direction",
        "inverted-pendulum",
    ]
)


def within(family: Family, steps: int) -> Family:
    """The family with episodes of so many steps."""
    return Family(family.recipe, lambda **kwargs: gym.wrappers.TimeLimit(family.make_base(**kwargs), steps))


def of(base: str, feature: dict[str, Any], **more: Any) -> Family:
    features = {"this": {"about": "this", **feature}}
    return Family(
        parse_family(
            {"name": "mine", "about": "mine", "base": base, "extra": "mujoco", "features": features, **more},
            "test",
        )
    )


def assert_equal_steps(one: Any, other: Any) -> None:
    assert_same(one[0], other[0])
    for left, right in zip(one[1:4], other[1:4], strict=True):
        np.testing.assert_array_equal(left, right)
        assert left.dtype == right.dtype
    assert_same(one[4], other[4])


def play_alike(family: Family, steps: int, *, mode: Any = "uniform", threads: int | None = 2) -> int:
    """Play five environments by themselves and side by side; how many episodes ended."""
    samplers = [TaskSampler(family.tasks("train"), mode, seed=3) for _ in range(2)]
    alone = family.make_vec(5, sampler=samplers[0], threads=0)
    together = family.make_vec(5, sampler=samplers[1], threads=threads)
    assert type(alone) is ContextualSyncEnv
    assert isinstance(together, ThreadedEnv)
    assert alone.observation_space == together.observation_space
    for left, right in zip(alone.reset(seed=7), together.reset(seed=7), strict=True):
        assert_same(left, right)
    alone.action_space.seed(0)
    ends = 0
    for step in range(steps):
        if step == 17:
            masks = [{"reset_mask": np.array([True, False, True, False, False])} for _ in range(2)]
            for left, right in zip(
                alone.reset(options=masks[0]), together.reset(options=masks[1]), strict=True
            ):
                assert_same(left, right)
        actions = alone.action_space.sample()
        actions = actions if step % 3 else actions.astype(np.float64)
        one, other = alone.step(actions), together.step(actions)
        assert_equal_steps(one, other)
        ends += int((one[2] | one[3]).sum())
    assert samplers[0].get_state() == samplers[1].get_state()
    alone.close()
    together.close()
    return ends


@pytest.mark.parametrize("name", ALL)
def test_trajectories_are_those_of_single_environments(name: str) -> None:
    """Episodes end by falls and by the time limit, and each draws its task by the returns before it."""
    assert play_alike(within(Family.load(name), 40), 130, mode="cvar") >= 12


@pytest.mark.parametrize("name", ALL[1:3])
def test_stacked_observations_are_those_of_single_environments(name: str) -> None:
    family = within(Family.load(name), 20)
    assert play_alike(Family(family.recipe, family._make_base, EnvironmentOptions(frame_stack=3)), 70) >= 10


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_long_trajectories_are_those_of_single_environments(name: str) -> None:
    assert play_alike(Family.load(name), 2100) >= 10


def test_two_threads_equal_one() -> None:
    family = within(Family.load("hopper-dynamics"), 60)
    one, two = (family.make_vec(6, contexts=family.tasks("train")[:6], threads=n) for n in (1, 2))
    assert isinstance(one, ThreadedEnv)
    assert isinstance(two, ThreadedEnv)
    assert (one.simulations.threads, two.simulations.threads) == (1, 2)
    one.reset(seed=0)
    two.reset(seed=0)
    one.action_space.seed(0)
    for _ in range(150):
        actions = one.action_space.sample()
        assert_equal_steps(one.step(actions), two.step(actions))
    two.close()


@pytest.mark.parametrize(
    ("base", "feature"),
    [
        ("HalfCheetah-v5", {"attribute": "_ctrl_cost_weight", "default": 0.1, "train": [0.05, 0.7]}),
        (
            "HalfCheetah-v5",
            {"attribute": "frame_skip", "default": 5, "train": [1, 9], "values": [1, 2, 5, 9]},
        ),
        ("Hopper-v5", {"attribute": "model.opt.timestep", "default": 0.002, "train": [0.001, 0.003]}),
        ("Walker2d-v5", {"attribute": "_reset_noise_scale", "default": 0.005, "train": [0.001, 0.1]}),
    ],
    ids=["weight", "frame_skip", "timestep", "starts"],
)
def test_attributes_that_a_step_reads_are_the_tasks(base: str, feature: dict[str, Any]) -> None:
    assert play_alike(within(of(base, feature), 20), 60) >= 10


def test_an_attribute_that_is_set_in_mid_episode_counts_from_the_next_step() -> None:
    family = Family.load("half-cheetah-dynamics")
    envs = [family.make_vec(3, contexts=[{}] * 3, threads=threads) for threads in (0, 1)]
    actions = np.full((3, 6), 0.5, np.float32)
    for env in envs:
        env.reset(seed=0)
        env.step(actions)
        one: Any = env
        one.envs[1].base._ctrl_cost_weight = 9.0
        one.envs[2].base.set_state(np.zeros(9), np.ones(9))
    one, other = (env.step(actions) for env in envs)
    assert_equal_steps(one, other)
    assert one[1][1] < one[1][0] - 5


def other_steps(how: str) -> Family:
    """Families over MuJoCo whose steps the formulas do not know."""
    family, feature = Family.load("hopper-dynamics"), {"default": 1.0, "train": [0.5, 1.5]}

    class Loud(gym.RewardWrapper[Any, Any]):
        def reward(self, reward: Any) -> float:
            return 2 * float(reward)

    made: dict[str, Callable[[], Family]] = {
        "a wrapper": lambda: Family(family.recipe, lambda **_: Loud(family.make_base())),
        "pictures": lambda: Family(family.recipe, lambda **_: family.make_base("rgb_array")),
        "a class of one's own": lambda: of(
            "tests.tasks.faulty:hyperrl-tests/Reloading-v0", {**feature, "physics": "gravity"}
        ),
        "another class": lambda: of("Reacher-v5", {**feature, "physics": "mass"}),
        "an argument": lambda: of(
            "Hopper-v5", {**feature, "argument": "healthy_reward", "at": "reset", "values": [0.5, 1, 1.5]}
        ),
        "what is read once": lambda: of(
            "Ant-v5", {"attribute": "_main_body", "default": 1, "train": [1, 2], "values": [1, 2]}
        ),
    }
    return made[how]()


@pytest.mark.parametrize(
    "how",
    ["a wrapper", "pictures", "a class of one's own", "another class", "an argument", "what is read once"],
)
def test_environments_that_may_do_something_else_step_by_themselves(how: str) -> None:
    env = other_steps(how).make_vec(2)
    assert type(env) is ContextualSyncEnv
    env.reset(seed=0)
    env.step(env.action_space.sample())
    env.close()


def test_the_user_chooses() -> None:
    family = Family.load("inverted-pendulum")
    assert type(family.make_vec(4, threads=0)) is ContextualSyncEnv
    three = family.make_vec(6, threads=3)
    assert isinstance(three, ThreadedEnv)
    assert three.simulations.threads == 3
    processes = family.make_vec(2, subprocesses=1)
    assert isinstance(processes, ProcessEnv)
    processes.close()


def test_numbers_that_are_not_finite_are_those_of_single_environments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MuJoCo drops such a control and starts anew after a divergence; rewards show the former as NaN."""
    monkeypatch.chdir(tmp_path)  # MuJoCo writes warnings there
    family = Family.load("hopper-dynamics")
    envs = [family.make_vec(4, contexts=family.tasks("train")[:4], threads=n) for n in (0, 2)]
    actions = np.full((4, 3), 0.3, np.float32)
    wrong = actions.copy()
    wrong[1, 0], wrong[2, 1] = np.nan, np.inf
    outcomes = []
    for env in envs:
        env.reset(seed=0)
        steps = [env.step(actions), env.step(wrong), env.step(actions)]
        single: Any = env
        single.envs[3].base.data.qvel[:] = 1e12
        outcomes.append([*steps, *(env.step(actions) for _ in range(60))])
    for one, other in zip(*outcomes, strict=True):
        assert_equal_steps((*one[:4], {}), (*other[:4], {}))
    assert np.isnan(outcomes[1][1][1][1])
    assert np.isfinite(outcomes[1][-1][1]).all()


def test_an_exception_of_the_simulator_is_the_base_environments_failure() -> None:
    family = Family.load("hopper-dynamics")
    tasks = family.tasks("train")[:4]
    env = family.make_vec(4, contexts=tasks, threads=2)
    assert isinstance(env, ThreadedEnv)
    actions = np.zeros((4, 3), np.float32)
    env.reset(seed=0)
    env.step(actions)
    env.simulations._models[2].opt.integrator = 99
    with pytest.raises(BaseEnvironmentError) as caught:
        env.step(actions)
    message = str(caught.value)
    assert message.startswith("the base environment failed: FatalError")
    assert f"(task torso_mass={tasks[2]['torso_mass']:.6g}" in message
    assert "step 2 of an episode" in message
    env.close()


def test_wrong_use_is_refused() -> None:
    env = Family.load("inverted-pendulum").make_vec(2)
    with pytest.raises(gym.error.ResetNeeded):
        env.step(np.zeros((2, 1), np.float32))
    env.reset()
    with pytest.raises(ValueError, match=r"actions of shape \(3, 1\); \(2, 1\) is needed"):
        env.step(np.zeros((3, 1), np.float32))


def test_what_was_returned_is_the_callers() -> None:
    env = Family.load("hopper-dynamics").make_vec(3)
    env.reset(seed=0)
    actions = np.ones((3, 3), np.float32)
    seen, reward, *_ = env.step(actions)
    kept = {key: part.copy() for key, part in seen.items()}, reward.copy()
    for _ in range(40):
        env.step(actions)
    assert_same(seen, kept[0])
    np.testing.assert_array_equal(reward, kept[1])
    now, *_ = env.step(actions)
    for part in now.values():
        part[:] = 99.0
    masked, _ = env.reset(options={"reset_mask": np.array([True, False, False])})
    assert max(part.max() for part in masked.values()) < 99


@pytest.mark.parametrize("threads", [0, 2])
def test_idle_environments_stand_still_and_others_go_on_as_ever(threads: int) -> None:
    family = Family.load("hopper-dynamics")
    contexts = family.tasks("train")[:4]
    made: Any = [family.make_vec(4, contexts=contexts, threads=threads) for _ in range(2)]
    one, other = made
    for env in made:
        env.reset(seed=5)
        env.action_space.seed(5)
    one.set_idle([1, 3])
    times = [env.base.data.time for env in one.envs]
    for _ in range(60):
        action = other.action_space.sample()
        expected = other.step(action)
        observation, reward, terminated, truncated, _ = one.step(action)
        for row in (0, 2):
            np.testing.assert_array_equal(observation["obs"][row], expected[0]["obs"][row])
            assert reward[row] == expected[1][row]
            assert terminated[row] == expected[2][row]
        assert not reward[[1, 3]].any()
        assert not (terminated | truncated)[[1, 3]].any()
    assert [env.base.data.time for env in one.envs][1::2] == times[1::2]
    one.reset(seed=5)
    one.step(one.action_space.sample())
    assert all(env.base.data.time > 0 for env in one.envs)
    for env in made:
        env.close()


@pytest.mark.parametrize("schedule", ["jump:7", "sinusoid:0.5:10"])
def test_features_that_change_within_an_episode_do_so_alike(schedule: str) -> None:
    feature = {"default": 1, "train": [0.5, 2], "physics": "mass", "schedule": schedule}
    family = within(of("Hopper-v5", feature), 20)
    made = [family.make_vec(3, sampler=TaskSampler(family.tasks("train"), seed=2), threads=n) for n in (2, 0)]
    assert isinstance(made[0], ThreadedEnv)
    assert not isinstance(made[1], ThreadedEnv)
    fixed: Any = within(of("Hopper-v5", {**feature, "schedule": None}), 20).make_vec(
        3, sampler=TaskSampler(family.tasks("train"), seed=2), threads=2
    )
    for env in (*made, fixed):
        env.reset(seed=1)
    made[0].action_space.seed(0)
    parted, contexts = 0, set()
    for _ in range(50):
        action = made[0].action_space.sample()
        one, other, plain = (env.step(action) for env in (*made, fixed))
        assert_same(one[0], other[0])
        np.testing.assert_array_equal(one[1:4], other[1:4])
        parted += not np.array_equal(one[0]["obs"], plain[0]["obs"])
        contexts |= set(map(bytes, one[0]["context"]))
    assert parted > 10
    assert len(contexts) > 6
    for env in (*made, fixed):
        env.close()
