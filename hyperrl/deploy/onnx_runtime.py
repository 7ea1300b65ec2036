"""A specialist as one ONNX graph, written, read, and run by onnxruntime."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from hyperrl.deploy.actions import OUTPUT
from hyperrl.deploy.layers import onnx_chain
from hyperrl.deploy.numpy_runtime import batched, checked_masks
from hyperrl.deploy.onnx_graph import OnnxGraph
from hyperrl.deploy.plan import METADATA, Specialist, read_plan
from hyperrl.errors import UserError
from hyperrl.masks import ACTION_MASKS

_ERRORS = 3
"""The severity from which onnxruntime logs: it warns of every input that need not be given."""


def onnx_bytes(specialist: Specialist) -> bytes:
    """The bytes of an ONNX file: an observation of the environment in, an action of the environment out.

    Arrays are inside; the inputs go by the names of the observation's parts. An agent that takes action
    masks has an input `action_masks` too, bool (1 or batch, choices); where it is not given, all are valid.

    Raises:
        UserError: a part of the observation has the name of the masks.
    """
    if specialist.plan.action.masked:
        refuse_part_of_masks([part.name for part in specialist.plan.inputs], specialist.plan.agent)
    plan, graph = specialist.plan, OnnxGraph(specialist.arrays)
    rows = [part.onnx(graph) for part in plan.inputs]
    x = rows[0] if len(rows) == 1 else graph.add("Concat", *rows, axis=1)
    plan.action.onnx(onnx_chain(plan.layers, x, graph), graph)
    inputs = {part.name: (part.dtype, part.shape) for part in plan.inputs}
    outputs = {OUTPUT: (plan.action.dtype, plan.action.shape)}
    return graph.model_bytes(inputs, outputs, {METADATA: plan.text})


def refuse_part_of_masks(parts: Sequence[str], agent: str) -> None:
    """UserError where a part of the observation has the name that the masks have in a graph."""
    if ACTION_MASKS in parts:
        raise UserError(
            f"agent {agent!r}: a part of the observation is called {ACTION_MASKS!r}, as masks are in ONNX;"
            " allowed: another name"
        )


class OnnxRuntime:
    """A specialist's ONNX file, ready to act; called as `NumpyRuntime` is.

    The file's arrays and plan are read, and its graph is written anew from them: whatever else is in a
    stranger's file is never run.

    Attributes:
        specialist: its plan and arrays.
        masked: whether it takes action masks.
        flag: whether its task is far from training; None where the file does not tell.
        session: of onnxruntime, on one thread.
    """

    def __init__(self, data: bytes, source: str) -> None:
        self.specialist = read_graph(data, source)
        self.masked, self.flag = self.specialist.plan.action.masked, self.specialist.plan.flag
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS
        self.session = onnxruntime.InferenceSession(
            onnx_bytes(self.specialist), options, providers=["CPUExecutionProvider"]
        )
        self._names = [part.name for part in self.specialist.plan.inputs]

    def __call__(self, observation: Any, action_masks: Any = None) -> NDArray[Any]:
        """As `NumpyRuntime.__call__`."""
        several, parts = batched(self.specialist, observation)
        given = dict(zip(self._names, parts, strict=True))
        if action_masks is not None:
            given[ACTION_MASKS] = checked_masks(self.specialist, action_masks, len(parts[0]))
        (actions,) = self.session.run(None, given)
        return np.asarray(actions) if several else np.asarray(actions[0])


def read_graph(data: bytes, source: str) -> Specialist:
    """The specialist in the bytes of an ONNX file.

    Raises:
        UserError: bytes that are damaged, or that `hyperrl specialize` did not write.
    """
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        model = onnx.ModelProto.FromString(data)
        metadata = {entry.key: entry.value for entry in model.metadata_props}
        plan = read_plan(metadata[METADATA], source)
        arrays = {
            tensor.name: onnx.numpy_helper.to_array(tensor)
            for tensor in model.graph.initializer
            if not tensor.name.startswith("constant:") and not tensor.external_data
            if tensor.name != ACTION_MASKS
        }
    except (DecodeError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(f"specialist {source!r}: truncated, or no file of a specialist") from error
    return Specialist(plan, arrays).check(source)
