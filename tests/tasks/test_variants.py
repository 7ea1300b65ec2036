"""Features that choose a constructor's argument: an environment for each value, one at a time."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from hyperrl.errors import UserError
from hyperrl.recipes import parse_family
from hyperrl.tasks import Family, check_family, contextualize

LEVELS = {"about": "level", "default": 0, "train": [0, 2], "values": [0, 1, 2], "encoding": "categorical"}
LEVEL = {**LEVELS, "argument": "level", "choices": ["low", "middle", "high"], "at": "reset"}
MASS = {"about": "mass", "default": 1, "train": [0.5, 2], "physics": "mass"}
SPLITS = {
    "train": {"list": [{"level": 0}, {"level": 2}]},
    **{name: [] for name in ("validation", "interpolation", "extrapolation")},
}
MADE: list[str] = []


class Levels(gym.Env[Any, Any]):
    """Climbs by as much as its level says; the wide one sees two numbers."""

    action_space = gym.spaces.Box(-1, 1, (1,))

    def __init__(self, level: str = "low", render_mode: str | None = None) -> None:
        MADE.append(level)
        self.pull = np.array([0.0, 1.0])
        self.speed = {"low": 1.0, "middle": 2.0, "high": 3.0, "wide": 1.0}[level]
        self.render_mode = render_mode
        self.observation_space = gym.spaces.Box(-np.inf, np.inf, (2 if level == "wide" else 1,))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.height = 0.0
        return np.zeros(1, np.float32), {}

    def step(self, action: Any) -> Any:
        self.height += self.speed - 0.1 * float(self.pull[-1])
        return np.array([self.height], np.float32), 0.0, False, False, {}


gym.register("hyperrl-tests/levels-v0", entry_point=f"{__name__}:Levels", max_episode_steps=10)


def levels(level: dict[str, Any] = LEVEL, **more: Any) -> Family:
    data: dict[str, Any] = {"name": "mine", "about": "mine", "base": "hyperrl-tests/levels-v0"}
    return Family(parse_family({**data, "features": {"level": level}, "splits": SPLITS, **more}, "test"))


def test_each_value_plays_its_environment_and_each_is_made_once() -> None:
    MADE.clear()
    env = levels().make_default()
    assert MADE == ["low"]
    for level, speed in ((2, 3.0), (0, 1.0), (2, 3.0)):
        env.reset(options={"context": {"level": level}})
        assert env.step(np.zeros(1, np.float32))[0]["obs"][0] == pytest.approx(speed - 0.1)
        assert env.base is env.env.unwrapped
    assert MADE == ["low", "high"]
    env.close()
    assert len(check_family(levels())) == 2


def test_an_environment_without_an_id_is_given_the_argument() -> None:
    splits = {"train": {"list": [{"level": 1}]}, **{name: [] for name in list(SPLITS)[1:]}}
    family = contextualize(Levels, {"level": LEVEL}, splits=splits, max_steps=5)
    env = family.make()
    env.reset(seed=0)
    assert env.base.speed == 2.0  # type: ignore[attr-defined]


def test_an_index_counts_from_the_end() -> None:
    pull = {"about": "pull", "default": 1.0, "train": [0, 4], "attribute": "pull.-1"}
    env = levels(features={"level": LEVEL, "pull": pull}, splits={}).make_default()
    env.reset(options={"context": {"level": 1, "pull": 4}})
    assert env.step(np.zeros(1, np.float32))[0]["obs"][0] == pytest.approx(2.0 - 0.4)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"at": "step"}, "features.level.at: found \"step\"; allowed: reset with 'argument'"),
        ({"values": None, "encoding": "linear", "choices": None}, "found no 'values'"),
        ({"choices": ["low"]}, "as many as 'values', with 'argument'"),
        ({"argument": None, "attribute": "speed"}, "as many as 'values', with 'argument'"),
        ({"scales": "action"}, "found beside argument; allowed: one of them"),
        ({"argument": "no-name"}, "the name of a Python attribute"),
    ],
)
def test_a_choice_written_wrong(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError) as told:
        levels({**LEVEL, **changed})
    assert says in str(told.value)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"kwargs": {"level": "low"}}, "not what 'kwargs' gives already (level)"),
        ({"features": {"level": LEVEL, "other": LEVEL}}, "argument level is carried by feature 'level' too"),
        (
            {"features": {"level": LEVEL, "m": MASS}},
            "found beside a feature with 'argument'; allowed: one simulator alone",
        ),
    ],
)  # fmt: skip
def test_a_choice_beside_what_it_cannot_stand(more: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError) as told:
        levels(**{"splits": {}, **more})
    assert says in str(told.value)


def test_environments_of_other_spaces_are_refused() -> None:
    env = levels({**LEVEL, "choices": ["low", "middle", "wide"]}).make_default()
    with pytest.raises(UserError, match="with level=wide: its observation_space is Box"):
        env.reset(options={"context": {"level": 2}})
    with pytest.raises(UserError, match=r"level is 1\.5; a categorical feature"):
        env.reset(options={"context": {"level": 1.5}})
    linear = levels({**LEVEL, "encoding": "linear"}).make_default()
    with pytest.raises(UserError, match=r"context: level is 1\.5; its values: 0, 1, 2"):
        linear.reset(options={"context": {"level": 1.5}})
    wrong = levels({**LEVEL, "argument": "lvl"})
    with pytest.raises(UserError, match=r"cannot be made: .*lvl"):
        wrong.make_default()
