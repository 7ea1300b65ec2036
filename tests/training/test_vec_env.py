from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from numpy.typing import NDArray
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor, VecNormalize

from hyperrl.tasks import Family, TaskSampler, contextualize
from hyperrl.training import BatchedVecEnv
from tests.masked import masked_family


def adapter(name: str, num_envs: int, seed: int = 0, mode: Any = "round-robin") -> BatchedVecEnv:
    family = Family.load(name)
    env = BatchedVecEnv(family.make_vec(num_envs, sampler=TaskSampler(family.tasks("train"), mode, seed)))
    env.seed(seed)
    return env


def dummy(name: str, num_envs: int, seed: int = 0) -> DummyVecEnv:
    family = Family.load(name)
    sampler = TaskSampler(family.tasks("train"), "round-robin", seed)
    env = DummyVecEnv([lambda: Monitor(family.make(sampler=sampler)) for _ in range(num_envs)])
    env.seed(seed)
    return env


def actions(env: Any, rng: np.random.Generator) -> NDArray[Any]:
    space = env.action_space
    if isinstance(space, gym.spaces.Discrete):
        return np.asarray(rng.integers(space.n, size=env.num_envs))
    return rng.uniform(space.low, space.high, (env.num_envs, *space.shape)).astype(np.float32)


@pytest.mark.parametrize("name", ["ode", "cartpole", "pendulum", "acrobot"])
def test_it_steps_as_dummy_vec_env_does(name: str) -> None:
    ours, theirs = adapter(name, 5), dummy(name, 5)
    assert ours.observation_space == theirs.observation_space
    assert ours.action_space == theirs.action_space
    same_observations(ours.reset(), theirs.reset())
    finished = 0
    rng = np.random.default_rng(0)
    for _ in range(520):
        action = actions(ours, rng)
        one, reward_one, done_one, infos_one = ours.step(action)
        two, reward_two, done_two, infos_two = theirs.step(action)
        same_observations(one, two)
        np.testing.assert_allclose(reward_one, reward_two, rtol=1e-6, atol=1e-7)
        np.testing.assert_array_equal(done_one, done_two)
        assert [str(array.dtype) for array in (reward_one, done_one)] == ["float32", "bool"]
        for i in np.flatnonzero(done_one):
            finished += 1
            same_infos(infos_one[i], infos_two[i])
    assert finished >= 5


def same_observations(one: Any, two: Any, exactly: bool = False) -> None:
    assert one.keys() == two.keys()
    for key in one:
        assert one[key].dtype == two[key].dtype
        tolerance = 0.0 if exactly else 1e-6
        np.testing.assert_allclose(one[key], two[key], rtol=tolerance, atol=tolerance)


def same_infos(one: dict[str, Any], two: dict[str, Any]) -> None:
    same_observations(one["terminal_observation"], two["terminal_observation"])
    assert one["TimeLimit.truncated"] == two["TimeLimit.truncated"]
    assert one["context"] == two["context"]
    assert one["episode"]["l"] == two["episode"]["l"]
    assert one["episode"]["r"] == pytest.approx(two["episode"]["r"], abs=1e-5)
    assert one["episode"].keys() == {"r", "l", "t"}


def test_a_finished_episode_names_its_own_task() -> None:
    family = Family.load("cartpole")
    env = adapter("cartpole", 3)
    env.reset()
    began = [info["task"] for info in env.reset_infos]
    assert [info["context"] for info in env.reset_infos] == [family.tasks("train")[task] for task in began]
    seen: list[int | None] = [None] * 3
    while None in seen:
        _, _, dones, infos = env.step(np.zeros(3, dtype=np.int64))
        for i in np.flatnonzero(dones):
            seen[i] = infos[i]["task"] if seen[i] is None else seen[i]
            assert infos[i]["context"] == family.tasks("train")[infos[i]["task"]]
    assert seen == began


def test_what_was_returned_does_not_change_later() -> None:
    env = adapter("ode", 4)
    first = env.reset()
    kept = {key: value.copy() for key, value in first.items()}  # type: ignore[union-attr]
    rewards = []
    for _ in range(5):
        _, reward, _, _ = env.step(np.ones((4, 2), dtype=np.float32))
        reward += 100.0
        rewards.append(reward.copy())
    same_observations(first, kept)
    told: list[dict[str, Any]] = [{}]
    while not told[0]:
        told = env.step(np.ones((4, 2), dtype=np.float32))[3]
    assert max(info["episode"]["r"] for info in told) <= 200.0
    assert all((reward >= 100.0).all() for reward in rewards)


def test_idle_infos_are_one_list_and_stay_empty() -> None:
    env = adapter("ode", 4)
    env.reset()
    action = np.zeros((4, 2), dtype=np.float32)
    told = [env.step(action)[3] for _ in range(200)]
    assert all(infos is told[0] for infos in told[:199])
    assert told[0] == [{}] * 4
    assert all(info["episode"]["l"] == 200 and info["TimeLimit.truncated"] for info in told[199])


def test_seeds_and_options_are_used_once() -> None:
    env = adapter("ode", 4)
    first = env.reset()
    second = env.reset()
    env.seed(0)
    env.set_options({"x": 0.5})
    third = env.reset()
    assert not np.array_equal(first["obs"], second["obs"])  # type: ignore[call-overload]
    np.testing.assert_array_equal(third["obs"], np.full((4, 1), 0.5))  # type: ignore[call-overload]
    fourth = env.reset()
    assert not (fourth["obs"] == 0.5).any()  # type: ignore[call-overload]
    env.seed(0)
    again = env.reset()
    assert not np.array_equal(again["obs"], env.reset()["obs"])  # type: ignore[call-overload]
    assert env.get_images() == [None] * 4
    env.set_options([{"x": 0.5}, {}, {}, {}])
    with pytest.raises(ValueError, match="one set of options"):
        env.reset()


def test_it_goes_on_in_mid_episode() -> None:
    one, two = adapter("cartpole", 3, mode="uniform"), adapter("cartpole", 3, seed=9, mode="uniform")
    one.reset()
    two.reset()
    rng = np.random.default_rng(0)
    for _ in range(30):
        one.step(actions(one, rng))
    state = one.get_state()
    assert state is not None
    two.set_state(state)
    finished = 0
    for _ in range(200):
        action = actions(one, rng)
        left, right = one.step(action), two.step(action)
        same_observations(left[0], right[0], exactly=True)
        np.testing.assert_array_equal(left[1], right[1])
        for i in np.flatnonzero(left[2]):
            finished += 1
            assert left[3][i]["episode"] == right[3][i]["episode"]
            assert left[3][i]["task"] == right[3][i]["task"]
    assert finished > 3


def test_a_batch_without_a_state_says_so() -> None:
    assert adapter("acrobot", 2).get_state() is None


def test_attributes_reach_single_environments_where_there_are_any() -> None:
    batched = adapter("ode", 3)
    family = contextualize(lambda: gym.make("CartPole-v1"), {"gravity": {"train": [5.0, 15.0]}})
    single = BatchedVecEnv(family.make_vec(3))
    assert batched.get_attr("num_envs") == [3, 3, 3]
    assert batched.env_is_wrapped(Monitor) == [False] * 3
    assert single.env_is_wrapped(Monitor, [0, 2]) == [False] * 2
    single.set_attr("marked", 7, indices=1)
    assert single.get_attr("marked", indices=[1]) == [7]
    assert single.env_method("get_wrapper_attr", "marked", indices=1) == [7]
    batched.set_attr("max_steps", 7)
    assert batched.get_attr("max_steps", 0) == [7]
    with pytest.raises(AttributeError, match=r"BatchedEnv has no attribute 'c0'.* by set_options"):
        batched.set_attr("c0", 7)
    with pytest.raises(AttributeError, match="no single environments"):
        batched.env_method("reset")


def test_attributes_of_contextual_environments_are_set_where_they_are_read() -> None:
    """SB3's own DummyVecEnv sets them on the outermost wrapper, and reads them from there ever after."""
    features = {"gravity": {"about": "gravity", "default": 9.8, "train": [5.0, 15.0]}}
    family = contextualize(lambda: gym.make("CartPole-v1"), features)
    env = BatchedVecEnv(family.make_vec(2))
    assert env.get_attr("force_mag") == [10.0, 10.0]
    env.set_attr("force_mag", 3.0, indices=1)
    assert env.get_attr("force_mag") == [10.0, 3.0]
    assert [each.base.force_mag for each in env.batch.envs] == [10.0, 3.0]  # type: ignore[union-attr]
    with pytest.raises(AttributeError, match=r"'gravity' is the task's; set it by reset"):
        env.set_attr("gravity", 5.0)
    env.set_attr("marked", 1)
    assert env.get_attr("marked") == [1, 1]


def test_vec_normalize_wraps_it() -> None:
    env = VecNormalize(adapter("ode", 4), norm_obs_keys=["obs"])
    env.reset()
    for _ in range(201):
        observation, _, dones, infos = env.step(np.ones((4, 2), dtype=np.float32))
        if dones.any():
            assert infos[0]["terminal_observation"].keys() == {"obs", "context"}
    assert np.isfinite(observation["obs"]).all()  # type: ignore[call-overload]


class Succeeding(gym.Env[Any, Any]):
    """Says of each episode, which is one step, what it is told to say."""

    observation_space, action_space = gym.spaces.Box(-1, 1, (1,), np.float32), gym.spaces.Discrete(2)

    def __init__(self, says: list[Any]) -> None:
        self.gain, self.says = 1.0, iter(says)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        return np.zeros(1, np.float32), {}

    def step(self, action: Any) -> Any:
        return np.zeros(1, np.float32), 1.0, True, False, next(self.says)


def test_a_success_is_a_number_or_left_out() -> None:
    """Stable-Baselines3 logs their mean."""
    says = [{"is_success": each} for each in (True, np.bool_(False), 1, np.float32(0.5), "yes", None)] + [{}]
    family = contextualize(lambda: Succeeding(says), {"gain": {"train": [0.5, 2.0]}})
    env = BatchedVecEnv(family.make_vec(1, contexts=[{}]))
    env.reset()
    told = [env.step(np.zeros(1, np.int64))[3][0] for _ in says]
    found = [info.get("is_success", "left out") for info in told]
    assert found == [1.0, 0.0, 1.0, 0.5, "left out", "left out", "left out"]
    assert [type(each) for each in found[:4]] == [float] * 4


@pytest.mark.parametrize("subprocesses", [0, 2])
def test_sb3_contrib_gets_masks_as_it_asks_for_them(subprocesses: int) -> None:
    """Of a batch, of environments one by one and in processes; and none where there are none."""
    maskable = pytest.importorskip("sb3_contrib.common.maskable.utils")
    masked: Any = [
        Family.load("wall-gap").make_vec(3),
        masked_family().make_vec(3, subprocesses=subprocesses),
    ]
    for batch in masked:
        env: Any = VecMonitor(BatchedVecEnv(batch))
        env.reset()
        assert maskable.is_masking_supported(env)
        np.testing.assert_array_equal(maskable.get_action_masks(env), batch.action_masks())
        (last,) = env.env_method("action_masks", indices=2)
        np.testing.assert_array_equal(last, batch.action_masks()[2])
        env.close()
    for family in (Family.load("cartpole"), masked_family(by="neither")):
        env = BatchedVecEnv(family.make_vec(2, subprocesses=subprocesses))
        env.reset()
        assert not maskable.is_masking_supported(env)
        env.close()
