"""What docs/simulators.md says of MuJoCo is so, with the real package at the version named."""

from typing import Any

import numpy as np
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def model_of(xml: str) -> Any:
    mujoco = pytest.importorskip("mujoco")
    return mujoco.MjModel.from_xml_string(f"<mujoco>{xml}</mujoco>")


def constants(model: Any) -> None:
    import mujoco

    mujoco.mj_setConst(model, mujoco.MjData(model))


def played(model: Any, steps: int = 1, **given: Any) -> Any:
    import mujoco

    data = mujoco.MjData(model)
    for name, value in given.items():
        getattr(data, name)[...] = value
    for _ in range(steps):
        mujoco.mj_step(model, data)
    return data


BALL = """<worldbody><geom type='plane' size='5 5 1'/>
<body pos='0 0 {z}' {more}>{joint}<geom size='.1' {geom}/></body></worldbody>"""
FREE, RAIL = "<freejoint/>", "<joint type='slide' axis='0 0 1' {more}/>"


def ball(z: float = 50, joint: str = FREE, more: str = "", geom: str = "mass='1'") -> Any:
    return model_of(BALL.format(z=z, joint=joint.format(more=""), more=more, geom=geom))


@pytest.mark.parametrize("joint", [FREE, RAIL])
def test_a_heavier_body_falls_at_two_g(joint: str) -> None:
    model = ball(joint=joint)
    model.body_mass[1] *= 2
    model.body_inertia[1] *= 2
    assert played(model).qacc[2 if joint == FREE else 0] == pytest.approx(-19.62)
    constants(model)
    assert played(model).qacc[2 if joint == FREE else 0] == pytest.approx(-9.81)


def test_a_center_of_mass_that_moves_is_ignored() -> None:
    model = ball()
    model.body_ipos[1, 0] = 0.05
    constants(model)
    assert played(model, qfrc_applied=[0, 0, 1, 0, 0, 0]).qacc[4] == 0.0
    inertial = "<inertial pos='.05 0 0' mass='1' diaginertia='.004 .004 .004'/>"
    assert played(ball(joint=FREE + inertial), qfrc_applied=[0, 0, 1, 0, 0, 0]).qacc[4] != 0.0


def test_a_grown_sphere_sinks_in() -> None:
    model = ball(0.3)
    model.geom_size[1, 0] = 0.2
    constants(model)
    assert played(model, 3000).qpos[2] < 0.15


def test_gravity_compensation_from_0_is_ignored() -> None:
    model = ball()
    model.body_gravcomp[1] = 1.0
    constants(model)
    assert played(model).qacc[2] == pytest.approx(-9.81)
    assert played(ball(more="gravcomp='1'")).qacc[2] == pytest.approx(0.0)


def test_collision_bits_and_margins_are_ignored() -> None:
    model = ball(0.3, geom="mass='1' contype='0' conaffinity='0'")
    model.geom_contype[1] = model.geom_conaffinity[1] = 1
    constants(model)
    assert played(model, 1000).qpos[2] < -1
    later, compiled = ball(0.3), ball(0.3, geom="mass='1' margin='.1'")
    later.geom_margin[1] = 0.1
    constants(later)
    assert later.body_margin[1] == 0.0
    assert compiled.body_margin[1] == pytest.approx(0.1)


SERVO = RAIL.replace("{more}", "name='j'") + "<geom size='.1' mass='1'/></body></worldbody><actuator>"
SERVO = f"<option gravity='0 0 0'/><worldbody><body>{SERVO}<position joint='j' {{more}}/></actuator>"


def test_a_damping_ratio_is_known_to_the_compiler_alone() -> None:
    model = model_of(SERVO.format(more="kp='100' dampratio='1'"))
    assert model.actuator_biasprm[0, 2] == pytest.approx(-20)
    model.body_mass[1] *= 4
    constants(model)
    assert model.actuator_biasprm[0, 2] == pytest.approx(-20)
    model.actuator_biasprm[0, 2] = 1.0
    driven = model_of(SERVO.format(more="kp='0'"))
    driven.actuator_biasprm[0, 2] = 1.0
    assert played(driven, 1000, qvel=1.0).qvel[0] > 1.5


def test_a_servo_settles_at_target_over_gear() -> None:
    model = model_of(SERVO.format(more="kp='100' kv='20'"))
    model.actuator_gear[0, 0] = 2.0
    assert played(model, 5000, ctrl=1.0).qpos[0] == pytest.approx(0.5, abs=1e-3)


def test_armature_of_a_slide_joint_needs_its_constants() -> None:
    model = ball(joint=RAIL)
    model.dof_armature[0] = 1.0
    before = played(model).qacc[0]
    constants(model)
    assert (before, played(model).qacc[0]) == (pytest.approx(-9.81), pytest.approx(-4.905))


def test_a_rollout_stands_still(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from mujoco import MjData, rollout

    monkeypatch.chdir(tmp_path)  # it writes MUJOCO_LOG.TXT
    model = model_of(SERVO.format(more="kp='1'"))
    model.jnt_stiffness[0] = 10 / model.opt.timestep**2
    states, _ = rollout.rollout(model, MjData(model), np.zeros((1, 3)), np.ones((1, 100, 1)))
    assert np.isfinite(states).all()
    assert (states[0, 50:] == states[0, -1]).all()
    assert states[0, -1, 0] < 50 * model.opt.timestep


def test_rollouts_of_one_step_each_lose_the_warm_start() -> None:
    from mujoco import MjData, mj_step, rollout

    box = "<body pos='0 0 .1'><freejoint/><geom type='box' size='.1 .2 .1'/></body>"
    model = model_of(f"<worldbody><geom type='plane' size='9 9 1'/>{box}</worldbody>")
    stepped, other = MjData(model), MjData(model)
    stepped.qvel[:] = [1.0, 0.5, 0.0, 0.0, 0.0, 2.0]
    state = np.concatenate([[stepped.time], stepped.qpos, stepped.qvel])[None]
    for _ in range(100):
        mj_step(model, stepped)
        state = rollout.rollout(model, other, state, nstep=1)[0][:, -1]
    difference = np.abs(state[0, 1:8] - stepped.qpos).max()
    assert 0 < difference < 1e-6
