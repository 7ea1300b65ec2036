"""Features that choose a constructor's argument: an environment for each value, one at a time."""

import numpy as np
import pytest

from hyperrl.errors import UserError
from hyperrl.tasks import check_family
from tests.tasks.bases import LEVEL, MADE, levels


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


def test_an_index_counts_from_the_end() -> None:
    pull = {"about": "pull", "default": 1.0, "train": [0, 4], "attribute": "pull.-1"}
    env = levels(features={"level": LEVEL, "pull": pull}, splits={}).make_default()
    env.reset(options={"context": {"level": 1, "pull": 4}})
    assert env.step(np.zeros(1, np.float32))[0]["obs"][0] == pytest.approx(2.0 - 0.4)


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
