#!/usr/bin/env bash
# onnxruntime 1.32.0, onnx 1.23.2
#
# Expected: a network that is quantized to int8 gives an observation the same answer alone and in a batch,
#           as the float network does.
# Seen:     quantize_dynamic finds one scale for the whole batch at run time: a large row beside it changes
#           an observation's answer by as much as the answer itself. Weights alone in int8 (DequantizeLinear
#           before the product) do not have this.
#
# Output:
#   float: alone [-1.34  0.5   2.01], beside a large row [-1.34  0.5   2.01]
#   int8: alone [-1.34  0.48  2.02], beside a large row [-0.52  0.01  4.06]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
venv/bin/python - <<'END'
import logging

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

logging.disable(logging.WARNING)
draw = np.random.default_rng(0)
weights = {"first": draw.normal(size=(4, 32)), "second": draw.normal(size=(32, 3))}
graph = helper.make_graph(
    [
        helper.make_node("MatMul", ["x", "first"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["bent"]),
        helper.make_node("MatMul", ["bent", "second"], ["y"]),
    ],
    "policy",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 3])],
    [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()],
)
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), "float.onnx")
quantize_dynamic("float.onnx", "int8.onnx", weight_type=QuantType.QInt8)
row, large = np.array([[0.1, -0.2, 0.3, 0.05]], np.float32), np.array([[100, 0, 0, 0]], np.float32)
moved = {}
for name in ("float", "int8"):
    session = onnxruntime.InferenceSession(f"{name}.onnx")
    alone = session.run(None, {"x": row})[0][0]
    beside = session.run(None, {"x": np.concatenate([row, large])})[0][0]
    moved[name] = float(np.abs(alone - beside).max())
    print(f"{name}: alone {alone.round(2)}, beside a large row {beside.round(2)}")
if not (moved['float'] < 1e-5 and moved['int8'] > 0.5):
    raise SystemExit("the behavior has changed")
END
