"""Wrappers below the context: what features, actions, rewards and returns pass, and in which order."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces, wrappers

from hyperrl.errors import UserError
from hyperrl.evaluation import evaluate_tasks
from hyperrl.recipes import EnvironmentOptions, load_agent, parse_agent, parse_family, resolve
from hyperrl.tasks import Family, contextualize
from hyperrl.tasks.vector import ContextualSyncEnv, ProcessEnv, StackedBatchedEnv
from hyperrl.tasks.wrapped import WrappedEnv
from tests.recipes.mistakes import agent
from tests.tasks.bases import levels
from tests.tasks.vector.same import assert_same


def wrapped(family: Family, *written: Any, frame_stack: int = 1) -> Family:
    chosen = parse_agent(agent(wrappers=list(written)), "test").wrappers
    return Family(family.recipe, family._make_base, EnvironmentOptions(frame_stack, chosen))


class Paying(gym.Env[Any, Any]):
    """Pays its gain times the action, and writes all observations into one array."""

    observation_space = spaces.Box(-99, 99, (1,), np.float32)
    action_space = spaces.Box(-2, 2, (1,), np.float32)

    def __init__(self) -> None:
        self.gain, self._seen = 1.0, np.zeros(1, np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self._seen[:] = 0
        return self._seen, {}

    def step(self, action: Any) -> Any:
        self._seen += 1
        return self._seen, self.gain * float(action[0]), False, False, {}


def paying() -> Family:
    return contextualize(Paying, {"gain": {"default": 1.0, "train": [0.5, 2.0]}}, max_steps=4)


def push(seen: Any) -> Any:
    return np.ones((len(seen["obs"]), 1), np.float32)


def test_without_wrappers_nothing_changes() -> None:
    family = Family.load("ode")
    assert family.for_agent(load_agent("hyper-ppo")) is family
    assert not isinstance(Family.load("mountaincar").make(), WrappedEnv)


def test_a_family_is_the_agents_whose_environments_it_has() -> None:
    family = Family.load("ode")
    first, second = (
        resolve(load_agent("hyper-ppo"), family.recipe, [f"frame_stack={frames}"]) for frames in (2, 3)
    )
    stacked = family.for_agent(first)
    assert stacked.for_agent(first) is stacked
    shapes = [each.make().observation_space["obs"].shape for each in (stacked, stacked.for_agent(second))]
    assert shapes == [(2,), (3,)]
    assert stacked.leave_out([{"c0": 5}]).options == stacked.options


def test_the_context_stands_above_wrappers_and_frames() -> None:
    """Time is stacked as part of the observation; neither touches the descriptor."""
    family = wrapped(Family.load("cartpole"), "TimeAwareObservation", frame_stack=3)
    env = family.make()
    assert env.observation_space["obs"].shape == (15,)
    plain = Family.load("cartpole").make()
    task = {"gravity": 12.0}
    seen, info = env.reset(seed=4, options={"context": task})
    expected, _ = plain.reset(seed=4, options={"context": task})
    assert info["context"]["gravity"] == 12.0
    for step in range(5):
        np.testing.assert_array_equal(seen["context"], expected["context"])
        np.testing.assert_array_equal(seen["obs"][10:14], expected["obs"])
        assert seen["obs"][[4, 9, 14]].tolist() == [max(step - 2, 0), max(step - 1, 0), step]
        seen, expected = env.step(step % 2)[0], plain.step(step % 2)[0]


def test_features_reach_the_unwrapped_base() -> None:
    repeat = {"RepeatAction": {"num_repeats": 2}}
    env = wrapped(Family.load("cartpole"), "TimeAwareObservation", repeat).make()
    env.reset(options={"context": {"gravity": 13.0, "masscart": 1.5}})
    base: Any = env.base
    assert (base.gravity, base.total_mass) == (13.0, 1.5 + base.masspole)


def test_an_action_passes_the_features_then_the_wrappers_the_last_one_first() -> None:
    scale = {"about": "strength", "default": 1.0, "train": [0.25, 1.0], "scales": "action"}
    data = {"name": "f", "about": "x", "base": "Pendulum-v1", "features": {"strength": scale}}
    family = wrapped(
        Family(parse_family(data, "test")),
        {"RescaleAction": {"min_action": 0, "max_action": 1}},
        {"RescaleAction": {"min_action": -1, "max_action": 1}},
    )
    env, theirs = family.make(), gym.make("Pendulum-v1")
    assert env.action_space == spaces.Box(-1, 1, (1,), np.float32)
    env.reset(seed=2, options={"context": {"strength": 0.5}})
    theirs.reset(seed=2)
    # 0.8 is scaled to 0.4, which is 0.7 of [0, 1], and 0.8 of [-2, 2]
    found, reward, *_ = env.step(np.array([0.8]))
    expected, reward_, *_ = theirs.step(np.array([0.8]))
    np.testing.assert_allclose(found["obs"], expected, atol=1e-6)
    assert reward == pytest.approx(reward_, abs=1e-6)


def test_discrete_actions_of_a_continuous_base_are_for_agents_of_such() -> None:
    family = wrapped(Family.load("pendulum"), {"DiscretizeAction": {"bins": 5}})
    assert family.action_space == spaces.Discrete(5)


def test_an_agent_learns_from_wrapped_rewards_and_is_judged_by_the_familys() -> None:
    family = wrapped(paying(), {"ClipReward": {"max_reward": 0.5}})
    env = family.make()
    env.reset(options={"context": {"gain": 2.0}})
    rewards = [env.step(np.array([1.0]))[1] for _ in range(4)]
    assert (rewards, env.episode_return) == ([0.5] * 4, 8.0)
    batch = family.make_vec(2, contexts=[{"gain": 2.0}, {"gain": 1.0}])
    batch.reset()
    for _ in range(4):
        _, reward, _, _, ended = batch.advance(np.full((2, 1), 1.0, np.float32))
        np.testing.assert_array_equal(reward, [0.5, 0.5])
    assert [each.info["episode"] for each in ended] == [{"r": 8.0, "l": 4}, {"r": 4.0, "l": 4}]
    (result,) = evaluate_tasks(push, family, [{"gain": 2.0}], episodes=2)
    assert (result.returns, result.lengths) == ([8.0, 8.0], [4, 4])


def test_steps_that_a_wrapper_repeats_are_all_paid() -> None:
    family = wrapped(paying(), {"RepeatAction": {"num_repeats": 3}})
    (result,) = evaluate_tasks(push, family, [{"gain": 2.0}], episodes=1)
    assert (result.returns, result.lengths) == ([8.0], [2]), "four steps of the base, three and one"


def test_a_goal_pays_below_the_wrappers() -> None:
    """The carrier of a goal reads a step's info: above a wrapper that repeats steps it would see the last."""
    pytest.importorskip("mujoco")
    family = Family.load("half-cheetah-velocity")
    plain, repeating = family.make(), wrapped(family, {"RepeatAction": {"num_repeats": 3}}).make()
    task = {"context": family.tasks("train")[0]}
    plain.reset(seed=1, options=dict(task))
    repeating.reset(seed=1, options=dict(task))
    plain.action_space.seed(0)
    action = plain.action_space.sample()
    expected = sum(plain.step(action)[1] for _ in range(3))
    assert repeating.step(action)[1] == pytest.approx(expected, rel=1e-12)
    assert repeating.episode_return == pytest.approx(expected, rel=1e-12)


def test_wrappers_may_keep_observations_that_the_base_writes_again() -> None:
    env = wrapped(paying(), {"DelayObservation": {"delay": 2}}).make()
    env.reset()
    seen = [float(env.step(np.array([0.0]))[0]["obs"][0]) for _ in range(4)]
    assert seen == [0.0, 0.0, 1.0, 2.0]


def test_each_variant_of_a_base_has_the_wrappers() -> None:
    family = wrapped(levels(), {"ClipReward": {"max_reward": 0.0}}, "TimeAwareObservation", frame_stack=2)
    env = family.make_default()
    for level in (2, 0, 2):
        env.reset(options={"context": {"level": level}})
        seen, _, _, _, _ = env.step(np.zeros(1, np.float32))
        assert seen["obs"][[1, 3]].tolist() == [0.0, 1.0]
        variants: Any = env.env
        assert isinstance(variants.present, wrappers.TimeAwareObservation)


class Holding(gym.Wrapper[Any, Any, Any, Any]):
    """Resets the base at its first reset alone, as wrappers that end an episode with each life do."""

    _first = True

    def reset(self, **options: Any) -> Any:
        if self._first:
            self._first = False
            return self.env.reset(**options)
        return self.env.step(self.action_space.sample())[0], {}


def test_a_wrapper_that_does_not_pass_a_reset_on_is_refused() -> None:
    """The next task would begin in the middle of an episode."""
    env = wrapped(paying(), f"{__name__}:Holding").make()
    env.reset()
    with pytest.raises(UserError, match=r"the wrappers .*Holding.*: a reset did not reset the base envir"):
        env.reset()


def test_environments_with_wrappers_step_singly() -> None:
    family = Family.load("cartpole")
    assert isinstance(Family(family.recipe, None, EnvironmentOptions(2)).make_vec(2), StackedBatchedEnv)
    single = wrapped(family, "TimeAwareObservation", frame_stack=2)
    assert not single.batched
    assert type(single.make_vec(2)) is ContextualSyncEnv


def test_processes_have_the_wrappers_too() -> None:
    own = f"{__name__}:Doubled"
    family = wrapped(Family.load("mountaincar"), "TimeAwareObservation", own, frame_stack=2)
    contexts = family.tasks("train")[:2]
    here, there = (family.make_vec(2, contexts=contexts, subprocesses=count) for count in (0, 1))
    assert isinstance(there, ProcessEnv)
    assert_same(here.reset(seed=3)[0], there.reset(seed=3)[0])
    here.action_space.seed(0)
    for _ in range(5):
        action = here.action_space.sample()
        (seen, reward, *_), (seen_, reward_, *_) = here.step(action), there.step(action)
        assert_same(seen, seen_)
        np.testing.assert_array_equal(reward, reward_)
    there.close()


class Doubled(gym.RewardWrapper[Any, Any]):
    """Doubles rewards."""

    def reward(self, reward: Any) -> Any:
        return 2 * reward


def test_a_time_limit_of_the_agents_counts() -> None:
    family = Family.load("cartpole")
    assert wrapped(family, {"TimeLimit": {"max_episode_steps": 30}}).max_steps == 30
    assert wrapped(family, "TimeAwareObservation").max_steps == family.max_steps


def test_a_wrapper_that_fails_in_a_step_is_named_with_its_line() -> None:
    family = wrapped(paying(), f"{__name__}:Breaking")
    env = family.make()
    env.reset()
    with pytest.raises(
        Exception,
        match=r"^the base environment or one of its wrappers failed: Zero.*wrapped.py, line \d+.*task",
    ):
        env.step(np.array([0.0]))


class Breaking(gym.RewardWrapper[Any, Any]):
    """Fails."""

    def reward(self, reward: Any) -> Any:
        return reward / 0


@pytest.mark.parametrize("broken", [(0, 1.0, False, False), (0, "x", False, False, {})])
def test_a_base_that_returns_no_step_is_named_as_such(broken: Any) -> None:
    class Broken(Paying):
        def step(self, action: Any) -> Any:
            return broken

    family = contextualize(Broken, {"gain": {"default": 1.0, "train": [0.5, 2.0]}})
    env = wrapped(Family(family.recipe, family._make_base), "FlattenObservation").make()
    env.reset()
    with pytest.raises(Exception, match=r"or one of its wrappers failed: (its step returned|the reward is)"):
        env.step(np.array([0.0]))
