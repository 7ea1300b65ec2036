"""What docs/simulators.md says of packages is so, with the real packages at the versions named."""

import re
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from hyperrl.errors import UserError
from hyperrl.recipes import parse_family
from hyperrl.tasks import Family, check_family, contextualize
from tests.project.pages import ROOT

PAGE = (ROOT / "docs/simulators.md").read_text()
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def test_the_versions_named_are_those_played() -> None:
    named = set(re.findall(r"\b([a-z][a-z0-9-]+) (\d+\.\d+\.\d+)\b", PAGE))
    assert len(named) >= 12
    for package, stated in named:
        try:
            found = version(package)
        except PackageNotFoundError:
            pytest.skip(f"needs {package}")
        assert found.partition("+")[0] == stated or package == "mujoco", package


# Gymnasium


def steps(env: gym.Env[Any, Any], count: int, seed: int = 0) -> Any:
    env.action_space.seed(seed)
    return np.array([env.step(env.action_space.sample())[0] for _ in range(count)])


@pytest.mark.parametrize(
    ("name", "change", "same"),
    [
        ("Pusher-v5", "friction", True),
        ("Pusher-v5", "gravity", True),
        ("Reacher-v5", "friction", True),
        ("Reacher-v5", "gravity", True),
        ("Swimmer-v5", "friction", True),
        ("Swimmer-v5", "gravity", True),
        ("HalfCheetah-v5", "lower floor", True),
        ("HalfCheetah-v5", "higher floor", False),
    ],
)
def test_what_has_no_effect_in_gymnasiums_robots(name: str, change: str, same: bool) -> None:
    pytest.importorskip("mujoco")
    seen = []
    for factor in (1.0, 0.5 if change == "lower floor" else 2.0):
        env = gym.make(name)
        model: Any = env.unwrapped.model  # type: ignore[attr-defined]
        env.reset(seed=0)
        if change == "gravity":
            model.opt.gravity[:] *= factor
        else:
            model.geom_friction[0 if "floor" in change else slice(None)] *= factor
        seen.append(steps(env, 100))
    assert np.array_equal(*seen) == same


def test_the_fingertip_is_one_step_old() -> None:
    mujoco = pytest.importorskip("mujoco")
    env = gym.make("Pusher-v5")
    env.reset(seed=0)
    base: Any = env.unwrapped
    seen = steps(env, 20)[-1]
    now = mujoco.MjData(base.model)
    now.qpos[:] = base.data.qpos
    mujoco.mj_forward(base.model, now)
    assert abs(now.body("tips_arm").xpos - seen[14:17]).max() > 1e-4


def test_wind_of_0_is_not_no_wind() -> None:
    pytest.importorskip("Box2D")
    seen = []
    still: dict[str, Any] = {"enable_wind": True, "wind_power": 0.0, "turbulence_power": 0.0}
    for arguments in ({}, still):
        env = gym.make("LunarLander-v3", **arguments)
        env.reset(seed=0)
        seen.append(steps(env, 10))
    assert not np.array_equal(*seen)
    told = Family.load("lunar-lander").recipe.features["wind_power"].about
    assert "at 0 the air is still, and engines scatter otherwise than without enable_wind" in told


def test_rain_does_not_drift_where_a_wall_blocks() -> None:
    base: Any = gym.make("Taxi-v4", is_rainy=True).unwrapped
    blocked = 0
    for row in range(5):
        for column in range(5):
            state = base.encode(row, column, 0, 1)
            for action in range(4):
                to = [next_state for _, next_state, *_ in base.P[state][action]]
                if to[0] == state:
                    blocked += 1
                    assert set(to) == {state}
    assert blocked > 20


def test_cartpoles_vector_environment_keeps_options() -> None:
    least = []
    for mode in ("vector_entry_point", "sync"):
        batch = gym.make_vec("CartPole-v1", 1, vectorization_mode=mode)
        batch.reset(seed=0, options={"low": 0.15, "high": 0.2})
        starts, ended = [], False
        for _ in range(100):
            seen, _, terminated, *_ = batch.step(np.ones(1, np.int64))
            if ended:
                starts.append(abs(seen).min())
            ended = bool(terminated[0])
        least.append(min(starts))
    assert least[0] >= 0.15 > 0.05 >= least[1]


def test_the_checker_refuses_a_shared_array_and_ours_share_none() -> None:
    from gymnasium.utils.env_checker import check_env

    class Shared(gym.Env[Any, Any]):
        observation_space = gym.spaces.Dict(
            {"obs": gym.spaces.Box(-1, 1, (1,)), "context": gym.spaces.Box(-1, 1, (1,))}
        )
        action_space = gym.spaces.Discrete(2)
        context = np.zeros(1, np.float32)

        def seen(self) -> Any:
            return {"obs": self.np_random.uniform(-1, 1, 1).astype(np.float32), "context": self.context}

        def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
            super().reset(seed=seed)
            return self.seen(), {}

        def step(self, action: Any) -> Any:
            return self.seen(), 0.0, False, False, {}

    with pytest.raises(AssertionError, match="share an object"):
        check_env(Shared(), skip_render_check=True)
    check_env(Family.load("pendulum").make(), skip_render_check=True)


def test_normalized_rewards_remember_the_episode_before() -> None:
    class Three(gym.Env[Any, Any]):
        observation_space, action_space = gym.spaces.Box(-1, 1, (1,)), gym.spaces.Discrete(2)

        def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
            self.time = 0
            return np.zeros(1, np.float32), {}

        def step(self, action: Any) -> Any:
            self.time += 1
            return np.zeros(1, np.float32), 1.0, self.time == 3, False, {}

    env = gym.wrappers.NormalizeReward(Three(), gamma=1.0)
    sums = []
    for _ in range(2):
        env.reset()
        for _ in range(3):
            env.step(0)
            sums.append(float(env.discounted_reward[0]))
    assert sums == [1, 2, 1, 2, 3, 1]


# Other simulators


def family_of(base: str, feature: dict[str, Any], **more: Any) -> Family:
    given = {"about": "a feature", "default": 1.0, "train": [0.5, 2.0], "at": "reset", **feature}
    return Family(
        parse_family(
            {"name": "mine", "about": "mine", "base": base, "features": {"this": given}, **more}, "test"
        )
    )


def test_a_dearer_crash_changes_the_other_steps() -> None:
    pytest.importorskip("highway_env")
    rewards: list[list[float]] = []
    for price in (-1, -10):
        env = gym.make("highway_env:highway-v0", config={"vehicles_count": 8, "collision_reward": price})
        env.reset(seed=2)
        rewards.append([])
        ended = False
        while not ended:
            _, reward, ended, *_ = env.step(3)
            rewards[-1].append(float(reward))
    assert rewards[1][0] > rewards[0][0]
    assert abs(rewards[1][-1] - rewards[0][-1]) < 0.1


@pytest.mark.parametrize("base", ["highway-v0", "exit-v0"])
def test_a_lane_change_is_never_paid(base: str) -> None:
    pytest.importorskip("highway_env")
    config = {"vehicles_count": 2, "duration": 4}
    feature = {"default": 1.0, "train": [0.0, 5.0], "attribute": "config.lane_change_reward", "at": "reset"}
    family = contextualize(lambda: gym.make(f"highway_env:{base}", config=dict(config)), {"paid": feature})
    with pytest.raises(UserError, match="neither transition nor reward"):
        check_family(family)


def test_meta_worlds_resets_ignore_their_seed() -> None:
    pytest.importorskip("metaworld")
    drawing = gym.make("metaworld:Meta-World/MT1", env_name="reach-v3", seed=1)
    fixed = gym.make("metaworld:Meta-World/goal_observable", env_name="reach-v3", seed=1)
    goals = [drawing.reset(seed=0)[0][-3:] for _ in range(2)]
    assert not np.array_equal(*goals)
    goals = [fixed.reset(seed=seed)[0][-3:] for seed in (0, 1)]
    assert np.array_equal(*goals)
    family = family_of(
        "metaworld:Meta-World/MT1",
        {"attribute": "model.opt.gravity.2", "default": -9.81, "train": [-12, -8]},
        kwargs={"env_name": "reach-v3", "seed": 1},
    )
    with pytest.raises(UserError, match="one seed gives the base environment different transitions"):
        check_family(family)


def test_dm_control_goes_on_by_itself() -> None:
    pytest.importorskip("shimmy")
    env = gym.make("shimmy:dm_control/cartpole-balance-v0")
    env.reset(seed=0)
    terminated = truncated = False
    while not (terminated or truncated):
        _, _, terminated, truncated, _ = env.step(env.action_space.sample())
    assert (terminated, truncated) == (False, True)
    _, reward, terminated, truncated, _ = env.step(env.action_space.sample())
    assert (reward, terminated, truncated) == (0, False, False)


def test_objectives_do_not_add_up() -> None:
    mo_gymnasium = pytest.importorskip("mo_gymnasium")
    several, one = mo_gymnasium.make("mo-halfcheetah-v5"), gym.make("HalfCheetah-v5")
    several.reset(seed=0)
    one.reset(seed=0)
    action = one.action_space.sample()
    rewards = several.step(action)[1]
    reward = float(one.step(action)[1])
    assert sum(rewards) != pytest.approx(reward)
    assert rewards[0] + 0.1 * rewards[1] == pytest.approx(reward, rel=1e-5)


# Stable-Baselines3


def test_set_attr_stops_at_the_outermost_wrapper() -> None:
    from stable_baselines3.common.vec_env import DummyVecEnv

    env = DummyVecEnv([lambda: gym.make("Pendulum-v1")])
    env.set_attr("g", 5.0)
    assert env.get_attr("g") == [5.0]
    assert env.envs[0].unwrapped.g == 10.0  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["SAC", "TQC"])
def test_the_entropy_coefficient_is_no_parameter(name: str) -> None:
    import stable_baselines3

    package: Any = stable_baselines3 if name == "SAC" else pytest.importorskip("sb3_contrib")
    kind = getattr(package, name)
    trained, fresh = (kind("MlpPolicy", "Pendulum-v1", learning_starts=10, seed=seed) for seed in (0, 1))
    trained.learn(40)
    fresh.set_parameters(trained.get_parameters())
    assert "ent_coef_optimizer" in trained.get_parameters()
    assert trained.log_ent_coef.item() != 0.0 == fresh.log_ent_coef.item()


def test_a_relabeled_success_is_no_end() -> None:
    from stable_baselines3 import SAC, HerReplayBuffer

    class Line(gym.Env[Any, Any]):
        """Goes on by 1 at each step, for 5 steps; at the goal, 8, an episode ends."""

        keys = ("observation", "achieved_goal", "desired_goal")
        observation_space = gym.spaces.Dict({key: gym.spaces.Box(-9, 9, (1,)) for key in keys})
        action_space = gym.spaces.Box(-1, 1, (1,))

        def seen(self) -> Any:
            return {key: np.array([8.0 if "des" in key else self.time], np.float32) for key in self.keys}

        def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
            super().reset(seed=seed)
            self.time = 0
            return self.seen(), {}

        def compute_reward(self, achieved: Any, desired: Any, info: Any) -> Any:
            return -(np.abs(achieved - desired)[..., 0] > 0.1).astype(np.float32)

        def step(self, action: Any) -> Any:
            self.time += 1
            reward = float(self.compute_reward(np.array([self.time]), np.array([8]), {}))
            return self.seen(), reward, reward == 0, self.time == 5, {}

    model = SAC("MultiInputPolicy", Line(), replay_buffer_class=HerReplayBuffer, gradient_steps=0, seed=0)
    model.learn(120)
    assert model.replay_buffer is not None
    batch = model.replay_buffer.sample(500)
    success = (batch.rewards == 0).flatten()
    assert success.sum() > 50
    assert not batch.dones.flatten()[success].any()


def test_the_first_environment_computes_the_rewards_of_all_goals() -> None:
    from stable_baselines3 import HerReplayBuffer
    from stable_baselines3.common.vec_env import DummyVecEnv

    env = DummyVecEnv([lambda: gym.make("hyperrl-base/point-reach-v0")] * 2)
    for index, tolerance in enumerate((0.0, 9.0)):
        env.env_method("set_wrapper_attr", "tolerance", tolerance, indices=[index])
    space: Any = env.observation_space
    options: dict[str, Any] = {"n_envs": 2, "goal_selection_strategy": "final"}
    buffer: Any = HerReplayBuffer(100, space, env.action_space, env, **options)
    seen: Any = env.reset()
    for step in range(20):
        action = np.ones((2, 2), np.float32)
        later, reward, *_ = env.step(action)
        if step == 3:
            assert reward.tolist() == [-1, 0]
        buffer.add(seen, later, action, reward, np.full(2, step == 19), [{}, {}])
        seen = later
    relabeled = buffer.sample(100).rewards[20:]
    assert 0 < (relabeled == -1).sum() < 80  # the second environment's own would all be 0
    assert bool((buffer.rewards[:20, 1] == 0).all())


# Exports


def test_dynamic_quantization_looks_at_the_whole_batch(tmp_path: Any) -> None:
    onnx, runtime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    from onnxruntime.quantization import QuantType, quantize_dynamic

    weight = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    make = onnx.helper
    graph = make.make_graph(
        [make.make_node("MatMul", ["x", "w"], ["y"])],
        "graph",
        [make.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 4])],
        [make.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["n", 3])],
        [onnx.numpy_helper.from_array(weight, "w")],
    )
    opset = [make.make_opsetid("", 17)]
    onnx.save(make.make_model(graph, opset_imports=opset, ir_version=8), tmp_path / "float.onnx")
    quantize_dynamic(tmp_path / "float.onnx", tmp_path / "int8.onnx", weight_type=QuantType.QInt8)
    session = runtime.InferenceSession(str(tmp_path / "int8.onnx"))
    row, large = np.full((1, 4), 0.1, np.float32), np.full((1, 4), 100, np.float32)
    (alone,), (beside,) = (session.run(None, {"x": x})[0][:1] for x in (row, np.concatenate([row, large])))
    assert abs(alone).min() > 0.02
    assert not beside.any()


def test_argmax_passes_over_nan() -> None:
    onnx, runtime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    make = onnx.helper
    graph = make.make_graph(
        [make.make_node("ArgMax", ["x"], ["y"], axis=1, keepdims=0)],
        "graph",
        [make.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 3])],
        [make.make_tensor_value_info("y", onnx.TensorProto.INT64, ["n"])],
    )
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=8)
    x = np.array([[1, np.nan, 3]], np.float32)
    (found,) = runtime.InferenceSession(model.SerializeToString()).run(None, {"x": x})
    assert [int(found[0]), int(x.argmax())] == [2, 1]


def test_torch_cannot_batch_an_lstm() -> None:
    import torch
    from torch import nn
    from torch.func import functional_call, stack_module_state

    def batched(make: Any) -> Any:
        modules = [make() for _ in range(2)]
        parameters, buffers = stack_module_state(modules)
        return torch.vmap(lambda p, b, x: functional_call(modules[0], (p, b), (x,)))(
            parameters, buffers, torch.randn(2, 5, 3)
        )

    assert batched(lambda: nn.GRUCell(3, 3)).shape == (2, 5, 3)
    for kind in (nn.LSTM, nn.GRU, nn.LSTMCell):
        with pytest.raises(RuntimeError, match="Batching rule not implemented"):
            batched(lambda kind=kind: kind(3, 3))
    with pytest.raises(RuntimeError, match="same class"):
        batched(lambda: nn.utils.parametrizations.weight_norm(nn.Linear(3, 3)))


def test_safetensors_stores_a_transposed_array_in_memory_order() -> None:
    from safetensors.numpy import load, save

    array = np.arange(6, dtype=np.float32).reshape(2, 3).T
    assert not np.array_equal(load(save({"a": array}))["a"], array)
