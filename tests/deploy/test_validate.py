"""What a file claims is checked before memory is taken for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hyperrl import UserError, load_specialist
from hyperrl.deploy import files
from hyperrl.deploy.validate import LARGEST
from tests.deploy.cases import (
    assert_refused,
    bytes_with_plan,
    example,
    plan_json,
)


def test_what_is_claimed_is_checked_before_memory_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    huge = plan_json()
    huge["inputs"][0]["shape"] = [LARGEST, LARGEST]
    assert_refused(bytes_with_plan(huge), path, "found a layer of")
    wide = plan_json()
    wide["inputs"][0] |= {"encoding": "one-hot", "sizes": [LARGEST] * 3}
    assert_refused(bytes_with_plan(wide), path, "do not fit|found a layer of")
    other = plan_json()
    other["format"] = 2
    assert_refused(bytes_with_plan(other), path, "format: found 2; allowed: 1")
    strange = plan_json()
    strange["layers"][1]["kind"] = "exec"
    assert_refused(bytes_with_plan(strange), path, "layers.1")
    lacking = dict(example("ppo").specialist.arrays)
    del lacking["1.weight"]
    assert_refused(bytes_with_plan(plan_json(), lacking), path, "array '1.weight': found none")
    narrow = {**example("ppo").specialist.arrays, "1.bias": np.zeros(3, np.float32)}
    assert_refused(bytes_with_plan(plan_json(), narrow), path, "array '1.bias'")


def test_a_few_bytes_do_not_ask_for_much_memory(tmp_path: Path) -> None:
    """One row of one-hot integers is made at a time, and a convolution's patches count as its layer."""
    choices = 100_000
    arrays = {**example("ppo").specialist.arrays, "0.weight": np.zeros((16, choices), np.float32)}
    integers = plan_json()
    integers["inputs"] = [
        {"name": "obs", "shape": [], "dtype": "int64", "encoding": "one-hot", "sizes": [choices]}
    ]
    (tmp_path / "one.safetensors").write_bytes(bytes_with_plan(integers, arrays))
    act = load_specialist(tmp_path / "one.safetensors")
    assert act(np.array([0, choices - 1])).shape == (2, 1)
    for wrong in (-1, choices):
        with pytest.raises(ValueError, match="integers out of range; allowed: 0 to 99999"):
            act(wrong)
    patches = plan_json()
    layer = {"kind": "convolution", "weight": "c.weight", "bias": "c.bias", "stride": 1}
    patches["inputs"] = [{"name": "obs", "shape": [1, 8000, 8000], "dtype": "float32", "layers": [layer]}]
    arrays |= {"c.weight": np.zeros((1, 1, 64, 64), np.float32), "c.bias": np.zeros(1, np.float32)}
    assert_refused(
        bytes_with_plan(patches, arrays), tmp_path / "one.safetensors", r"found a layer of \(62995969, 4096\)"
    )


def test_the_first_layer_must_fit() -> None:
    specialist = example("ppo").specialist
    cut = {**specialist.arrays, "0.weight": specialist.arrays["0.weight"][:, 1:]}
    with pytest.raises(UserError, match=r"array '0\.weight'"):
        files.read_safetensors(files.safetensors_bytes(replace(specialist, arrays=cut)), "here")
