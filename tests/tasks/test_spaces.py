"""The gate: which spaces of a base environment are refused, and by what line."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces

from hyperrl.errors import UserError
from hyperrl.tasks import contextualize
from hyperrl.tasks.spaces import RESERVED_KEYS, choices_of, draw_valid, is_valid, refuse_spaces, zero_based
from tests.fuzz.worlds import ACTED, NOT_ACTED, NOT_OBSERVED, OBSERVED

BOX, PUSH = spaces.Box(-1, 1, (2,), np.float32), spaces.Discrete(2)
SAID = {
    "dotted": "observation_space has the key 'arm.x'; allowed: keys without a dot",
    "taken": "observation_space has the key 'update'; allowed: keys",
    "nested": r"observation_space\['a'\] is Dict\('b'.*; allowed: Box, Discrete, MultiBinary, MultiDiscrete",
    "long double": r"observation_space is .*, of float128; allowed: numbers of at most 8 bytes",
    "swapped": r"observation_space is .*, of >f4; allowed: numbers in this machine's byte order",
    "nothing": r"observation_space is Dict\(\); allowed: at least one key",
    "several matrix": "observation_space is .*; allowed: .*MultiDiscrete of one axis",
    "empty": r"observation_space is .*, of shape \(0,\); allowed: at least one axis and one number",
    "number": r"observation_space is .*, of shape \(\); allowed: at least one axis and one number",
}
NOT_SAID = {"context", "missing"}


@pytest.mark.parametrize("name", sorted(NOT_OBSERVED.keys() - NOT_SAID))
def test_an_observation_of_another_kind_is_refused(name: str) -> None:
    """In one line that names the space and what is allowed."""
    says = SAID.get(name, "observation_space is .*; allowed: Box, .*'observe' .*'flatten: true'")
    with pytest.raises(UserError, match=f"^the base environment's {says}") as told:
        refuse_spaces(NOT_OBSERVED[name], PUSH)
    assert len(str(told.value)) < 450


@pytest.mark.parametrize("name", sorted(NOT_ACTED.keys() - NOT_SAID))
def test_an_action_of_another_kind_is_refused(name: str) -> None:
    says = {
        "unbounded": r"Box\(-inf, 1.0, .*; allowed: bounds that are finite",
        "immense": r"Box\(.*; allowed: bounds that are finite",
        "narrow": r"Box\(.*; allowed: each number's low below its high",
        "whole box": r"Box\(-1, 3, .*, of int64; allowed: Box of real numbers",
    }.get(name, "; allowed: ")
    with pytest.raises(UserError, match=f"^the base environment's action_space is .*{says}") as told:
        refuse_spaces(BOX, NOT_ACTED[name])
    assert len(str(told.value)) < 450


def test_what_is_allowed_passes_and_is_counted_from_0() -> None:
    for seen in OBSERVED.values():
        refuse_spaces(seen, PUSH)
    for done in ACTED.values():
        refuse_spaces(BOX, done)
    assert zero_based(BOX) is BOX
    assert zero_based(spaces.Discrete(3, start=-4)) == spaces.Discrete(3)
    several = spaces.MultiDiscrete([3, 2], start=np.array([1, -7]))
    assert zero_based(spaces.Dict(a=several, b=BOX)) == spaces.Dict(a=spaces.MultiDiscrete([3, 2]), b=BOX)


@pytest.mark.parametrize("missing", ["observation_space", "action_space"])
def test_an_environment_without_a_space_is_refused(missing: str) -> None:
    class Bare(gym.Env[Any, Any]):
        def __init__(self) -> None:
            self.gain = 1.0
            for name, space in {"observation_space": BOX, "action_space": PUSH}.items():
                if name != missing:
                    setattr(self, name, space)

    with pytest.raises(UserError, match=f"{missing} is None; allowed: "):
        contextualize(Bare, {"gain": {"train": [0.5, 2.0]}})


def test_taken_keys_are_those_that_torch_takes() -> None:
    held = {name for name in dir(torch.nn.ModuleDict()) if not name.startswith("_")}
    assert held <= RESERVED_KEYS


@pytest.mark.parametrize(
    ("space", "sizes"),
    [
        (spaces.Discrete(4, start=3), (4,)),
        (spaces.MultiDiscrete([2, 3], start=[1, 0]), (2, 3)),
        (spaces.MultiBinary(3), (2, 2, 2)),
        (BOX, ()),
    ],
)
def test_a_mask_has_an_entry_for_each_choice(space: spaces.Space[Any], sizes: tuple[int, ...]) -> None:
    assert choices_of(space) == sizes


@pytest.mark.parametrize(
    ("space", "mask", "valid"),
    [
        (spaces.Discrete(4), [0, 1, 0, 1], [1, 3]),
        (spaces.MultiDiscrete([2, 3]), [1, 0, 1, 0, 1], [[0, 0], [0, 2]]),
        (spaces.MultiBinary(2), [1, 0, 1, 1], [[0, 0], [0, 1]]),
    ],
)
def test_valid_actions_are_drawn_and_known(space: spaces.Space[Any], mask: list[int], valid: Any) -> None:
    rng, masked = np.random.default_rng(0), np.array(mask, np.bool_)
    drawn = [draw_valid(space, masked, rng) for _ in range(50)]
    assert all(space.contains(each) for each in drawn)
    np.testing.assert_array_equal(np.unique(drawn, axis=0), valid)
    space.seed(0)
    others = [each for each in (space.sample() for _ in range(50)) if not is_valid(space, masked, each)]
    assert others
    assert not any(np.array_equal(each, one) for each in others for one in valid)
    assert all(is_valid(space, masked, each) for each in drawn)
