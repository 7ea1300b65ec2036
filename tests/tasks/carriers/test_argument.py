"""Features that choose a keyword argument of the base environment."""

from typing import Any

import pytest

from hyperrl.errors import UserError
from hyperrl.tasks import contextualize
from tests.tasks.bases import LEVEL, SPLITS, Levels, counting, levels


@pytest.mark.parametrize(("values", "kind"), [([1, 2], int), ([0.5, 1.0], float)])
def test_an_argument_is_whole_where_all_its_values_are(values: list[float], kind: type) -> None:
    family = counting("", values, argument="size", at="reset")
    env = family.make_default()
    env.reset(options={"context": {"n": values[1]}})
    assert type(env.base.size) is kind  # type: ignore[attr-defined]


MASS = {"about": "mass", "default": 1, "train": [0.5, 2], "physics": "mass"}


def test_an_environment_without_an_id_is_given_the_argument() -> None:
    splits = {"train": {"list": [{"level": 1}]}, **{name: [] for name in list(SPLITS)[1:]}}
    family = contextualize(Levels, {"level": LEVEL}, splits=splits, max_steps=5)
    env = family.make()
    env.reset(seed=0)
    assert env.base.speed == 2.0  # type: ignore[attr-defined]


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
