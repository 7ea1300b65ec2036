"""Where MuJoCo's model of an environment lies, and which attributes in it leave others stale."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from hyperrl.errors import UserError
from hyperrl.recipes import parse_family
from hyperrl.tasks import Family, check_family

pytest.importorskip("mujoco")

from gymnasium.envs.mujoco.hopper_v5 import HopperEnv
from gymnasium.envs.mujoco.reacher_v5 import ReacherEnv

from hyperrl.tasks.simulators.models import model_of, model_path


class Sim:
    """Holds an environment, as the tasks of other packages do."""

    def __init__(self, inner: Any) -> None:
        self.robot, self.masses = inner, inner.model.body_mass


class Holding(gym.Env[Any, Any]):
    """A hopper two levels down, whose masses have another name too, and which can be set in full."""

    def __init__(self, render_mode: str | None = None) -> None:
        inner: Any = HopperEnv()
        self.sim, self.render_mode, self.itself = Sim(inner), render_mode, self
        self.observation_space, self.action_space = inner.observation_space, inner.action_space
        self.reset, self.step = inner.reset, inner.step  # type: ignore[method-assign]
        self.own = float(inner.model.body_mass[1])

    @property
    def broken(self) -> Any:
        raise RuntimeError("not ready")

    @property
    def torso(self) -> float:
        return float(self.sim.masses[1])

    @torso.setter
    def torso(self, value: float) -> None:
        import mujoco

        model = self.sim.robot.model
        model.body_inertia[1] *= value / model.body_mass[1]
        model.body_mass[1] = value
        mujoco.mj_setConst(model, mujoco.MjData(model))


gym.register("hyperrl-tests/holding-v0", entry_point=f"{__name__}:Holding", max_episode_steps=50)


def family_of(base: str, **carrier: Any) -> Family:
    feature = {"about": "x", "default": 3.5, "train": [2, 6], **carrier}
    return Family(parse_family({"name": "mine", "about": "x", "base": base, "features": {"m": feature}}, "t"))


def test_a_model_is_found_wherever_it_lies() -> None:
    base = Holding()
    assert model_path(base) == "sim.robot"
    assert model_of(base) is base.sim.robot.model
    assert model_path(HopperEnv()) == ""
    assert model_path(gym.make("CartPole-v1").unwrapped) is None


@pytest.mark.parametrize(
    ("attribute", "says"),
    [
        (
            "sim.robot.model.body_mass.1",
            r"stale what MuJoCo computes from it; allowed: 'physics' in its place \(mass\), or a prop",
        ),
        (
            "sim.masses.1",
            r"at 2 leaves stale what MuJoCo computes from it \(actuator_acc0, .*; allowed: a",
        ),
        ("sim.robot.model.jnt_axis.1.0", r"from it; allowed: a property of your environment's class"),
    ],
)
def test_an_attribute_of_which_more_is_computed_is_refused(attribute: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        check_family(family_of("hyperrl-tests/holding-v0", attribute=attribute))


@pytest.mark.parametrize("carrier", [{"physics": "mass.torso"}, {"attribute": "torso"}])
def test_what_is_named_in_its_place_is_right(carrier: dict[str, str]) -> None:
    """The same model by both ways."""
    family = family_of("hyperrl-tests/holding-v0", **carrier)
    check_family(family)
    env = family.make_default()
    env.reset(seed=0)
    model = model_of(env.base)
    own = float(model.body_mass[1])
    wanted = own * 5 / 3.5 if "physics" in carrier else 5.0
    env.reset(seed=0, options={"context": {"m": 5.0}})
    assert model.body_mass[1] == pytest.approx(wanted)
    assert model.body_subtreemass[1] == pytest.approx(model.body_mass[1:].sum())


def test_a_place_of_which_nothing_is_computed_is_right() -> None:
    """Reacher's target slides: no constant depends on where its body is fixed."""
    target = {"default": 0.0, "train": [-0.1, 0.1], "attribute": "model.body_pos.-1.0"}
    check_family(family_of("Reacher-v5", **target))
    leg = {"default": 0.0, "train": [-0.1, 0.1], "attribute": "model.body_pos.-2.0"}
    with pytest.raises(UserError, match=r"at -0.1 leaves stale what MuJoCo computes from it \("):
        check_family(family_of("Reacher-v5", **leg))
    assert np.isfinite(model_of(ReacherEnv()).body_pos).all()
