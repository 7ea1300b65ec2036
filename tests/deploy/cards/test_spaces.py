"""Inputs and outputs in words, and examples that the spaces hold."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces

from hyperrl.deploy.cards.spaces import Tensor, example, inputs, masks, output
from hyperrl.tasks import Family, contextualize
from tests.masked import masked_family


class Custom(gym.Env[Any, Any]):
    def __init__(self, seen: spaces.Space[Any], done: spaces.Space[Any]) -> None:
        self.observation_space, self.action_space, self.gravity = seen, done, 1.0


def family(seen: spaces.Space[Any], done: spaces.Space[Any]) -> Family:
    return contextualize(lambda: Custom(seen, done), features={"gravity": {"train": [0.5, 2.0]}})


BOX = spaces.Box(np.array([-1.0, -3.0], np.float32), np.array([2.0, 0.5], np.float32))
IMAGE = spaces.Box(0, 255, (36, 36, 3), np.uint8)


@pytest.mark.parametrize(
    ("space", "shape", "dtype", "values"),
    [
        (spaces.Box(-np.inf, np.inf, (3,), np.float64), (3,), "float64", "numbers"),
        (spaces.Box(-1, 1, (2, 2), np.float32), (2, 2), "float32", "-1 to 1"),
        (BOX, (2,), "float32", "in order: -1 to 2, -3 to 0.5"),
        (IMAGE, (36, 36, 3), "uint8", "an image, channels last"),
        (spaces.Discrete(4, start=2), (), "int64", "2 to 5"),
        (spaces.MultiDiscrete([2, 3], start=[1, 0]), (2,), "int64", "1 to 2, 0 to 2"),
        (spaces.MultiBinary(3), (3,), "int8", "0 or 1"),
        (spaces.Box(np.zeros(20, np.float32), np.arange(20, dtype=np.float32)), (20,), "float32",
         "between 0 and 19"),
    ],
    ids=str,
)  # fmt: skip
def test_an_input(space: spaces.Space[Any], shape: tuple[int, ...], dtype: str, values: str) -> None:
    (part,) = inputs(family(space, BOX))
    assert (part.name, part.shape, part.dtype, part.values) == ("obs", shape, dtype, values)
    found = eval(part.example(), {"np": np})
    assert (np.shape(found), found.dtype) == (shape, np.dtype(dtype))
    if not isinstance(space, spaces.Box) or (space.low <= 0).all():
        assert space.contains(found if shape else int(found))
    assert np.shape(eval(part.example(batch=True), {"np": np})) == (1, *shape)


def test_several_inputs_are_a_dictionary() -> None:
    parts = inputs(family(spaces.Dict(place=BOX, tile=spaces.Discrete(4, start=1)), BOX))
    found = eval(example(parts), {"np": np})
    assert {name: np.shape(value) for name, value in found.items()} == {"place": (2,), "tile": ()}
    assert found["tile"] == 1
    assert example([parts[0]]).startswith("{'place'")


@pytest.mark.parametrize(
    ("space", "dtype", "values"),
    [
        (spaces.Box(-1, 1, (2,), np.float64), "float32", "-1 to 1"),
        (spaces.Discrete(3, start=-1), "int64", "-1 to 1"),
        (spaces.MultiBinary(2), "int64", "0 or 1"),
    ],
    ids=str,
)
def test_an_output(space: spaces.Space[Any], dtype: str, values: str) -> None:
    action = output(family(BOX, space))
    assert (action.name, action.dtype, action.values) == ("action", dtype, values)


def test_masks_have_an_entry_for_each_choice() -> None:
    assert masks(masked_family("multi-discrete")) == Tensor(
        "action_masks", (5,), "bool", "true for each choice that is valid; may be left out"
    )
