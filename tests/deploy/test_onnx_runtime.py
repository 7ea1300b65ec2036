"""A specialist's ONNX file acts as the agent that it comes from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hyperrl import UserError, load_specialist
from hyperrl.deploy.actions import Action
from hyperrl.deploy.compress import quantize
from hyperrl.deploy.layers import Linear
from hyperrl.deploy.numpy_runtime import NumpyRuntime
from tests.deploy.cases import (
    MASKED,
    Example,
    assert_agrees,
    assert_masked,
    assert_refused,
    example,
    masked_example,
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


@pytest.mark.parametrize("name", MASKED)
def test_the_graph_makes_no_masked_choice(name: str, tmp_path: Path) -> None:
    """Its masks are an input that need not be given, one row for all or one each."""
    runtime = pytest.importorskip("onnxruntime", reason="needs the extra export")
    from hyperrl.deploy.onnx_runtime import onnx_bytes

    made, masks, wanted = masked_example(name)
    path = tmp_path / "one.onnx"
    path.write_bytes(onnx_bytes(made.specialist))
    act = load_specialist(path)
    assert act.masked
    assert act.specialist.parameters == made.specialist.parameters
    assert_masked(made, masks, wanted, act(made.observations, action_masks=masks))
    assert_agrees(made, act(made.observations))
    assert act(made.observations[3], masks[3]) == pytest.approx(wanted[3])
    session = runtime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    assert [each.name for each in session.get_inputs()] == ["obs"]
    (optional,) = session.get_overridable_initializers()
    assert (optional.name, optional.shape[1]) == ("action_masks", masks.shape[1])
    (actions,) = session.run(None, {"obs": made.observations, "action_masks": masks})
    assert_masked(made, masks, wanted, actions)
    (actions,) = session.run(None, {"obs": made.observations[:50], "action_masks": masks[:1]})
    np.testing.assert_array_equal(actions, act(made.observations[:50], masks[0]))


def test_the_graph_makes_none_where_outputs_are_not_finite() -> None:
    runtime = pytest.importorskip("onnxruntime", reason="needs the extra export")
    from hyperrl.deploy.onnx_graph import OnnxGraph

    action, graph = Action(rule="argmax", shape=(), sizes=(3,), masked=True), OnnxGraph({})
    action.onnx("x", graph)
    data = graph.model_bytes({"x": (np.float32, (3,))}, {"action": (np.int64, ())}, {})
    outputs = np.array([[np.nan, 1, 2], [0, np.nan, -np.inf], [np.inf, -np.inf, -np.inf]], np.float32)
    masks = np.array([[0, 1, 1], [1, 1, 0], [0, 1, 0]], np.bool_)
    session = runtime.InferenceSession(data, providers=["CPUExecutionProvider"])
    (actions,) = session.run(None, {"x": outputs, "action_masks": masks})
    np.testing.assert_array_equal(actions, [2, 1, 1])


def test_a_part_with_the_name_of_the_masks_is_refused() -> None:
    pytest.importorskip("onnxruntime", reason="needs the extra export")
    from hyperrl.deploy.onnx_runtime import onnx_bytes

    specialist = example("maskable ppo").specialist
    part = specialist.plan.inputs[0].model_copy(update={"name": "action_masks"})
    named = replace(specialist, plan=specialist.plan.model_copy(update={"inputs": (part,)}))
    with pytest.raises(UserError, match=r"a part of the observation is called 'action_masks', as masks are"):
        onnx_bytes(named)
