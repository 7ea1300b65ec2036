"""What is read is checked, what is smaller acts almost alike, and nothing is written over."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperrl import UserError, load_specialist
from hyperrl.deploy import compress, files
from hyperrl.deploy.numpy_runtime import NumpyRuntime
from hyperrl.deploy.plan import Specialist
from hyperrl.deploy.validate import LARGEST
from tests.deploy.conftest import made


def bytes_with(plan: Any, arrays: Any = None) -> bytes:
    """A file whose description was changed by hand."""
    from safetensors.numpy import save

    given = made("ppo").specialist
    return bytes(save(given.arrays if arrays is None else arrays, {"specialist": json.dumps(plan)}))


def plan_of(name: str = "ppo") -> Any:
    return json.loads(made(name).specialist.plan.model_dump_json())


def refused(data: bytes, path: Path, says: str) -> None:
    path.write_bytes(data)
    with pytest.raises(UserError, match=says):
        load_specialist(path)


def test_it_survives_a_file() -> None:
    specialist = made("ppo residual").specialist
    again = files.read_safetensors(files.safetensors_bytes(specialist), "here")
    assert again.plan == specialist.plan
    assert all(np.array_equal(again.arrays[name], array) for name, array in specialist.arrays.items())


@pytest.mark.parametrize("laid", [np.asfortranarray, lambda array: array[..., ::-1].copy()[..., ::-1]])
def test_arrays_of_any_layout_come_back_as_they_were(laid: Any) -> None:
    """The NumPy writer of safetensors stores a transposed array in the order of its memory."""
    given = made("ppo")
    arrays = {name: laid(array) for name, array in given.specialist.arrays.items()}
    assert not all(array.flags.c_contiguous for array in arrays.values())
    back = files.read_safetensors(files.safetensors_bytes(replace(given.specialist, arrays=arrays)), "test")
    for name, array in given.specialist.arrays.items():
        np.testing.assert_array_equal(back.arrays[name], array, err_msg=name)


def test_damaged_files_are_told(tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    data = files.safetensors_bytes(made("ppo").specialist)
    for length in (0, 4, 8, 50, len(data) - 1):
        refused(data[:length], path, "truncated, or no file of a specialist")
    refused(b"\xff" * 64, path, "truncated")
    with pytest.raises(UserError, match="No such file"):
        load_specialist(tmp_path / "none.safetensors")
    (tmp_path / "one.zip").write_bytes(b"PK")
    with pytest.raises(UserError, match=r"found '\.zip'; allowed: \.safetensors, \.onnx"):
        load_specialist(tmp_path / "one.zip")


def test_what_is_claimed_is_checked_before_memory_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    huge = plan_of()
    huge["inputs"][0]["shape"] = [LARGEST, LARGEST]
    refused(bytes_with(huge), path, "found a layer of")
    wide = plan_of()
    wide["inputs"][0] |= {"encoding": "one-hot", "sizes": [LARGEST] * 3}
    refused(bytes_with(wide), path, "do not fit|found a layer of")
    other = plan_of()
    other["format"] = 2
    refused(bytes_with(other), path, "format: found 2; allowed: 1")
    strange = plan_of()
    strange["layers"][1]["kind"] = "exec"
    refused(bytes_with(strange), path, "layers.1")
    lacking = dict(made("ppo").specialist.arrays)
    del lacking["1.weight"]
    refused(bytes_with(plan_of(), lacking), path, "array '1.weight': found none")
    narrow = {**made("ppo").specialist.arrays, "1.bias": np.zeros(3, np.float32)}
    refused(bytes_with(plan_of(), narrow), path, "array '1.bias'")


def test_a_few_bytes_do_not_ask_for_much_memory(tmp_path: Path) -> None:
    """One row of one-hot integers is made at a time, and a convolution's patches count as its layer."""
    choices = 100_000
    arrays = {**made("ppo").specialist.arrays, "0.weight": np.zeros((16, choices), np.float32)}
    integers = plan_of()
    integers["inputs"] = [
        {"name": "obs", "shape": [], "dtype": "int64", "encoding": "one-hot", "sizes": [choices]}
    ]
    (tmp_path / "one.safetensors").write_bytes(bytes_with(integers, arrays))
    act = load_specialist(tmp_path / "one.safetensors")
    assert act(np.array([0, choices - 1])).shape == (2, 1)
    for wrong in (-1, choices):
        with pytest.raises(ValueError, match="integers out of range; allowed: 0 to 99999"):
            act(wrong)
    patches = plan_of()
    layer = {"kind": "convolution", "weight": "c.weight", "bias": "c.bias", "stride": 1}
    patches["inputs"] = [{"name": "obs", "shape": [1, 8000, 8000], "dtype": "float32", "layers": [layer]}]
    arrays |= {"c.weight": np.zeros((1, 1, 64, 64), np.float32), "c.bias": np.zeros(1, np.float32)}
    refused(bytes_with(patches, arrays), tmp_path / "one.safetensors", r"found a layer of \(62995969, 4096\)")


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "one.safetensors")
    (tmp_path / "one.onnx").mkdir()
    for name in ("one.safetensors", "one.onnx"):
        with pytest.raises(UserError, match="found a directory or a device; allowed: a file"):
            load_specialist(tmp_path / name)


@given(st.data())
def test_no_flipped_byte_is_more_than_a_line(data: st.DataObject) -> None:
    content = bytearray(files.safetensors_bytes(made("ppo").specialist))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        acting = NumpyRuntime(files.read_safetensors(bytes(content), "here"))
    except UserError:
        return
    with np.errstate(all="ignore"):
        acting(np.zeros(acting.specialist.plan.inputs[0].shape))


def test_pruning_keeps_the_largest_of_each_layer() -> None:
    specialist = made("ppo").specialist
    total = sum(specialist.arrays[name].size for name in specialist.arrays if not name.startswith("action"))
    for share in (0.3, 0.7, 1.0):
        thin = compress.prune(specialist, share)
        assert share * total - 1 - len(specialist.matrices) <= thin.parameters <= share * total
        for name in specialist.matrices:
            kept = np.abs(thin.arrays[name])
            assert kept.max() == np.abs(specialist.arrays[name]).max()
            left_out = np.abs(specialist.arrays[name][kept == 0])
            assert left_out.size == 0 or left_out.max() <= kept[kept > 0].min()
    with pytest.raises(UserError, match=r"budget: found 0\.01; allowed: at least"):
        compress.prune(specialist, 0.01)


@pytest.mark.parametrize("name", ["ppo", "ppo generated convolutions", "td3"])
def test_eight_bits_are_near(name: str) -> None:
    given = made(name)
    small = compress.quantize(given.specialist)
    for weight in small.matrices:
        error = np.abs(small.dense(weight) - given.specialist.arrays[weight])
        scale = small.arrays[f"{weight}.scale"].reshape(-1, *[1] * (error.ndim - 1))
        assert (error <= scale * 0.501).all()
        assert small.arrays[weight].dtype == np.int8


def test_both_readers_act_alike_in_eight_bits(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="needs the extra export")
    from hyperrl.deploy.onnx_runtime import onnx_bytes

    given = made("ppo generated convolutions")
    small = compress.quantize(given.specialist)
    path = tmp_path / "one.onnx"
    path.write_bytes(onnx_bytes(small))
    wanted = NumpyRuntime(small)(given.observations)
    np.testing.assert_allclose(load_specialist(path)(given.observations), wanted, atol=1e-5)


def test_a_strangers_graph_is_not_run(tmp_path: Path) -> None:
    """Only arrays and the description are taken from a file; the graph is made anew."""
    onnx = pytest.importorskip("onnx", reason="needs the extra export")
    from hyperrl.deploy.onnx_runtime import onnx_bytes

    given = made("ppo")
    proto = onnx.ModelProto.FromString(onnx_bytes(given.specialist))
    proto.graph.node[-1].op_type = "Max"
    path = tmp_path / "one.onnx"
    path.write_bytes(proto.SerializeToString())
    np.testing.assert_allclose(load_specialist(path)(given.observations), given.actions, atol=1e-5)
    for data in (b"", b"\xff" * 100, onnx_bytes(given.specialist)[:-50]):
        refused(data, path, "truncated, or no file of a specialist")
    away = onnx.ModelProto.FromString(onnx_bytes(given.specialist))
    away.graph.initializer[0].external_data.add(key="location", value="../secret")
    refused(away.SerializeToString(), path, "found none")


def test_observations_of_another_shape() -> None:
    act = NumpyRuntime(made("ppo").specialist)
    with pytest.raises(ValueError, match="found shape"):
        act(np.zeros(7))
    with pytest.raises(ValueError, match="lacks"):
        NumpyRuntime(made("ppo dictionary").specialist)({"place": np.zeros(4)})


def test_the_first_layer_must_fit() -> None:
    specialist = made("ppo").specialist
    cut = {**specialist.arrays, "0.weight": specialist.arrays["0.weight"][:, 1:]}
    with pytest.raises(UserError, match=r"array '0\.weight'"):
        files.read_safetensors(files.safetensors_bytes(replace(specialist, arrays=cut)), "here")


def test_a_specialist_needs_no_torch() -> None:
    import subprocess
    import sys

    code = "import sys, hyperrl; hyperrl.load_specialist; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert Specialist.__module__ == "hyperrl.deploy.plan"
