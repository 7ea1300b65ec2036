"""`check` on families that are read without fault and whose simulator tells that they are wrong."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from hyperrl.recipes import EXTRAS, is_missing
from tests.acceptance.driving import refused, succeeded


def of(
    base: str, name: str, *, kwargs: dict[str, Any] | None = None, extra: str | None = None, **carrier: Any
) -> Any:
    """A family with one feature; skipped without the extra that its base needs."""
    feature = {"about": "a feature", "default": 1.0, "train": [0.5, 2.0], **carrier}
    data = {"about": "mine", "base": base, "kwargs": kwargs or {}, "features": {name: feature}}
    reason = f"needs the extra: pip install 'hyperrl[{extra}]'"
    return pytest.param(
        data if extra is None else {**data, "extra": extra},
        marks=pytest.mark.skipif(is_missing(extra), reason=reason),
    )


def case(family: Any, identity: str, *says: str) -> Any:
    return pytest.param(*family.values, says, id=identity, marks=family.marks)


LANDER: dict[str, Any] = {"extra": "box2d", "train": [-11, -4], "default": -10}
DEAD = (
    "changes neither transition nor reward; a feature that the environment's steps do not read is not allowed"
)
CASES = [
    case(of("Acrobot-v1", "LINK_LENGTH_2"), "a dead feature", "feature 'LINK_LENGTH_2'", DEAD),
    case(
        of("CartPole-v1", "masscart"),
        "a mass of the cart alone",
        "'masscart'",
        "'total_mass' stale",
        "'derived'",
    ),
    case(of("CartPole-v1", "masspole"), "a mass of the pole alone", "'masspole'", "'total_mass' stale"),
    case(of("CartPole-v1", "length"), "a length alone", "'length'", "leaves 'polemass_length' stale"),
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
        DEAD,
    ),
    case(
        of("Hopper-v5", "m", physics="mass", extra="mujoco", extrapolation=[0, 3]),
        "no mass at all",
        "feature 'm' at 0",
        "must be above 0",
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


def test_a_family_says_how_its_features_reach_the_simulator(tmp_path: Path) -> None:
    assert "; action.0" in succeeded("describe", "pendulum-actuator", cwd=tmp_path)
