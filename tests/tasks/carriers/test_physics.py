"""MuJoCo and Box2D families: what a task changes, what it leaves, and what it pays."""

import itertools
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from hyperrl.errors import UserError
from hyperrl.recipes import parse_family, parse_yaml
from hyperrl.tasks import ContextualEnv, Family, check_family
from tests.project.pages import ROOT, blocks
from tests.suite import SIMULATED, playable

MUJOCO = [name for name in SIMULATED if not name.startswith("lunar-lander")]


DYNAMICS = ["half-cheetah-dynamics", "hopper-dynamics", "walker2d-dynamics"]


LANDERS = ["lunar-lander", "lunar-lander-continuous"]


Trajectory = list[Any]


def trajectory(env: gym.Env[Any, Any], options: dict[str, Any] | None = None, steps: int = 60) -> Trajectory:
    """Base observations, rewards and ends of an episode of seeded actions."""
    seen, _ = env.reset(seed=4, options=options)
    env.action_space.seed(4)
    played = []
    for _ in range(steps):
        played.append(np.array(seen["obs"] if isinstance(seen, dict) else seen))
        seen, reward, terminated, *_ = env.step(env.action_space.sample())
        played.append(np.array([float(reward), terminated]))
        if terminated:
            break
    return played


def same(one: Trajectory, other: Trajectory) -> bool:
    return len(one) == len(other) and all(map(np.array_equal, one, other))


def feature(**carrier: Any) -> dict[str, Any]:
    return {"about": "a feature", "default": 1.0, "train": [0.5, 2.0], **carrier}


def family_of(base: str, features: dict[str, Any], **more: Any) -> Family:
    data = {"name": "mine", "about": "mine", "base": base, "extra": "mujoco", "features": features, **more}
    return Family(parse_family(data, "test"))


@pytest.mark.parametrize("name", playable(SIMULATED))
def test_a_task_leaves_nothing_behind(name: str) -> None:
    """Tasks A, B, A: the third is the first again, bit for bit, and so is an environment that only saw A."""
    family = Family.load(name)
    a, *_, b = family.tasks("train")
    beyond = (family.tasks("extrapolation") or family.tasks("interpolation"))[0]
    env = family.make_default()
    first = trajectory(env, {"context": a})
    for other in (b, beyond):
        assert not same(first, trajectory(env, {"context": other}))
        assert same(first, trajectory(env, {"context": a}))
    assert same(first, trajectory(family.make_default(), {"context": a}))
    env.close()


@pytest.mark.parametrize("name", playable(SIMULATED))
def test_the_default_context_is_the_base_environment(name: str) -> None:
    family = Family.load(name)
    env = family.make_default()
    env.reset(options={"context": family.tasks("train")[-1]})
    played, base = trajectory(env), trajectory(family.make_base())
    if not any(feature.reward for feature in family.recipe.features.values()):
        assert same(played, base)
    else:
        assert same(played[::2], base[::2])
    env.close()


@pytest.mark.parametrize("name", playable(MUJOCO))
def test_no_array_of_the_model_is_left_changed(name: str) -> None:
    family = Family.load(name)
    env, untouched = family.make_default(), family.make_base().unwrapped
    for task in family.tasks("train")[:3]:
        env.reset(options={"context": task})
    env.reset()
    one, other = env.base.model, untouched.model  # type: ignore[attr-defined]
    for each in dir(one):
        value = getattr(one, each)
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, getattr(other, each), err_msg=each)
    np.testing.assert_array_equal(one.opt.gravity, other.opt.gravity)
    for each in ("meaninertia", "meanmass", "meansize", "extent"):
        assert getattr(one.stat, each) == getattr(other.stat, each)


def compiled(env: ContextualEnv, change: Any) -> Any:
    """The environment's model, compiled anew from its file with a change to its parts."""
    import mujoco

    spec = mujoco.MjSpec.from_file(env.base.fullpath)  # type: ignore[attr-defined]
    change(spec)
    return spec.compile()


CONSTANTS = (
    "body_mass", "body_inertia", "body_ipos", "body_subtreemass", "body_invweight0", "dof_M0",
    "dof_invweight0",
    "geom_size", "geom_pos", "geom_rbound", "geom_aabb", "geom_friction",
)  # fmt: skip


def assert_compiled(env: ContextualEnv, change: Any) -> None:
    """The model in the environment is the one that MuJoCo compiles from the changed file."""
    model, expected = env.base.model, compiled(env, change)  # type: ignore[attr-defined]
    for name in CONSTANTS:
        np.testing.assert_allclose(
            getattr(model, name), getattr(expected, name), rtol=1e-9, atol=1e-12, err_msg=name
        )
    np.testing.assert_allclose(model.opt.gravity, expected.opt.gravity)
    np.testing.assert_allclose(model.stat.meaninertia, expected.stat.meaninertia)


@pytest.mark.parametrize("name", playable(["inverted-pendulum"]))
@pytest.mark.parametrize("length", [0.5, 1.7])
def test_a_longer_pole_has_the_inertia_of_its_shape(name: str, length: float) -> None:
    env = Family.load(name).make_default()
    mass = float(env.base.model.body("pole").mass[0])  # type: ignore[attr-defined]
    env.reset(options={"context": {"length": length, "mass": 1.5, "gravity": 0.5}})

    def change(spec: Any) -> None:
        pole = spec.body("pole").geoms[0]
        pole.fromto = np.array(pole.fromto) * length
        pole.mass = 1.5 * mass
        spec.option.gravity = np.array(spec.option.gravity) * 0.5

    assert_compiled(env, change)


@pytest.mark.parametrize("name", playable(["ant-density"]))
def test_density_is_the_density_of_the_file(name: str) -> None:
    env = Family.load(name).make_default()
    env.reset(options={"context": {"density": 35.0}})

    def change(spec: Any) -> None:
        for geom in spec.geoms:
            assert geom.density in (5.0, 1000.0)
            geom.density = 35.0 if geom.density == 5.0 else geom.density

    assert_compiled(env, change)


@pytest.mark.parametrize("name", playable(["hopper-dynamics", "walker2d-dynamics"]))
def test_masses_and_friction_are_those_of_a_changed_file(name: str) -> None:
    env = Family.load(name).make_default()
    env.reset(options={"context": {"torso_mass": 1.4, "mass": 0.6, "friction": 0.7, "gravity": 1.3}})

    def change(spec: Any) -> None:
        for geom in spec.geoms:
            torso = 1.4 if geom.parent.name == "torso" else 1.0
            geom.density *= 0.6 * torso
            geom.friction = np.array(geom.friction) * 0.7
        spec.option.gravity = np.array(spec.option.gravity) * 1.3

    assert_compiled(env, change)


@pytest.mark.parametrize("name", playable(["half-cheetah-dynamics"]))
def test_the_cheetahs_total_mass_is_scaled(name: str) -> None:
    """Its file fixes the total at 14 kg."""
    env = Family.load(name).make_default()
    env.reset(options={"context": {"mass": 1.5, "friction": 0.5}})

    def change(spec: Any) -> None:
        spec.compiler.settotalmass = 14 * 1.5
        for geom in spec.geoms:
            geom.friction = np.array(geom.friction) * 0.5

    assert_compiled(env, change)


@pytest.mark.parametrize("name", playable(DYNAMICS))
def test_a_heavier_torso_is_the_torso_alone(name: str) -> None:
    env = Family.load(name).make_default()
    model: Any = env.base.model  # type: ignore[attr-defined]
    masses = model.body_mass.copy()
    masses[model.body("torso").id] *= 1.4
    env.reset(options={"context": {"torso_mass": 1.4}})
    np.testing.assert_allclose(model.body_mass, masses, rtol=1e-12)


@pytest.mark.parametrize("name", playable(["half-cheetah-actuator"]))
def test_friction_beside_actuators_is_that_of_all_geoms(name: str) -> None:
    env = Family.load(name).make_default()
    model: Any = env.base.model  # type: ignore[attr-defined]
    friction = model.geom_friction * 0.7
    env.reset(options={"context": {"friction": 0.7}})
    np.testing.assert_allclose(model.geom_friction, friction, rtol=1e-12)


@pytest.mark.parametrize("name", playable(DYNAMICS))
def test_a_fall_follows_gravity(name: str) -> None:
    """In the first moment of free fall the center of mass accelerates by gravity, whatever the masses."""
    import mujoco

    env = Family.load(name).make_default()
    base: Any = env.base
    for factor in (0.5, 1.4):
        env.reset(options={"context": {"gravity": factor, "mass": 0.7, "torso_mass": 1.3}})
        position = base.init_qpos.copy()
        position[1] += 5.0
        base.set_state(position, np.zeros_like(base.init_qvel))
        jacobian = np.zeros((3, base.model.nv))
        mujoco.mj_jacSubtreeCom(base.model, base.data, jacobian, 0)
        assert jacobian[2] @ base.data.qacc == pytest.approx(-9.81 * factor, rel=1e-6)


@pytest.mark.parametrize("name", playable(LANDERS))
def test_a_lander_falls_by_its_gravity(name: str) -> None:
    """With engines off and no wind, a step of 1/50 s speeds the center of mass up by gravity."""
    env = Family.load(name).make_default()
    base: Any = env.base
    off: Any = 0 if isinstance(env.action_space, gym.spaces.Discrete) else np.zeros(2, np.float32)
    for gravity in (-11.0, -4.0):
        env.reset(seed=0, options={"context": {"gravity": gravity, "wind_power": 0, "turbulence_power": 0}})
        bodies = [base.lander, *base.legs]
        mass = sum(body.mass for body in bodies)
        before = sum(body.mass * body.linearVelocity.y for body in bodies) / mass
        env.step(off)
        after = sum(body.mass * body.linearVelocity.y for body in bodies) / mass
        assert after - before == pytest.approx(gravity / 50, rel=1e-3)


@pytest.mark.parametrize("name", playable(LANDERS))
def test_a_landers_gravity_reaches_its_world_in_mid_episode(name: str) -> None:
    """An attribute of the environment that a reset reads would not."""
    env = Family.load(name).make_default()
    env.reset(seed=0)
    env.apply({**env.context, "gravity": -5.0})
    assert env.base.world.gravity[1] == pytest.approx(-5.0)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", playable(["lunar-lander"]))
@pytest.mark.parametrize("gravity", [-12.0, 0.0, 1.0])
def test_a_gravity_that_the_base_refuses_is_refused(name: str, gravity: float) -> None:
    env = Family.load(name).make_default()
    with pytest.raises(UserError, match=f"physics gravity: {gravity:g}; LunarLander takes some between -12"):
        env.reset(options={"context": {"gravity": gravity}})


@pytest.mark.parametrize("name", playable(["hopper-dynamics"]))
@pytest.mark.parametrize(
    ("physics", "value", "says"),
    [
        ("mass.tors", 1.5, "the model has no body 'tors'; did you mean 'torso'"),
        ("gear.engine", 1.5, "the model has no joint 'engine'"),
        ("length.torso", 1.5, "physics length.torso: only a last body of one capsule or cylinder"),
        ("mass", -1.0, "physics mass: factor -1; it must be above 0"),
        ("friction", -0.1, "physics friction: factor -0.1; it may not be below 0"),
    ],
)
def test_wrong_physics_are_refused(name: str, physics: str, value: float, says: str) -> None:
    base = Family.load(name).recipe.base
    family = family_of(base, {"this": feature(physics=physics)})
    with pytest.raises(UserError, match=says):
        family.make_default().reset(options={"context": {"this": value}})


@pytest.mark.parametrize("name", playable(["hopper-dynamics"]))
def test_the_other_quantities(name: str) -> None:
    """Damping and gear, of all and of one; lengths of cylinders and capsules of any body."""
    base = Family.load(name).recipe.base
    quantities = [
        "damping",
        "damping.leg_joint",
        "gear",
        "gear.leg_joint",
        "friction.foot_geom",
        "length.foot",
    ]
    family = family_of(base, {f"f{i}": feature(physics=each) for i, each in enumerate(quantities)})
    env = family.make_default()
    model: Any = env.base.model  # type: ignore[attr-defined]
    mujoco_names = [model.joint(i).name for i in range(model.njnt)]
    leg, foot = mujoco_names.index("leg_joint"), model.geom("foot_geom").id
    before = [each.copy() for each in (model.dof_damping, model.actuator_gear, model.geom_friction)]
    env.reset(options={"context": {"f0": 2.0, "f1": 1.5, "f2": 0.5, "f3": 1.5, "f4": 0.5, "f5": 2.0}})
    damping, gear, friction = before[0] * 2.0, before[1] * 0.5, before[2]
    damping[leg] *= 1.5
    gear[model.actuator_trnid[:, 0] == leg] *= 1.5
    friction[foot] *= 0.5
    for found, expected in zip(
        (model.dof_damping, model.actuator_gear, model.geom_friction), (damping, gear, friction), strict=True
    ):
        np.testing.assert_array_equal(found, expected)

    def change(spec: Any) -> None:
        geom = spec.body("foot").geoms[0]
        geom.mass = float(model.body("foot").mass[0])
        geom.pos, geom.size = np.array(geom.pos) * 2.0, np.array(geom.size) * [1.0, 2.0, 1.0]
        geom.friction = np.array(geom.friction) * [0.5, 0.5, 0.5]

    assert_compiled(env, change)


@pytest.mark.parametrize("name", playable(SIMULATED))
def test_a_changed_task_is_applied_in_mid_episode(name: str) -> None:
    """`check` relies on it: same state, same action, another context, another transition or reward."""
    family = Family.load(name)
    tasks = family.tasks("train")
    outcomes = []
    for task in (tasks[0], tasks[1]):
        env = family.make_default()
        env.reset(seed=2, options={"context": tasks[0]})
        env.apply(task)
        env.action_space.seed(2)
        steps = [env.step(env.action_space.sample()) for _ in range(20)]
        outcomes.append([np.append(seen["obs"], float(reward)) for seen, reward, *_ in steps])
    assert any((one != other).any() for one, other in itertools.zip_longest(*outcomes))


@pytest.mark.parametrize("name", playable(["hopper-dynamics"]))
def test_what_a_reset_writes_into_the_model_stays(name: str) -> None:
    """In mid-episode a new context changes what it names, and what follows from that, alone."""
    base = Family.load(name).recipe.base.replace("Hopper-v5", "tests.tasks.faulty:hyperrl-tests/Drawing-v0")
    family = family_of(
        base, {"torso": feature(physics="mass.torso"), "length": feature(physics="length.foot")}
    )
    check_family(family)
    env = family.make_default()
    env.reset(seed=3)
    model: Any = env.base.model  # type: ignore[attr-defined]
    drawn = {each: getattr(model, each).copy() for each in ("body_pos", "geom_friction", "geom_size")}
    masses = model.body_mass.copy()
    env.apply({"torso": 1.5, "length": 1.2})
    torso, foot = model.body("torso").id, model.body("foot").geomadr[0]
    heavier = masses.copy()
    heavier[torso] *= 1.5
    drawn["geom_size"][foot, 1] *= 1.2
    np.testing.assert_array_equal(model.body_mass, heavier)
    for each, value in drawn.items():
        np.testing.assert_array_equal(getattr(model, each), value, err_msg=each)
    assert env.find_undone() is None
    env.apply(dict(family.space.default))
    np.testing.assert_array_equal(model.body_mass, masses)
    np.testing.assert_array_equal(model.geom_friction, drawn["geom_friction"])


@pytest.mark.parametrize("name", playable(["half-cheetah-velocity"]))
def test_the_family_of_the_page(name: str) -> None:
    page = ROOT / "docs/your-own-family.md"
    (text,) = (block.text for block in blocks(page) if block.text.startswith("# sluggish.yaml"))
    family = Family(parse_family({"name": "sluggish", **parse_yaml(text, "page")}, "page"))
    assert len(check_family(family)) == 5
    env = family.make_default()
    torso: Any = env.base.model.body("torso")  # type: ignore[attr-defined]
    assert float(torso.mass[0]) == pytest.approx(6.25, abs=0.01)
    env.close()


@pytest.mark.parametrize("name", playable(["inverted-pendulum"]))
def test_a_longer_pole_is_drawn_longer(name: str) -> None:
    env = Family.load(name).make(render_mode="rgb_array")
    yellow = []
    for length in (0.5, 2.0):
        env.reset(seed=0, options={"context": {"length": length}})
        picture = np.asarray(env.render(), int)
        yellow.append((picture[..., 2] - picture[..., 0] > 40).sum())
    env.close()
    assert yellow[1] > 1.5 * yellow[0]
