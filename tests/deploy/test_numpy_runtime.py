"""A specialist acts in NumPy as the agent that it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hyperrl import load_specialist
from hyperrl.deploy import files
from hyperrl.deploy.numpy_runtime import NumpyRuntime
from tests.deploy.cases import (
    Example,
    assert_agrees,
    example,
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
    with pytest.raises(ValueError, match="found shape"):
        act(np.zeros(7))
    with pytest.raises(ValueError, match="lacks"):
        NumpyRuntime(example("ppo dictionary").specialist)({"place": np.zeros(4)})


def cut(observations: Any, rows: int | slice) -> Any:
    if isinstance(observations, dict):
        return {name: part[rows] for name, part in observations.items()}
    return observations[rows]
