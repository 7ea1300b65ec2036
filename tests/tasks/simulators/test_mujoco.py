"""Quantities of MuJoCo models against models that are compiled with them, and against what they should do."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from hyperrl.errors import UserError
from hyperrl.recipes import parse_family
from hyperrl.tasks.simulators.mujoco import MujocoPhysics

mujoco = pytest.importorskip("mujoco")


class Simulator:
    """What `MujocoPhysics` needs of an environment: a compiled model."""

    def __init__(self, xml: str) -> None:
        self.model: Any = mujoco.MjModel.from_xml_string(f"<mujoco>{xml}</mujoco>")

    def end(self, steps: int, *controls: float) -> Any:
        """Simulation data after some steps from the model's own start."""
        data = mujoco.MjData(self.model)
        data.ctrl[:] = controls
        for _ in range(steps):
            mujoco.mj_step(self.model, data)
        return data


def changed(xml: str, **factors: float) -> Simulator:
    """A simulator with quantities changed; a double underscore stands for the point."""
    simulator = Simulator(xml)
    MujocoPhysics(simulator).apply({name.replace("__", "."): each for name, each in factors.items()})
    return simulator


@pytest.mark.parametrize("joint", ["<freejoint/>", "<joint type='slide' axis='0 0 1'/>"])
def test_a_heavier_body_falls_no_faster(joint: str) -> None:
    """Without `mj_setConst` a body alone on its joint keeps its inertia, and falls at 2 g."""
    simulator = changed(f"<worldbody><body name='ball'>{joint}<geom size='.1'/></body></worldbody>", mass=2.0)
    assert simulator.end(1).qacc[2 if "free" in joint else 0] == pytest.approx(-9.81)


ARM = """<worldbody>
  <geom type='box' pos='1.3 0 0' size='.2 .2 .1'/> <geom type='box' pos='1.3 3 0' size='.2 .2 .1'/>
  <body name='arm' pos='0 0 .5'><joint type='hinge' axis='0 1 0' damping='.1'/>
    <geom type='{shape}' fromto='0 0 0 {length} 0 0' size='.05' mass='1'/>
    <site name='tip' pos='{length} 0 0'/>
  </body></worldbody>"""


@pytest.mark.parametrize("shape", ["capsule", "cylinder"])
def test_a_longer_arm_meets_what_it_reaches(shape: str) -> None:
    """All of the model is as if compiled with the longer arm, the bounds of its shape and its site too."""
    simulator = changed(ARM.format(shape=shape, length=0.75), length__arm=2.0)
    expected = Simulator(ARM.format(shape=shape, length=1.5))
    for name in dir(expected.model):
        value = getattr(expected.model, name)
        if isinstance(value, np.ndarray) and name not in ("body_iquat", "geom_quat"):
            np.testing.assert_allclose(getattr(simulator.model, name), value, atol=1e-9, err_msg=name)
    assert simulator.end(1500).qpos[0] == pytest.approx(expected.end(1500).qpos[0], abs=1e-4)
    assert simulator.end(1500).qpos[0] < 0.5


def test_an_arm_whose_inertia_is_not_its_shapes_is_refused() -> None:
    xml = ARM.format(shape="capsule", length=0.75).replace(
        "<site", "<inertial pos='.1 0 0' mass='1' diaginertia='.1 .1 .1'/><site"
    )
    with pytest.raises(UserError, match=r"length.arm: its file gives the body an inertia that is not its sh"):
        changed(xml, length__arm=2.0)


def test_a_body_that_meets_nothing_has_a_length() -> None:
    xml = ARM.format(shape="capsule", length=0.75).replace("size='", "contype='0' conaffinity='0' size='")
    simulator = changed(xml, length__arm=2.0)
    assert simulator.model.body("arm").ipos[0] == pytest.approx(0.75)


SLIDE = """<option gravity='0 0 0'/><worldbody><body><joint name='rail' type='slide' damping='{damping}'/>
<geom size='.1' mass='1'/></body></worldbody><actuator>{actuator}</actuator>"""
SERVOS = {
    "position": "<position joint='rail' kp='100' kv='10' forcerange='-20 20'/>",
    "integrated": "<intvelocity joint='rail' kp='100' kv='10' actrange='-3 3'/>",
    "velocity": "<velocity joint='rail' kv='50'/>",
}


@pytest.mark.parametrize("kind", SERVOS)
@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_stronger_servo_keeps_its_target(kind: str, factor: float) -> None:
    """A gear of its own would move it to target / gear; its force is multiplied, and the limit of that."""
    xml = SLIDE.format(damping=0, actuator=SERVOS[kind])
    plain, simulator = Simulator(xml), changed(xml, gear=factor)
    at_first = [each.end(1, 1.0).qfrc_actuator[0] for each in (simulator, plain)]
    assert at_first[0] == pytest.approx(factor * at_first[1])
    if kind == "velocity":
        assert simulator.end(4000, 1.0).qvel[0] == pytest.approx(1.0, abs=1e-3)
    else:
        target = 1.0 if kind == "position" else simulator.end(4000, 0.1).act[0]
        assert simulator.end(4000, target if kind == "position" else 0.1).qpos[0] == pytest.approx(
            target, abs=0.05
        )


def test_a_damper_is_stronger_in_proportion() -> None:
    xml = SLIDE.format(damping=0, actuator="<damper joint='rail' kv='5' ctrlrange='0 1'/>")
    forces = []
    for simulator in (Simulator(xml), changed(xml, gear=3.0)):
        data = mujoco.MjData(simulator.model)
        data.qvel[:], data.ctrl[:] = 2.0, 1.0
        mujoco.mj_forward(simulator.model, data)
        forces.append(data.qfrc_actuator[0])
    assert forces[1] == pytest.approx(3.0 * forces[0])


def test_a_motor_keeps_its_way_of_becoming_stronger() -> None:
    simulator = changed(SLIDE.format(damping=1, actuator="<motor joint='rail' gear='4'/>"), gear=-0.5)
    assert simulator.model.actuator_gear[0, 0] == -2.0
    assert simulator.model.actuator_gainprm[0, 0] == 1.0


@pytest.mark.parametrize(
    ("actuator", "quantity", "factor", "says"),
    [
        ("<muscle joint='rail' lengthrange='0 1'/>", "gear", 2.0, "physics gear: drives muscles"),
        ("<position joint='rail'/>", "gear.rail", -1.0, "factor -1 turns a servo away from its target"),
        ("", "gear.rail", 2.0, "physics gear.rail: no actuator of the model drives this joint"),
    ],
)
def test_strengths_that_an_actuator_cannot_have_are_refused(
    actuator: str, quantity: str, factor: float, says: str
) -> None:
    with pytest.raises(UserError, match=says):
        changed(SLIDE.format(damping=1, actuator=actuator), **{quantity.replace(".", "__"): factor})


@pytest.mark.parametrize("name", ["robot0:hand", "arm/link-1", "left.foot"])
def test_names_as_published_robots_have_them(name: str) -> None:
    """A prefix ends in a colon in gymnasium-robotics, in a slash in dm_control."""
    feature = {"about": "a mass", "default": 1.0, "train": [0.5, 2.0], "physics": f"mass.{name}"}
    recipe = parse_family({"name": "n", "about": "n", "base": "Ant-v5", "features": {"m": feature}}, "test")
    quantity = recipe.features["m"].physics
    assert quantity is not None
    body = f"<worldbody><body name='{name}'><freejoint/><geom size='.1' mass='1'/></body></worldbody>"
    simulator = Simulator(body)
    MujocoPhysics(simulator).apply({quantity: 2.0})
    assert simulator.model.body_mass[1] == pytest.approx(2.0)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_robots_hand_that_is_stronger_reaches_for_the_same() -> None:
    """HandReach's joints are servos: a gear of 2 would half close what the action closes."""
    pytest.importorskip("gymnasium_robotics")
    angles = []
    for factor in (1.0, 2.0):
        env = gym.make("gymnasium_robotics:HandReach-v3")
        base: Any = env.unwrapped
        env.reset(seed=0)
        MujocoPhysics(base).apply({"gear": factor})
        for _ in range(100):
            env.step(np.full(20, 0.3, np.float32))
        joints = base.model.actuator_trnid[:, 0]
        angles.append(base.data.qpos[base.model.jnt_qposadr[joints]].copy())
        targets = base.data.ctrl.copy()
        env.close()
    assert abs(angles[1] - angles[0]).max() < 0.1
    assert abs(angles[1] - targets).mean() <= abs(angles[0] - targets).mean()
