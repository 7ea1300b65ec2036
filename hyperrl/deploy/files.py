"""Specialists as files: a safetensors file with the plan in its header, and reading either format back."""

from __future__ import annotations

from pathlib import Path
from stat import S_ISREG
from typing import Any

import numpy as np

from hyperrl.arguments import Constraint, is_instance, validate_arguments
from hyperrl.deploy.numpy_runtime import NumpyRuntime
from hyperrl.deploy.plan import METADATA, Arrays, Specialist, read_plan
from hyperrl.errors import UserError
from hyperrl.store.checkpoint import read_header

MOST_BYTES = 2**30
"""A specialist's file may have at most this size."""


def safetensors_bytes(specialist: Specialist) -> bytes:
    """The bytes of a safetensors file: arrays by name, and the plan as JSON in the header."""
    from safetensors.numpy import save

    arrays = {name: np.ascontiguousarray(array) for name, array in sorted(specialist.arrays.items())}
    return bytes(save(arrays, {METADATA: specialist.plan.text}))


def read_safetensors(data: bytes, source: str) -> Specialist:
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
        text = read_header(data)["__metadata__"][METADATA]
        arrays: Arrays = load(data)
    except (SafetensorError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise UserError(f"specialist {source!r}: truncated, or no file of a specialist") from error
    return Specialist(read_plan(text, source), arrays).check(source)


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
    what = f"specialist {str(path)!r}"
    try:
        status = path.stat()
        if not S_ISREG(status.st_mode):
            raise UserError(f"{what}: found a directory or a device; allowed: a file")
        if status.st_size > MOST_BYTES:
            raise UserError(f"{what}: found {status.st_size:,} bytes; allowed: at most {MOST_BYTES:,}")
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{what}: {error.strerror or error}") from error
    if path.suffix == ".safetensors":
        return NumpyRuntime(read_safetensors(data, str(path)))
    if path.suffix == ".onnx":
        from hyperrl.deploy.onnx_runtime import OnnxRuntime

        return OnnxRuntime(data, str(path))
    raise UserError(f"{what}: found {path.suffix!r}; allowed: .safetensors, .onnx")
