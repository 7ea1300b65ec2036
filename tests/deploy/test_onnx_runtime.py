"""A specialist's ONNX file acts as the agent that it comes from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hyperrl import load_specialist
from hyperrl.deploy.compress import quantize
from hyperrl.deploy.layers import Linear
from hyperrl.deploy.numpy_runtime import NumpyRuntime
from tests.deploy.cases import (
    Example,
    assert_agrees,
    assert_refused,
    example,
)
from tests.deploy.shifted import SPACES, shifted


def test_as_a_graph(every_case: Example, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="needs the extra export")
    from hyperrl.deploy.onnx_runtime import onnx_bytes

    path = tmp_path / "one.onnx"
    path.write_bytes(onnx_bytes(every_case.specialist))
    assert_agrees(every_case, load_specialist(path)(every_case.observations))


@pytest.mark.parametrize("name", ["dqn", "ppo multi-discrete"])
@pytest.mark.parametrize("wild", [np.nan, np.inf])
def test_the_graph_chooses_as_numpy_where_numbers_are_not_finite(name: str, wild: float) -> None:
    """ONNX's ArgMax passes over NaN, which NumPy and torch take for the largest."""
    runtime = pytest.importorskip("onnxruntime", reason="needs the extra export")
    from hyperrl.deploy.onnx_runtime import onnx_bytes

    case = example(name)
    last = case.specialist.plan.layers[-1]
    assert isinstance(last, Linear)
    bias = case.specialist.arrays[last.bias].copy()
    bias[[0, 1]] = -1e9, wild
    odd = replace(case.specialist, arrays=case.specialist.arrays | {last.bias: bias})
    session = runtime.InferenceSession(onnx_bytes(odd), providers=["CPUExecutionProvider"])
    seen = case.observations[:50]
    (actions,) = session.run(None, {case.specialist.plan.inputs[0].name: seen})
    np.testing.assert_array_equal(actions, NumpyRuntime(odd)(seen))
    assert (actions.reshape(50, -1)[:, 0] == 1).all()


def test_an_answer_in_eight_bits_does_not_depend_on_the_rest_of_the_batch() -> None:
    """onnxruntime's own dynamic quantization finds its scale over the whole batch."""
    pytest.importorskip("onnxruntime", reason="needs the extra export")
    from hyperrl.deploy.onnx_runtime import OnnxRuntime, onnx_bytes

    case = example("ppo")
    act = OnnxRuntime(onnx_bytes(quantize(case.specialist)), "made")
    seen = case.observations[:4].copy()
    alone = [act(each) for each in seen]
    beside = act(np.concatenate([seen, np.full((1, seen.shape[1]), 1e4, np.float32)]))[:4]
    np.testing.assert_allclose(beside, alone, atol=1e-6)
    assert np.ptp(alone) > 1e-3


def test_both_readers_act_alike_in_eight_bits(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="needs the extra export")
    from hyperrl.deploy.onnx_runtime import onnx_bytes

    case = example("ppo generated convolutions")
    small = quantize(case.specialist)
    path = tmp_path / "one.onnx"
    path.write_bytes(onnx_bytes(small))
    wanted = NumpyRuntime(small)(case.observations)
    np.testing.assert_allclose(load_specialist(path)(case.observations), wanted, atol=1e-5)


def test_a_strangers_graph_is_not_run(tmp_path: Path) -> None:
    """Only arrays and the description are taken from a file; the graph is made anew."""
    onnx = pytest.importorskip("onnx", reason="needs the extra export")
    from hyperrl.deploy.onnx_runtime import onnx_bytes

    case = example("ppo")
    proto = onnx.ModelProto.FromString(onnx_bytes(case.specialist))
    proto.graph.node[-1].op_type = "Max"
    path = tmp_path / "one.onnx"
    path.write_bytes(proto.SerializeToString())
    np.testing.assert_allclose(load_specialist(path)(case.observations), case.actions, atol=1e-5)
    for data in (b"", b"\xff" * 100, onnx_bytes(case.specialist)[:-50]):
        assert_refused(data, path, "truncated, or no file of a specialist")
    away = onnx.ModelProto.FromString(onnx_bytes(case.specialist))
    away.graph.initializer[0].external_data.add(key="location", value="../secret")
    assert_refused(away.SerializeToString(), path, "found none")


@pytest.mark.parametrize("name", SPACES)
def test_a_graph_counts_as_the_base_does(name: str) -> None:
    pytest.importorskip("onnxruntime", reason="needs the extra export")
    from hyperrl.deploy.onnx_runtime import OnnxRuntime, onnx_bytes

    *_, own, seen, wanted = shifted(name)
    np.testing.assert_array_equal(OnnxRuntime(onnx_bytes(own), "here")(seen), wanted)
