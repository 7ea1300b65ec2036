"""Specialists survive a file; a damaged one is one line, and nothing in it is executed."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperrl import UserError, load_specialist
from hyperrl.deploy import files
from hyperrl.deploy.numpy_runtime import NumpyRuntime
from hyperrl.deploy.plan import Specialist
from tests.deploy.cases import (
    assert_refused,
    example,
)


def test_it_survives_a_file() -> None:
    specialist = example("ppo residual").specialist
    again = files.read_safetensors(files.safetensors_bytes(specialist), "here")
    assert again.plan == specialist.plan
    assert all(np.array_equal(again.arrays[name], array) for name, array in specialist.arrays.items())


@pytest.mark.parametrize("laid", [np.asfortranarray, lambda array: array[..., ::-1].copy()[..., ::-1]])
def test_arrays_of_any_layout_come_back_as_they_were(laid: Any) -> None:
    """The NumPy writer of safetensors stores a transposed array in the order of its memory."""
    case = example("ppo")
    arrays = {name: laid(array) for name, array in case.specialist.arrays.items()}
    assert not all(array.flags.c_contiguous for array in arrays.values())
    back = files.read_safetensors(files.safetensors_bytes(replace(case.specialist, arrays=arrays)), "test")
    for name, array in case.specialist.arrays.items():
        np.testing.assert_array_equal(back.arrays[name], array, err_msg=name)


def test_damaged_files_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    data = files.safetensors_bytes(example("ppo").specialist)
    for length in (0, 4, 8, 50, len(data) - 1):
        assert_refused(data[:length], path, "truncated, or no file of a specialist")
    assert_refused(b"\xff" * 64, path, "truncated")
    with pytest.raises(UserError, match="No such file"):
        load_specialist(tmp_path / "none.safetensors")
    (tmp_path / "one.zip").write_bytes(b"PK")
    with pytest.raises(UserError, match=r"found '\.zip'; allowed: \.safetensors, \.onnx"):
        load_specialist(tmp_path / "one.zip")


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "one.safetensors")
    (tmp_path / "one.onnx").mkdir()
    for name in ("one.safetensors", "one.onnx"):
        with pytest.raises(UserError, match="found a directory or a device; allowed: a file"):
            load_specialist(tmp_path / name)


@given(st.data())
def test_no_flipped_byte_is_more_than_a_line(data: st.DataObject) -> None:
    content = bytearray(files.safetensors_bytes(example("ppo").specialist))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        acting = NumpyRuntime(files.read_safetensors(bytes(content), "here"))
    except UserError:
        return
    with np.errstate(all="ignore"):
        acting(np.zeros(acting.specialist.plan.inputs[0].shape))


def test_a_specialist_needs_no_torch() -> None:

    code = "import sys, hyperrl; hyperrl.load_specialist; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert Specialist.__module__ == "hyperrl.deploy.plan"
