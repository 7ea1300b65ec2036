"""Environments that others published, as families: files alone, on the packages that are installed."""

from contextlib import closing
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3.common.logger import Logger

from hyperrl.errors import UserError
from hyperrl.recipes import load_agent, parse_family, parse_yaml, resolve
from hyperrl.tasks import Family, check_family
from hyperrl.training.session import TrainingSession

PAGE = {
    "four-rooms": """
about: Find the goal in four rooms (MiniGrid); where it lies is the context.
base: minigrid:MiniGrid-FourRooms-v0
kwargs: {goal_pos: [9, 9]}
observe: [image, direction]
flatten: true
features:
  column: {about: column of the goal, default: 9, train: [1, 17], values: [2, 4, 6, 9, 12, 14, 16],
           attribute: _goal_default_pos.0, at: reset}
  row: {about: row of the goal, default: 9, train: [1, 17], values: [2, 4, 6, 9, 12, 14, 16],
        attribute: _goal_default_pos.1, at: reset}
splits: {train: {sample: 8}, validation: {sample: 4}, interpolation: {sample: 8}, extrapolation: []}
""",
    "empty-rooms": """
about: Find the corner of a square room (MiniGrid) of any size.
base: minigrid:MiniGrid-Empty-8x8-v0
observe: [image]
features:
  size: {about: cells on a side, default: 8, train: [5, 12], values: [5, 6, 7, 8, 9, 10, 11, 12, 14, 16],
         extrapolation: [5, 16], attribute: width, at: reset}
derived:
  height: {sum: [width]}
splits:
  train: {list: [{size: 5}, {size: 8}, {size: 12}]}
  validation: {list: [{size: 7}]}
  interpolation: {list: [{size: 6}, {size: 9}, {size: 10}, {size: 11}]}
  extrapolation: {list: [{size: 14}, {size: 16}]}
""",
    "highway": """
about: Drive on a highway with more or fewer lanes and cars.
base: highway_env:highway-v0
features:
  lanes: {about: number of lanes, default: 4, train: [2, 5], values: [2, 3, 4, 5],
          attribute: config.lanes_count, at: reset}
  cars: {about: number of other cars, default: 5, train: [2, 8], values: [2, 3, 4, 5, 6, 7, 8],
         attribute: config.vehicles_count, at: reset}
  density: {about: how close the cars are, default: 1.0, train: [0.5, 1.5],
            attribute: config.vehicles_density, at: reset}
splits: {train: {sample: 8}, validation: {sample: 4}, interpolation: {sample: 8}, extrapolation: []}
""",
    "reach": """
about: Reach a point with a robot's arm (gymnasium-robotics); the point is the context.
base: gymnasium_robotics:FetchReachDense-v4
observe: [observation]
features:
  x: {about: goal forward, unit: m, default: 1.34, train: [1.2, 1.45], attribute: goal.0, at: start}
  y: {about: goal to the left, unit: m, default: 0.75, train: [0.6, 0.9], attribute: goal.1, at: start}
  z: {about: goal upward, unit: m, default: 0.53, train: [0.45, 0.65], attribute: goal.2, at: start}
""",
    "reach-goal": """
about: Reach a point with a robot's arm (gymnasium-robotics), paid there alone; the point is the context.
base: gymnasium_robotics:FetchReach-v4
observe: [observation, achieved_goal]
features:
  x: {about: goal forward, unit: m, default: 1.34, train: [1.2, 1.45], attribute: goal.0, at: start}
  y: {about: goal to the left, unit: m, default: 0.75, train: [0.6, 0.9], attribute: goal.1, at: start}
  z: {about: goal upward, unit: m, default: 0.53, train: [0.45, 0.65], attribute: goal.2, at: start}
goal: [x, y, z]
training: {sac: {her: {}}, td3: {her: {}}}
""",
    "treasure": """
about: Dive for a treasure (mo-gymnasium); how much it counts against the time that it takes is the context.
base: mo_gymnasium:deep-sea-treasure-v0
kwargs: {max_episode_steps: 50}
features:
  treasure: {about: "weight of the treasure, against that of time", default: 0.5, train: [0, 1],
             weighs: reward.0, against: reward.1}
""",
    "meta-world": """
about: Ten tasks of a robot's arm (Meta-World's MT10); which one, and where its goal lies, is the context.
base: metaworld:Meta-World/goal_hidden
kwargs: {seed: 7}
features:
  task: {about: which of the ten, default: 4, train: [0, 9], values: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
         encoding: categorical, argument: env_name, at: reset,
         choices: [reach-v3, push-v3, pick-place-v3, door-open-v3, drawer-open-v3, drawer-close-v3,
                   button-press-topdown-v3, peg-insert-side-v3, window-open-v3, window-close-v3]}
  x: {about: goal sideways, unit: m, default: 0, train: [-0.35, 0.1], attribute: _last_rand_vec.-3, at: reset}
  y: {about: goal forward, unit: m, default: 0.9, train: [0.4, 0.95], attribute: _last_rand_vec.-2, at: reset}
  z: {about: goal upward, unit: m, default: 0, train: [-0.001, 0.3], attribute: _last_rand_vec.-1, at: reset}
splits:
  train:
    - grid: {task: [4, 5], x: [-0.1, 0, 0.1], y: [0.9], z: [0]}
    - grid: {task: [0, 2], x: [-0.1, 0, 0.1], y: [0.8, 0.9], z: [0.05, 0.175, 0.3]}
    - grid: {task: [1], x: [-0.1, 0, 0.1], y: [0.8, 0.9], z: [0.02]}
    - grid: {task: [3], x: [0, 0.05, 0.1], y: [0.85, 0.95], z: [0.15]}
    - grid: {task: [6], x: [-0.1, 0, 0.1], y: [0.8, 0.9], z: [0.115]}
    - grid: {task: [7], x: [-0.35, -0.3, -0.25], y: [0.4, 0.7], z: [0]}
    - grid: {task: [8], x: [-0.1, 0, 0.1], y: [0.7, 0.9], z: [0.16]}
    - grid: {task: [9], x: [0], y: [0.75, 0.825, 0.9], z: [0.2]}
  validation: {grid: {task: [4, 5], x: [-0.05], y: [0.9], z: [0]}}
  interpolation:
    - grid: {task: [4, 5], x: [0.05], y: [0.9], z: [0]}
    - grid: {task: [0, 2], x: [-0.05, 0.05], y: [0.85], z: [0.1, 0.25]}
    - grid: {task: [1], x: [-0.05, 0.05], y: [0.85], z: [0.02]}
    - grid: {task: [3], x: [0.025, 0.075], y: [0.9], z: [0.15]}
    - grid: {task: [6], x: [-0.05, 0.05], y: [0.85], z: [0.115]}
    - grid: {task: [7], x: [-0.325, -0.275], y: [0.55], z: [0]}
    - grid: {task: [8], x: [-0.05, 0.05], y: [0.8], z: [0.16]}
    - grid: {task: [9], x: [0], y: [0.8, 0.85], z: [0.2]}
  extrapolation: []
""",
}


MODULES = {
    "four-rooms": "minigrid",
    "empty-rooms": "minigrid",
    "highway": "highway_env",
    "reach": "gymnasium_robotics",
    "reach-goal": "gymnasium_robotics",
    "meta-world": "metaworld",
    "treasure": "mo_gymnasium",
}


INSTALLED = [
    pytest.param(name, marks=pytest.mark.skipif(find_spec(module) is None, reason=f"needs {module}"))
    for name, module in MODULES.items()
]


def family_of(name: str) -> Family:
    data: dict[str, Any] = parse_yaml(PAGE[name], name)
    return Family(parse_family({"name": name, **data}, name))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", INSTALLED)
def test_a_published_environment_is_a_family(name: str) -> None:
    """`check` passes; tasks A, B, A play A twice; the observation is that of the space."""
    family = family_of(name)
    rows = check_family(family)
    assert len(rows) == 1 + len(family.space.names)
    a, *others = family.tasks("train")
    env = family.make_default()
    played = []
    for context in (a, *others, a):
        seen, info = env.reset(seed=1, options={"context": context})
        assert info["context"] == context
        assert env.observation_space.contains(seen)
        env.action_space.seed(1)
        steps = []
        for _ in range(8):
            parts = [part for name, part in seen.items() if name != "context"]
            steps.append([np.concatenate([np.asarray(part, float).ravel() for part in parts])])
            seen, reward, *_ = env.step(env.action_space.sample())
            steps[-1].append(np.array([float(reward)]))
        played.append(np.concatenate([part for step in steps for part in step]))
    np.testing.assert_array_equal(played[0], played[-1])
    assert any(not np.array_equal(played[0], other) for other in played[1:-1])
    env.close()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_door_stays_where_its_reset_put_it() -> None:
    """When a task is set in mid-episode; the masses of the hand are the context's."""
    pytest.importorskip("gymnasium_robotics")
    feature = {"about": "m", "default": 1, "train": [0.5, 2], "physics": "mass"}
    data = {"name": "door", "about": "a", "base": "gymnasium_robotics:AdroitHandDoor-v1"}
    env = Family(parse_family({**data, "features": {"mass": feature}}, "test")).make_default()
    env.reset(seed=0)
    model: Any = env.base.model  # type: ignore[attr-defined]
    places, masses = model.body_pos.copy(), model.body_mass.copy()
    env.apply({"mass": 1.5})
    np.testing.assert_array_equal(model.body_pos, places)
    np.testing.assert_array_equal(model.body_mass, 1.5 * masses)
    env.close()


def one_feature(base: str, **feature: Any) -> dict[str, Any]:
    given = {"about": "m", "default": 1, "train": [0.5, 2], **feature}
    return {"name": "mine", "about": "a", "base": base, "features": {"m": given}}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("module", "base", "attribute", "more"),
    [
        ("gymnasium_robotics", "AntMaze_UMaze-v5", "ant_env.model.body_mass.1", {"observe": ["observation"]}),
        ("shimmy", "dm_control/walker-walk-v0", "_env.physics.model.body_mass.1", {"flatten": True}),
        (
            "shimmy",
            "dm_control/walker-walk-v0",
            "_env.physics.named.model.body_mass.torso",
            {"flatten": True},
        ),
    ],
)
def test_a_mass_of_a_model_that_lies_deeper_is_carried_by_physics_alone(
    module: str, base: str, attribute: str, more: dict[str, Any]
) -> None:
    pytest.importorskip(module)
    data = {**one_feature(f"{module}:{base}", attribute=attribute), **more}
    with pytest.raises(UserError, match=r"leaves stale what MuJoCo computes from it; allowed: 'physics'"):
        check_family(Family(parse_family(data, "test")))
    data = {**one_feature(f"{module}:{base}", physics="mass.torso"), **more}
    assert "changes the transition" in check_family(Family(parse_family(data, "test")))[1].detail


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_place_of_an_object_is_a_feature_and_that_of_a_finger_is_not() -> None:
    pytest.importorskip("gymnasium_robotics")
    base = "gymnasium_robotics:AdroitHandRelocate-v1"
    place = {"default": 0, "train": [-0.1, 0.1], "at": "start"}
    data = one_feature(base, **place, attribute="model.body_pos.-1.0")
    assert "changes the transition" in check_family(Family(parse_family(data, "test")))[1].detail
    data = one_feature(base, **place, attribute="model.body_pos.-2.0")
    with pytest.raises(
        UserError, match=r"at -0.1 leaves stale .* \(actuator_acc0, .*; allowed: a property of"
    ):
        check_family(Family(parse_family(data, "test")))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_plant_that_is_drawn_when_it_is_made_needs_a_seed() -> None:
    pytest.importorskip("shimmy")
    data = one_feature("shimmy:dm_control/lqr-lqr_2_1-v0", attribute="_env.physics.model.dof_damping.0")
    kwargs = {"max_episode_steps": 100}
    with pytest.raises(UserError, match="two environments that are made alike"):
        check_family(Family(parse_family({**data, "flatten": True, "kwargs": kwargs}, "test")))
    kwargs |= {"task_kwargs": {"random": 0}}  # type: ignore[dict-item]
    check_family(Family(parse_family({**data, "flatten": True, "kwargs": kwargs}, "test")))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_what_is_touched_or_reached_late_is_no_dead_feature() -> None:
    """The object of Pusher is touched by an action of the file's own; PandaReach's goal by held ones."""
    pytest.importorskip("mujoco")
    data = one_feature("Pusher-v5", physics="mass.object")
    with pytest.raises(UserError, match="not read, or not reached in 1,500 random steps"):
        check_family(Family(parse_family(data, "test")))
    check = {"actions": [[1, 1, 1, 0, 2, 1, 0]]}
    assert (
        "changes the trans" in check_family(Family(parse_family({**data, "check": check}, "test")))[1].detail
    )
    pytest.importorskip("panda_gym")
    goal = {"default": 0, "train": [-0.1, 0.1], "attribute": "task.goal.0", "at": "start"}
    data = {**one_feature("panda_gym:PandaReach-v3", **goal), "observe": ["observation"]}
    assert "changes the transition" in check_family(Family(parse_family(data, "test")))[1].detail


GRASP = {
    "sign": {"about": "a", "default": 1, "train": [-1, 1], "values": [-1, 1], "scales": "action.0"},
    "near": {"about": "a", "default": 0.05, "train": [0.01, 0.3], "attribute": "distance_threshold"},
}


def learned(family: Family, *overrides: str) -> Any:
    """A replay buffer after 260 steps of training with hindsight."""
    fields = ("n_envs=2", "policy.net_arch=[8, 8]", "algorithm.learning_starts=150", *overrides)
    agent = resolve(load_agent("hyper-sac"), family.recipe, ["algorithm.her={}", *fields])
    with closing(TrainingSession(agent, family, 1, "cpu")) as training:
        training.model.set_logger(Logger(None, []))
        training.model.learn(260)
        buffer = training.model.replay_buffer  # type: ignore[attr-defined]
        return buffer, buffer.sample(500)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_hindsight_pays_what_the_base_pays_in_each_task() -> None:
    """Which goals of FetchReach count as reached is a feature of the task."""
    pytest.importorskip("gymnasium_robotics")
    data = {"name": "fetch", "about": "a", "base": "gymnasium_robotics:FetchReach-v4", "features": GRASP}
    family = Family(parse_family(data, "test"))
    buffer, found = learned(family)
    seen = found.next_observations
    away = (seen["achieved_goal"] - seen["desired_goal"])[100:].norm(dim=1)
    near = 0.01 + (found.observations["context"][100:, 1].double() + 1) / 2 * 0.29
    clear = (away - near).abs() > 1e-6
    assert torch.equal(found.rewards[100:, 0][clear], -(away > near).float()[clear])
    assert set(found.rewards[100:].ravel().tolist()) == {0.0, -1.0}
    assert len(near.unique()) >= 2
    assert not found.dones.any()
    stored = {tuple(row) for row in buffer.tasks.contexts[: buffer.tasks.count].tolist()}
    assert {tuple(row) for row in found.observations["context"].tolist()} <= stored


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_hindsight_relabels_a_goal_that_the_context_tells() -> None:
    pytest.importorskip("gymnasium_robotics")
    family = family_of("reach-goal")
    _, found = learned(family)
    assert "desired_goal" not in found.observations
    context = found.observations["context"].double().numpy()
    low, high = np.array([family.space.features[name].train for name in "xyz"]).T
    goals = low + (context + 1) / 2 * (high - low)
    away = np.linalg.norm(found.next_observations["achieved_goal"].numpy() - goals, axis=1)
    clear = abs(away - 0.05) > 1e-5
    np.testing.assert_array_equal(found.rewards[clear, 0], -(away > 0.05)[clear].astype(np.float32))
    relabeled = found.rewards[100:]
    assert bool((relabeled == 0).any())
    assert torch.equal(found.observations["context"], found.next_observations["context"])
