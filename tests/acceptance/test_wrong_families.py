"""`check` on families made wrong: what their simulator alone tells, and splits that are no proof."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from hyperrl.recipes import EXTRAS, is_missing
from tests.acceptance.driving import refused


def of(
    base: str, name: str, *, family: dict[str, Any] | None = None, extra: str | None = None, **carrier: Any
) -> Any:
    """A family with one feature and more fields; skipped without the extra that its base needs."""
    feature = {"about": "a feature", "default": 1.0, "train": [0.5, 2.0], **carrier}
    data = {"about": "mine", "base": base, "features": {name: feature}, **(family or {})}
    reason = f"needs the extra: pip install 'hyperrl[{extra}]'"
    return pytest.param(
        data if extra is None else {**data, "extra": extra},
        marks=pytest.mark.skipif(is_missing(extra), reason=reason),
    )


def case(family: Any, identity: str, *says: str) -> Any:
    return pytest.param(*family.values, says, id=identity, marks=family.marks)


def derived(target: str, rule: str) -> dict[str, Any]:
    return {"derived": {target: {rule: ["masspole", "masscart"]}}}


def options(base: str, name: str, options: dict[str, float], **carrier: Any) -> Any:
    """A family that hands options to resets when it is evaluated."""
    return of(base, name, family={"evaluation": {"options": options}}, **carrier)


def split(name: str, part: Any, **others: Any) -> Any:
    """A pendulum's family with a split of its own."""
    reach: dict[str, Any] = {"default": 10, "train": [5, 15], "extrapolation": [1, 20]}
    return of("Pendulum-v1", "g", family={"splits": {**others, name: part}}, **reach)


SAMPLED = 9.0995
FAULTY = "tests.tasks.faulty:hyperrl-tests/Faulty-v0"
CONFIGURED = "tests.tasks.faulty:hyperrl-tests/Configured-v0"
RELOADING = "tests.tasks.faulty:hyperrl-tests/Reloading-v0"
LANDER: dict[str, Any] = {"extra": "box2d", "train": [-11, -4], "default": -10}
DEAD = "changes neither transition nor reward: it is not read, or not reached in "
CASES = [
    case(of("Acrobot-v1", "LINK_LENGTH_2"), "a dead feature", "feature 'LINK_LENGTH_2'", DEAD),
    case(
        of("CartPole-v1", "masscart"),
        "a mass of the cart alone",
        "'masscart'",
        "'total_mass' stale",
        "'derived'",
    ),
    case(of("CartPole-v1", "masspole"), "a mass of the pole alone", "'masspole'", "leaves 'total_mass' and"),
    case(of("CartPole-v1", "length"), "a length alone", "'length'", "leaves 'polemass_length' stale"),
    case(
        of("gymnasium:CartPole-v1", "masspole", family={"kwargs": {"sutton_barto_reward": True}}),
        "a mass of the pole alone, by another id",
        "leaves 'total_mass' and 'polemass_length' stale",
        "list what it computes under 'derived'",
    ),
    case(
        of("CartPole-v1", "masspole", family=derived("total_mass", "sum")),
        "half of what the constructor computes",
        "'masspole'",
        "leaves 'polemass_length' stale",
    ),
    case(
        of(
            "CartPole-v1",
            "masscart",
            family={"derived": {"total_mass": {"product": ["masspole", "masscart"]}}},
        ),
        "a rule that is not the constructor's",
        "derived.total_mass: found a rule that gives 0.1",
        "allowed: one that gives 1.1",
    ),
    case(
        of("CartPole-v1", "masscart", family=derived("mass", "sum")),
        "a rule for an attribute that is not there",
        "'mass', which CartPoleEnv lacks; did you mean 'masspole'",
    ),
    case(of(FAULTY, "doubled"), "a constructor of somebody else's", "'doubled'", "leaves 'twice' stale"),
    case(
        of("Acrobot-v1", "LINK_LENGTH_2", family={"name": "arm"}),
        "a file that calls its family otherwise",
        "error: mine.yaml: feature",
    ),
    case(
        of("Pendulum-v1", "initial_angle_max"),
        "the start's angles, all positive",
        "'initial_angle_max', which PendulumEnv lacks",
    ),
    case(
        of("Pendulum-v1", "gravity"), "an attribute that nothing reads", "'gravity', which PendulumEnv lacks"
    ),
    case(
        of("MountainCarContinuous-v0", "gravity"),
        "a literal in the base's code",
        "'gravity', which Continuous_MountainCarEnv lacks",
    ),
    case(
        of("CartPole-v1", "sign", scales="action"),
        "an action that cannot be scaled",
        "an action of Discrete(2)",
    ),
    case(of("Pendulum-v1", "sign", scales="action.1"), "an action that is not there", "has entries 0 to 0"),
    case(of("Pendulum-v1", "mass", physics="mass"), "physics without a simulator", "PendulumEnv has neither"),
    case(of("Pendulum-v1", "speed", reward="velocity"), "a reward without velocities", "needs 'x_velocity'"),
    case(
        of("LunarLander-v3", "wind_power", extra="box2d", train=[0, 15]),
        "wind that does not blow",
        "feature 'wind_power'",
        DEAD,
    ),
    case(
        of("LunarLander-v3", "gravity", **LANDER),
        "a gravity of resets alone",
        "feature 'gravity'",
        "changes the start state alone",
    ),
    case(
        of("LunarLander-v3", "g", physics="gravity", extrapolation=[-12, -1], **LANDER),
        "a range that the base refuses",
        "feature 'g' at -12",
        "between -12 and 0",
    ),
    case(
        of("LunarLander-v3", "m", physics="mass", extra="box2d"), "a quantity of others", "has gravity alone"
    ),
    case(
        of("Hopper-v5", "m", physics="mass.trso", extra="mujoco"),
        "a body that is not there",
        "no body 'trso'; did you mean 'torso'",
    ),
    case(
        of("InvertedPendulum-v5", "f", physics="friction", extra="mujoco"),
        "friction where nothing touches",
        "feature 'f' (physics friction)",
        "no two geoms of the model can touch",
    ),
    case(
        of("Hopper-v5", "m", physics="mass", extra="mujoco", extrapolation=[0, 3]),
        "no mass at all",
        "feature 'm' at 0",
        "must be above 0",
    ),
    case(
        of("Pendulum-v1", "l", extrapolation=[0, 2]),
        "a pendulum of no length",
        "feature 'l' at 0",
        "ZeroDivisionError",
    ),
    case(
        of("hyperrl-base/double-integrator-v0", "mass", extrapolation=[0, 2]),
        "a division by zero that ends in numbers",
        "feature 'mass' at 0",
        "divide by zero",
    ),
    case(
        of("LunarLander-v3", "gravity", at="reset", extrapolation=[-12, -1], **LANDER),
        "a range that the base's constructor alone refuses",
        "feature 'gravity' (attribute 'gravity') at -12: the base's constructor refuses it",
        "must be between -12 and 0",
    ),
    case(
        of(
            "LunarLander-v3",
            "g",
            argument="gravity",
            at="reset",
            extra="box2d",
            train=[-12, -4],
            default=-10,
            values=[-12, -10, -4],
            family={"splits": {"train": {"list": [{"g": -10}]}, "validation": [], "interpolation": []}},
        ),
        "an argument that the constructor refuses",
        "feature 'g' at -12",
        "must be between -12 and 0",
    ),
    case(
        of(
            "LunarLander-v3",
            "wind_power",
            extra="box2d",
            train=[0, 15],
            family={"kwargs": {"enable_wind": True, "gravity": 0}},
        ),
        "arguments that the constructor refuses",
        "base 'LunarLander-v3' cannot be made",
        "must be between -12 and 0",
    ),
    case(
        of(FAULTY, "bounded"),
        "a constructor of somebody else's that refuses",
        "at 2:",
        "bounded must be below 2",
    ),
    case(
        of(CONFIGURED, "b", attribute="config.bounded"),
        "an entry of a dictionary that the constructor refuses",
        "feature 'b' (attribute 'config.bounded') at 2: the base's constructor refuses it",
        "bounded must be below 2",
    ),
    case(
        of(CONFIGURED, "d", attribute="config.arm.doubled"),
        "an entry of a dictionary of which the constructor computes",
        "feature 'd' (attribute 'config.arm.doubled') leaves 'twice' stale",
        "list what it computes under 'derived'",
    ),
    case(
        of("Hopper-v5", "m", attribute="model.body_mass.1", extra="mujoco"),
        "a mass without its inertia and constants",
        "feature 'm' (attribute 'model.body_mass.1') leaves stale what MuJoCo computes from it",
        "allowed: 'physics'",
    ),
    case(
        of(
            "Hopper-v5",
            "s",
            attribute="model.geom_size.1.0",
            extra="mujoco",
            default=0.05,
            train=[0.04, 0.06],
        ),
        "a size without its constants",
        "leaves stale what MuJoCo computes from it",
    ),
    case(of(FAULTY, "reverts"), "a reset that restores", "'reverts'", "does not survive a reset"),
    case(
        of(RELOADING, "m", physics="mass", extra="mujoco"),
        "a reset that restores the simulator",
        "feature 'm' (physics mass) does not survive a reset",
    ),
    case(of(FAULTY, "leaks"), "a task that leaks into the next", "'leaks'", "transitions do not come back"),
    case(of(FAULTY, "random"), "a base that no seed holds", "one seed gives the base environment different"),
    case(of(FAULTY, "told"), "an observation that tells", "'told'", "stands in the observation: obs[1]"),
    case(
        of(FAULTY, "bearing", default=0.0, train=[0, 6.283185307179586], encoding="circle"),
        "an observation that tells an angle's sine",
        "stands in the observation: obs[2]",
    ),
    case(
        of("HalfCheetah-v5", "d", reward="direction", extra="mujoco"),
        "a direction on a line",
        "feature 'd'",
        "needs 'y_velocity'",
    ),
    case(
        options("hyperrl-base/ode-v0", "c0", {"y": 1}),
        "a reset option of another name",
        "mine.yaml: evaluation.options.y: found an option that OdeEnv never asks for; allowed: x",
    ),
    case(
        options("Pendulum-v1", "l", {"x_init": 1, "z_init": 1}),
        "a reset option beside one that is right",
        "evaluation.options.z_init: found an option that PendulumEnv never asks for; allowed: x_init, y_init",
    ),
    case(
        options(FAULTY, "good", {"x": 1}),
        "a reset option of a base that has none",
        "evaluation.options.x: found an option that Faulty never asks for; allowed: none",
    ),
    case(
        options("hyperrl-base/ode-v0", "c0", {"x": 100}),
        "a reset option out of range",
        "mine.yaml: evaluation.options x=100: reset option 'x' is 100.0; a number in [-20, 20] is allowed",
    ),
    case(
        options("CartPole-v1", "gravity", {"low": 1}, default=10, train=[5, 15]),
        "a reset option that the base refuses",
        "evaluation.options low=1: the base environment failed: ValueError: Lower bound (1.0) must be lower",
    ),
    case(
        split("interpolation", {"list": [{"g": 5}, {"g": 12}]}, train={"list": [{"g": 5}]}),
        "an evaluation task that was trained on",
        "mine.yaml: splits.interpolation.0.list.0",
        "a task of train already; allowed: each task once",
    ),
    case(
        split("extrapolation", {"list": [{"g": 17}]}, validation={"list": [{"g": 17}]}),
        "a task to choose by that is outside",
        "splits.validation.0.list.0",
        "allowed: inside the training ranges",
    ),
    case(
        split("interpolation", {"list": [{"g": SAMPLED}]}),
        "a task that was sampled for training",
        "mine.yaml: split 'interpolation' lists g=",
        "a task of an earlier split; splits may not overlap",
    ),
    case(
        split("interpolation", {"grid": {"g": [10, 17]}}),
        "an interpolation that reaches outside",
        "splits.interpolation.0.grid",
        "allowed: inside the training ranges",
    ),
    case(
        split("extrapolation", {"grid": {"g": [10, 17]}}),
        "an extrapolation that lies inside",
        "splits.extrapolation.0.grid",
        "allowed: a feature outside its training range",
    ),
    case(
        split("train", {"list": [{"g": 17}]}),
        "training outside the training range",
        "splits.train.0.list.0",
        "allowed: inside the training ranges",
    ),
    case(
        split("interpolation", {"list": [{"g": 10}]}, train={"list": [{"g": 10.0}, {"g": 10}]}),
        "a task trained on twice",
        "splits.train.0.list.1",
        "a task of train already",
    ),
    case(
        of(
            "Pendulum-v1",
            "g",
            default=0,
            train=[0, 6.283185307179586],
            encoding="circle",
            family={
                "splits": {
                    "train": {"list": [{"g": 0}]},
                    "interpolation": {"list": [{"g": 6.283185307179586}]},
                }
            },
        ),
        "an angle and its full turn",
        "splits.interpolation.0.list.0",
        "a task of train already",
    ),
]


@pytest.mark.parametrize(("family", "says"), CASES)
def test_a_family_made_wrong(family: dict[str, Any], says: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(family))
    refused("check", "mine.yaml", cwd=tmp_path, says=says)


def test_a_simulator_that_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line names the extra; what needs no simulator still answers."""
    from hyperrl.cli import main

    for extra in EXTRAS:
        monkeypatch.setitem(EXTRAS, extra, "no_such_simulator")
    for command in (["check", "ant-density"], ["check", "ode", "hopper-dynamics"]):
        assert main(command) == 2
        told = capsys.readouterr()
        assert told.err.count("\n") == 1
        assert told.err.endswith("needs an extra: pip install 'hyperrl[mujoco]'\n")
    assert main(["check", "lunar-lander"]) == 2
    assert "pip install 'hyperrl[box2d]'" in capsys.readouterr().err
    assert main(["describe", "ant-density"]) == 0
    shown = capsys.readouterr().out
    assert "pip install 'hyperrl[mujoco]'" in shown
    assert "density of all bodies; physics mass" in shown
    assert main(["list", "envs"]) == 0
    assert "ant-density" in capsys.readouterr().out
