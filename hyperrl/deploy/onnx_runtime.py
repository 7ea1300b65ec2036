"""A specialist that onnxruntime runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from hyperrl.deploy.files import ENTRY, read_plan
from hyperrl.deploy.numpy_runtime import batch
from hyperrl.deploy.onnx_graph import onnx_bytes
from hyperrl.deploy.plan import Specialist
from hyperrl.deploy.validate import checked
from hyperrl.errors import UserError


class OnnxRuntime:
    """A specialist's ONNX file, ready to act; called as `Acting` is.

    The file's arrays and plan are read and its graph is made anew from them, so that whatever else a
    stranger's file asks for is never run.

    Attributes:
        specialist: its plan and arrays.
        session: of onnxruntime, on one thread.
    """

    def __init__(self, data: bytes, source: str) -> None:
        self.specialist = read_graph(data, source)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            onnx_bytes(self.specialist), options, providers=["CPUExecutionProvider"]
        )
        self._names = [part.name for part in self.specialist.plan.inputs]

    def __call__(self, observation: Any) -> NDArray[Any]:
        """As `Acting.__call__`."""
        several, rows = batch(self.specialist, observation)
        (actions,) = self.session.run(None, dict(zip(self._names, rows, strict=True)))
        return np.asarray(actions) if several else np.asarray(actions[0])


def read_graph(data: bytes, source: str) -> Specialist:
    """The specialist in the bytes of an ONNX file.

    Raises:
        UserError: bytes that are damaged, or that `hyperrl specialize` did not write.
    """
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        model = onnx.ModelProto.FromString(data)
        plans = {entry.key: entry.value for entry in model.metadata_props}
        plan = read_plan(plans[ENTRY], source)
        arrays = {
            tensor.name: onnx.numpy_helper.to_array(tensor)
            for tensor in model.graph.initializer
            if not tensor.name.startswith("constant:") and not tensor.external_data
        }
    except (DecodeError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(f"specialist {source!r}: truncated, or no file of a specialist") from error
    return checked(Specialist(plan, arrays), source)
