#!/usr/bin/env bash
# onnx 1.23.2, onnxruntime 1.32.0
#
# Expected: get_inputs lists what is listed as an input of the graph, and each of them must be given.
# Seen:     an input that is an initializer too is optional: it has that value where it is not given, its shape
#           may differ from the initializer's, and it stands in get_overridable_initializers alone.
#
# Output:
#   the graph's inputs in the file: ['scores', 'mask']
#   get_inputs: ['scores']; get_overridable_initializers: ['mask']
#   choices without a mask: [2, 0]; with one: [1, 1]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
venv/bin/python -W ignore - <<'END'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

mask = numpy_helper.from_array(np.ones((1, 3), bool), "mask")
graph = helper.make_graph(
    [
        helper.make_node("Where", ["mask", "scores", "lowest"], ["valid"]),
        helper.make_node("ArgMax", ["valid"], ["choice"], axis=1, keepdims=0),
    ],
    "policy",
    [
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", 3]),
        helper.make_tensor_value_info("mask", TensorProto.BOOL, [None, 3]),
    ],
    [helper.make_tensor_value_info("choice", TensorProto.INT64, ["batch"])],
    [mask, numpy_helper.from_array(np.float32(-1e9).reshape(1), "lowest")],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
onnx.checker.check_model(model)
options = onnxruntime.SessionOptions()
options.log_severity_level = 3
session = onnxruntime.InferenceSession(model.SerializeToString(), options)
inputs = [value.name for value in session.get_inputs()]
optional = [value.name for value in session.get_overridable_initializers()]
scores = np.array([[1, 2, 3], [3, 2, 1]], np.float32)
allowed = np.array([[True, True, False], [False, True, True]])
without = session.run(None, {"scores": scores})[0].tolist()
masked = session.run(None, {"scores": scores, "mask": allowed})[0].tolist()
print(f"the graph's inputs in the file: {[value.name for value in model.graph.input]}")
print(f"get_inputs: {inputs}; get_overridable_initializers: {optional}")
print(f"choices without a mask: {without}; with one: {masked}")
if (inputs, optional, without, masked) != (["scores"], ["mask"], [2, 0], [1, 1]):
    raise SystemExit("the behavior has changed")
END
