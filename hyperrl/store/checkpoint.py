"""One checkpoint: one safetensors file whose header carries the JSON metadata and a digest of everything."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = 1


def encode(tensors: Mapping[str, Tensor], meta: Mapping[str, Any]) -> bytes:
    """The bytes of a checkpoint file: the same for the same contents.

    Args:
        tensors: tensors by name, on any device.
        meta: JSON values.

    Raises:
        TypeError: `meta` holds something that JSON cannot.
    """
    from safetensors.torch import save

    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in sorted(tensors.items())}
    text = json.dumps({"format": FORMAT, "meta": meta})
    return _in_order(save(plain, {"hyperrl": text, "digest": _digest(plain, text)}))


def decode(data: bytes) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and metadata of a checkpoint file's bytes; ValueError tells in a phrase why they are none."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        metadata = read_header(data)["__metadata__"]
        text, digest = metadata["hyperrl"], metadata["digest"]
        tensors: dict[str, Tensor] = load(data)
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError("truncated or not a checkpoint") from error
    if not isinstance(text, str) or digest != _digest(tensors, text):
        raise ValueError("its contents do not match their digest")
    try:
        content = dict(json.loads(text))
        version, meta = content["format"], dict(content["meta"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError("not a checkpoint") from error
    if version != FORMAT:
        raise ValueError(f"format {version!r}, this version of hyperrl reads {FORMAT}")
    return tensors, meta


def read_meta(path: Path) -> dict[str, Any]:
    """Metadata of a checkpoint file by its header alone: tensors are not read, and torch is not loaded.

    Raises:
        ValueError: the file has no header, or another length than it says; the digest is not checked.
        OSError: it cannot be read.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            return dict(json.loads(file.metadata()["hyperrl"])["meta"])
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError("truncated or not a checkpoint") from error


def read_header(data: bytes) -> dict[str, Any]:
    """The header of a safetensors file: its tensors by name, and `__metadata__`; ValueError without one."""
    return dict(json.loads(data[8 : _header_end(data)]))


def _header_end(data: bytes) -> int:
    return 8 + int.from_bytes(data[:8], "little")


def _in_order(data: bytes) -> bytes:
    """A safetensors file with its header's keys sorted; safetensors writes them in any order."""
    text = json.dumps(read_header(data), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    header = text.encode()
    header += b" " * (-len(header) % 8)
    return b"".join([len(header).to_bytes(8, "little"), header, memoryview(data)[_header_end(data) :]])


def _digest(tensors: Mapping[str, Tensor], text: str) -> str:
    import torch

    total = hashlib.blake2b(text.encode(), digest_size=16)
    for name, tensor in sorted(tensors.items()):
        total.update(f"|{name}|{tensor.dtype}|{tuple(tensor.shape)}|".encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().data if tensor.numel() else b"")
    return total.hexdigest()
