"""A specialist acts in NumPy as the agent that it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hyperrl import load_specialist
from hyperrl.deploy import files
from hyperrl.deploy.actions import Action
from hyperrl.deploy.numpy_runtime import NumpyRuntime
from tests.deploy.cases import (
    MASKED,
    Example,
    assert_agrees,
    assert_masked,
    example,
    masked_example,
)


def test_as_tensors(every_case: Example, tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    path.write_bytes(files.safetensors_bytes(every_case.specialist))
    act = load_specialist(path)
    assert_agrees(every_case, act(every_case.observations))
    first = cut(every_case.observations, 0)
    np.testing.assert_allclose(act(first), every_case.actions[0], atol=1e-5)
    assert act(cut(every_case.observations, slice(0))).shape == (0, *every_case.actions.shape[1:])


def test_observations_of_another_shape() -> None:
    act = NumpyRuntime(example("ppo").specialist)
    (size,) = act.specialist.plan.inputs[0].shape
    allowed = rf"obs: found shape \(7,\); allowed: \({size},\), or \(n, {size}\) for n of them"
    with pytest.raises(ValueError, match=allowed):
        act(np.zeros(7))
    with pytest.raises(ValueError, match="lacks"):
        NumpyRuntime(example("ppo dictionary").specialist)({"place": np.zeros(4)})


def cut(observations: Any, rows: int | slice) -> Any:
    if isinstance(observations, dict):
        return {name: part[rows] for name, part in observations.items()}
    return observations[rows]


@pytest.mark.parametrize("name", MASKED)
def test_no_masked_choice_is_made(name: str, tmp_path: Path) -> None:
    made, masks, wanted = masked_example(name)
    path = tmp_path / "one.safetensors"
    path.write_bytes(files.safetensors_bytes(made.specialist))
    act = load_specialist(path)
    assert act.masked
    assert_masked(made, masks, wanted, act(made.observations, action_masks=masks))
    np.testing.assert_array_equal(act(made.observations[3], masks[3]), wanted[3])
    for_all = act(made.observations[:50], masks[0])
    np.testing.assert_array_equal(for_all, act(made.observations[:50], np.repeat(masks[:1], 50, axis=0)))
    everything = np.ones(masks.shape[1])
    np.testing.assert_array_equal(act(made.observations, everything), act(made.observations))


def test_a_masked_choice_is_not_made_whatever_the_outputs() -> None:
    action = Action(rule="argmax", shape=(), sizes=(3,), masked=True)
    outputs = np.array([[np.nan, 1, 2], [0, np.nan, -np.inf], [np.inf, -np.inf, -np.inf]], np.float32)
    masks = np.array([[0, 1, 1], [1, 1, 0], [0, 1, 0]], np.bool_)
    nothing: dict[str, Any] = {}
    choose = action.numpy(nothing.__getitem__)
    np.testing.assert_array_equal(choose(action.without(outputs, masks)), [2, 1, 1])


@pytest.mark.parametrize(
    ("name", "masks", "says"),
    [
        (
            "maskable ppo",
            np.ones(3),
            r"^action_masks: found shape \(3,\); allowed: \(4,\), an entry",
        ),
        (
            "maskable ppo",
            np.ones((2, 4)),
            r"found shape \(2, 4\); allowed: \(4,\), or \(3, 4\) for 3",
        ),
        ("maskable ppo", np.zeros(4), r"^action_masks: found no valid choice"),
        ("ppo discrete", np.ones(2), r"^action_masks: found some; allowed: none with the algorithm 'ppo'$"),
    ],
)
def test_other_masks_are_refused(name: str, masks: Any, says: str) -> None:
    case = example(name)
    with pytest.raises(ValueError, match=says):
        NumpyRuntime(case.specialist)(case.observations[:3], masks)
