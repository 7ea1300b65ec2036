"""Attributes that carry features: whole numbers stay whole, and what holds no number is refused."""

from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
import pytest

from hyperrl.errors import UserError
from hyperrl.recipes import parse_family
from hyperrl.tasks import Family, check_family, contextualize, paths


class Sizes(NamedTuple):
    """Two numbers, of which the second has a name."""

    high: int
    wide: int


class Counting(gym.Env[Any, Any]):
    """Holds numbers of every type; its steps need whole ones where it holds whole ones."""

    observation_space = gym.spaces.Box(-1e6, 1e6, (1,), np.float64)
    action_space = gym.spaces.Discrete(2)
    own, text = 1.0, "text"

    def __init__(self, render_mode: str | None = None, size: float = 1.0) -> None:
        self.plain, self.wide, self.byte = 1, np.int64(1), np.uint8(1)
        self.flag, self.truth, self.lone = True, np.bool_(True), np.array(1)
        self.loose, self.none = 1.0, None
        self.counts, self.goal, self.config = [1, 2], np.array([1, 2, 3, 4]), {"lanes": 1}
        self.pair, self.named = (1, 2), {"sizes": Sizes(1, 2)}
        self.size, self.render_mode = size, render_mode

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.x = 0
        return np.zeros(1), {}

    def step(self, action: int) -> Any:
        whole = (
            self.pair[0],
            self.named["sizes"].wide,
            self.plain,
            self.wide,
            self.byte,
            self.lone,
            self.counts[0],
            self.goal[0],
        )
        self.x += sum(len(range(each)) for each in whole) + len(range(self.config["lanes"]))
        assert self.flag in (0, 1)
        return np.array([self.x + self.flag + self.truth + self.size], np.float64), 0.0, False, False, {}


gym.register("hyperrl-tests/counting-v0", entry_point=f"{__name__}:Counting", max_episode_steps=10)


def counting(attribute: str, values: list[float], **feature: Any) -> Family:
    given = {
        "about": "x",
        "default": values[0],
        "train": [values[0], values[-1]],
        "values": values,
        **feature,
    }
    if "argument" not in feature:
        given["attribute"] = attribute
    data = {"name": "mine", "about": "x", "base": "hyperrl-tests/counting-v0", "features": {"n": given}}
    train = {"train": {"grid": {"n": values}}, "validation": [], "interpolation": [], "extrapolation": []}
    return Family(parse_family({**data, "splits": train}, "test"))


@pytest.mark.parametrize(
    ("attribute", "kind"),
    [
        ("plain", int),
        ("wide", np.int64),
        ("byte", np.uint8),
        ("lone", np.ndarray),
        ("counts.0", int),
        ("goal.0", np.int64),
        ("config.lanes", int),
        ("pair.0", int),
        ("named.sizes.-1", int),
    ],
)
def test_a_whole_number_of_any_type_stays_whole(attribute: str, kind: type) -> None:
    family = counting(attribute, [1, 3, 5])
    assert len(check_family(family)) == 2
    env = family.make_default()
    env.reset(options={"context": {"n": 3}})
    base: Any = env.base
    value = paths.read(base, attribute)
    assert type(value) is kind
    assert value == 3
    assert isinstance(base.named["sizes"], Sizes)


def test_a_count_without_whole_values_is_refused() -> None:
    data = {"name": "mine", "about": "x", "base": "hyperrl-tests/counting-v0"}
    feature = {"about": "x", "default": 1, "train": [1, 5], "attribute": "wide"}
    family = Family(parse_family({**data, "features": {"n": feature}}, "test"))
    with pytest.raises(UserError, match=r"'n' at 2.7284: .* TypeError: .*is a whole number; allowed: whole"):
        check_family(family)


@pytest.mark.parametrize(("attribute", "kind"), [("flag", bool), ("truth", np.bool_), ("loose", float)])
def test_other_types_are_kept_too(attribute: str, kind: type) -> None:
    env = counting(attribute, [0, 1]).make_default()
    env.reset(options={"context": {"n": 0}})
    assert type(getattr(env.base, attribute)) is kind
    assert env.undone() is None


def test_a_value_that_its_type_cannot_hold_is_refused() -> None:
    with pytest.raises(UserError, match=r"Counting.byte cannot be set to 300: "):
        counting("byte", [1, 300]).make_default().reset(options={"context": {"n": 300}})


@pytest.mark.parametrize(
    ("attribute", "says"),
    [
        ("goal", r"needs a number; 'goal' holds 4 entries; allowed: one of its entries, goal.0, .* \.\.\."),
        ("counts", r"'counts' holds 2 entries; allowed: one of its entries, counts.0, counts.1"),
        ("config", r"'config' holds 1 entry; allowed: one of its entries, config.lanes"),
        ("config.lane", "'config.lane', which Counting lacks; did you mean 'lanes'"),
        ("loos", "'loos', which Counting lacks; did you mean 'loose'"),
        ("x", "'x', which Counting lacks before a reset; allowed: 'at: start', which sets it after each"),
        ("text", "'text' holds text"),
        ("step", "'step' holds a function"),
        ("action_space", "'action_space' holds an object of type (Box|Discrete)$"),
    ],
)
def test_what_is_no_number_carries_no_feature(attribute: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        counting(attribute, [1, 3]).make_default()


@pytest.mark.parametrize(("values", "kind"), [([1, 2], int), ([0.5, 1.0], float)])
def test_an_argument_is_whole_where_all_its_values_are(values: list[float], kind: type) -> None:
    family = counting("", values, argument="size", at="reset")
    env = family.make_default()
    env.reset(options={"context": {"n": values[1]}})
    assert type(env.base.size) is kind  # type: ignore[attr-defined]


def test_a_truth_value_is_a_default() -> None:
    family = contextualize(Counting, {"flag": {"train": [0, 1], "values": [0, 1]}})
    assert family.space.default == {"flag": 1.0}
