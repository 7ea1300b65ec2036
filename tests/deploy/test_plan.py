"""The description in a file is all that is needed to act, as docs/deploying.md shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from hyperrl import UserError
from hyperrl.deploy import files
from hyperrl.deploy.numpy_runtime import NumpyRuntime
from hyperrl.deploy.sb3 import plain_model
from tests.deploy.cases import (
    IMAGES,
    MASKED,
    Example,
    assert_agrees,
    assert_masked,
    masked_example,
)
from tests.deploy.shifted import SPACES, shifted


def test_the_documented_function_acts_alike(every_case: Example, load_policy: Any, tmp_path: Path) -> None:
    import torch

    path = tmp_path / "one.safetensors"
    path.write_bytes(files.safetensors_bytes(every_case.specialist))
    act = load_policy(path)
    rows = {name: torch.as_tensor(part[:IMAGES]) for name, part in parts(every_case).items()}
    assert_agrees(every_case, act(rows).numpy(), slice(IMAGES))


@pytest.mark.parametrize("name", MASKED)
def test_the_documented_function_makes_no_masked_choice(name: str, load_policy: Any, tmp_path: Path) -> None:
    import torch

    made, masks, wanted = masked_example(name)
    path = tmp_path / "one.safetensors"
    path.write_bytes(files.safetensors_bytes(made.specialist))
    act, rows = load_policy(path), {name: torch.as_tensor(part) for name, part in parts(made).items()}
    assert_masked(made, masks, wanted, act(rows, torch.as_tensor(masks)).numpy())


@pytest.mark.parametrize("name", SPACES)
def test_all_that_acts_counts_as_the_base_does(name: str, load_policy: Any, tmp_path: Path) -> None:
    family, model, own, seen, wanted = shifted(name)
    assert all(SPACES[name][1].contains(each) for each in wanted)
    assert len(np.unique(wanted, axis=0)) > 1
    data = files.safetensors_bytes(own)
    np.testing.assert_array_equal(NumpyRuntime(files.read_safetensors(data, "here"))(seen), wanted)
    (tmp_path / "one.safetensors").write_bytes(data)
    parts = seen if isinstance(seen, dict) else {"obs": seen}
    act = load_policy(tmp_path / "one.safetensors")
    np.testing.assert_array_equal(act({key: torch.as_tensor(part) for key, part in parts.items()}), wanted)
    with pytest.raises(UserError, match="sb3 counts choices from 0"):
        plain_model(own, model, family)


def parts(every_case: Example) -> dict[str, NDArray[Any]]:
    seen = every_case.observations
    return dict(seen) if isinstance(seen, dict) else {every_case.specialist.plan.inputs[0].name: seen}
