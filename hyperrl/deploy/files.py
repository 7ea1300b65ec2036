"""Specialists as files: a safetensors file with the plan in its header, and reading either format back."""

from __future__ import annotations

import json
from pathlib import Path
from stat import S_ISREG
from typing import Any

import numpy as np

from hyperrl.arguments import Constraint, is_instance, validate_arguments
from hyperrl.deploy.numpy_runtime import Acting
from hyperrl.deploy.plan import Arrays, Plan, Specialist
from hyperrl.deploy.validate import checked
from hyperrl.errors import UserError

MOST_BYTES = 2**30
"""A specialist's file may have at most this size."""

ENTRY = "specialist"
"""The entry of a file's metadata that holds the plan."""


def tensors(specialist: Specialist) -> bytes:
    """The bytes of a safetensors file: arrays by name, and the plan as JSON in the header."""
    from safetensors.numpy import save

    arrays = {name: np.ascontiguousarray(array) for name, array in sorted(specialist.arrays.items())}
    return bytes(save(arrays, {ENTRY: specialist.plan.model_dump_json()}))


def read_tensors(data: bytes, source: str) -> Specialist:
    """The specialist in the bytes of a safetensors file; nothing in it is executed.

    Args:
        data: the bytes.
        source: where they came from, for messages.

    Raises:
        UserError: bytes that are truncated, or hold no specialist.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        text = header["__metadata__"][ENTRY]
        arrays: Arrays = load(data)
    except (SafetensorError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise UserError(f"specialist {source!r}: truncated, or no file of a specialist") from error
    return checked(Specialist(read_plan(text, source), arrays), source)


def read_plan(text: Any, source: str) -> Plan:
    """The plan in a file's metadata; UserError where it is none."""
    try:
        content = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise UserError(f"specialist {source!r}: its description is no JSON") from error
    return Plan.parse(content, f"specialist {source!r}")


@validate_arguments({"path": Constraint("a path", is_instance(str, Path))})
def load_specialist(path: str | Path) -> Any:
    """Load a file that `hyperrl specialize` wrote, as a function from observations to actions.

    A `.safetensors` file acts in NumPy, an `.onnx` file in onnxruntime; neither needs torch. Nothing in
    either is executed beside its layers.

    Args:
        path: a file of the formats torch or onnx.

    Returns:
        A function of one observation, or of a batch with n as first axis (a mapping where the environment's
        observation is a Dict), to the action, or n of them.

    Raises:
        UserError: no such file, a damaged one, or one that holds no specialist.
    """
    path = Path(path)
    try:
        found = path.stat()
        size = found.st_size
        if not S_ISREG(found.st_mode):
            raise UserError(f"specialist {str(path)!r}: found a directory or a device; allowed: a file")
        if size > MOST_BYTES:
            raise UserError(
                f"specialist {str(path)!r}: found {size:,} bytes; allowed: at most {MOST_BYTES:,}"
            )
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"specialist {str(path)!r}: {error.strerror or error}") from error
    if path.suffix == ".safetensors":
        return Acting(read_tensors(data, str(path)))
    if path.suffix == ".onnx":
        from hyperrl.deploy.onnx_runtime import OnnxRuntime

        return OnnxRuntime(data, str(path))
    raise UserError(f"specialist {str(path)!r}: found {path.suffix!r}; allowed: .safetensors, .onnx")
