"""Each rule makes the same actions of outputs in NumPy and in ONNX."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from hyperrl.deploy.actions import Action
from hyperrl.deploy.validate import ArrayChecks, MismatchError

BOUNDS = {
    "action.low": np.array([[-1, -3, 0]], np.float32), "action.high": np.array([[2, 0.5, 0.1]], np.float32)
}  # fmt: skip
X = np.array([[-2, 0.25, 0.05], [0.5, -4, 1], [3, 2, -1]], np.float32)
LOW, HIGH = BOUNDS.values()
RULES: dict[str, tuple[Action, NDArray[np.float32] | NDArray[np.int64]]] = {
    "clip": (Action(rule="clip", shape=(1, 3)), np.clip(X[:, None], LOW, HIGH)),
    "unscale": (Action(rule="unscale", shape=(1, 3)), LOW + (X[:, None] + 1) / 2 * (HIGH - LOW)),
    "positive": (Action(rule="positive", shape=(3,)), np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]])),
    "one choice": (Action(rule="argmax", shape=(), sizes=(3,), starts=(5,)), np.array([6, 7, 5])),
    "several": (
        Action(rule="argmax", shape=(2,), sizes=(2, 1), starts=(0, -1)),
        np.array([[1, -1], [0, -1], [0, -1]]),
    ),
    "counted from 0": (Action(rule="argmax", shape=(2,), sizes=(2, 1)), np.array([[1, 0], [0, 0], [0, 0]])),
}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_makes_the_same_actions_everywhere(name: str) -> None:
    action, wanted = RULES[name]
    assert action.outputs(ArrayChecks(BOUNDS)) == 3
    actions = action.numpy(BOUNDS.__getitem__)(X)
    assert actions.dtype == action.dtype
    np.testing.assert_allclose(actions, wanted, atol=1e-6)
    runtime = pytest.importorskip("onnxruntime", reason="needs the extra export")
    from hyperrl.deploy.onnx_graph import OnnxGraph

    graph = OnnxGraph(BOUNDS)
    action.onnx("x", graph)
    data = graph.model_bytes({"x": (np.float32, (3,))}, {"action": (action.dtype, action.shape)}, {})
    (made,) = runtime.InferenceSession(data, providers=["CPUExecutionProvider"]).run(None, {"x": X})
    np.testing.assert_allclose(made, wanted, atol=1e-6)
    assert made.dtype == action.dtype


@pytest.mark.parametrize(
    ("action", "says"),
    [
        (Action(rule="clip", shape=(3,)), r"array 'action\.low': found float32 \(1, 3\)"),
        (Action(rule="argmax", shape=(2,), sizes=(3,)), r"action\.sizes and action\.shape do not fit"),
        (Action(rule="argmax", shape=(), sizes=(3,), starts=(0, 0)), r"action\.starts and action\.shape"),
    ],
)
def test_a_rule_that_does_not_fit_is_refused(action: Action, says: str) -> None:
    with pytest.raises(MismatchError, match=says):
        action.outputs(ArrayChecks(BOUNDS))
