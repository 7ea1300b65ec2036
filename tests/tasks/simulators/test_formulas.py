"""The formulas against Gymnasium's own environments: the same numbers, bit for bit."""

from operator import attrgetter
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from hyperrl.tasks.simulators.formulas import FORMULAS

mujoco = pytest.importorskip("mujoco")

CASES: list[tuple[str, dict[str, Any]]] = [
    ("HalfCheetah-v5", {}),
    (
        "HalfCheetah-v5",
        {
            "exclude_current_positions_from_observation": False,
            "ctrl_cost_weight": 0.3,
            "forward_reward_weight": 0.7,
            "frame_skip": 2,
        },
    ),
    ("Hopper-v5", {}),
    ("Hopper-v5", {"healthy_state_range": (-1.5, 1.5), "healthy_reward": 0.3}),
    ("Hopper-v5", {"terminate_when_unhealthy": False, "exclude_current_positions_from_observation": False}),
    ("Walker2d-v5", {}),
    ("Walker2d-v5", {"healthy_z_range": (1.2, 1.3), "healthy_angle_range": (-0.1, 0.1)}),
    ("Swimmer-v5", {}),
    ("Swimmer-v5", {"exclude_current_positions_from_observation": False, "ctrl_cost_weight": 0.2}),
    ("Ant-v5", {}),
    (
        "Ant-v5",
        {"include_cfrc_ext_in_observation": False, "main_body": "aux_1", "healthy_z_range": (0.4, 0.8)},
    ),
    ("Ant-v5", {"contact_cost_weight": 0.1, "contact_force_range": (-0.5, 2.0), "ctrl_cost_weight": 0.2}),
    ("InvertedPendulum-v5", {}),
]


def key(base: Any) -> str:
    return f"{type(base).__module__}:{type(base).__qualname__}"


def test_all_that_have_formulas_are_tried() -> None:
    assert {key(gym.make(base).unwrapped) for base, _ in CASES} == set(FORMULAS)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize(("base", "kwargs"), CASES, ids=[f"{b}-{i}" for i, (b, _) in enumerate(CASES)])
def test_the_outcome_is_that_of_the_environments_own_step(
    base: str, kwargs: dict[str, Any], kind: Any
) -> None:
    """Four environments by their own steps and four by the formulas, reset when they end."""
    alone, rows = ([gym.make(base, **kwargs).unwrapped for _ in range(4)] for _ in range(2))
    bases: list[Any] = list(rows)
    formulas = FORMULAS[key(bases[0])](bases)
    for seed, (one, other) in enumerate(zip(alone, rows, strict=True)):
        one.reset(seed=seed)
        other.reset(seed=seed)
    rng, ends = np.random.default_rng(0), 0
    for _ in range(120):
        actions = rng.uniform(-1, 1, (4, bases[0].model.nu)).astype(kind)
        parameters = {
            name: np.array([attrgetter(name)(each) for each in bases])
            for name in ("frame_skip", *formulas.parameters)
        }
        parameters["timestep"] = np.array([each.model.opt.timestep for each in bases])
        formulas.before()
        for each, action in zip(bases, actions, strict=True):
            each.data.ctrl[:] = action
            mujoco.mj_step(each.model, each.data, each.frame_skip)
            if formulas.forces:
                mujoco.mj_rnePostConstraint(each.model, each.data)
        observation, reward, terminated, terms = formulas.after(actions, parameters)
        for row, env in enumerate(alone):
            seen, paid, ended, _, info = env.step(actions[row])
            np.testing.assert_array_equal(observation[row], seen)
            assert observation.dtype == seen.dtype
            assert reward[row] == paid
            assert terminated[row] == ended
            assert {**formulas.places(row), **{name: each[row] for name, each in terms.items()}} == info
            if ended:
                ends += 1
                env.reset()
                rows[row].reset()
    never = base in ("HalfCheetah-v5", "Swimmer-v5") or kwargs.get("terminate_when_unhealthy") is False
    assert bool(ends) != never
