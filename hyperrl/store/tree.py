"""Nested Python state as named tensors and plain JSON, and back; nothing is ever unpickled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

Tensors = dict[str, "Tensor"]
_TAGS = ("$tensor", "$array", "$tuple", "$items")


def pack(tree: Any) -> tuple[Tensors, Any]:
    """Split `tree` (dicts, lists, tuples, numbers, strings, None, tensors, arrays) into tensors and JSON.

    Returns:
        The tensors, on the CPU and named by their path (`policy/log_std`), and the tree with each
        of them replaced by `{"$tensor": name}` or `{"$array": name}`.

    Raises:
        TypeError: something in the tree is of no type that can be stored.
    """
    tensors: Tensors = {}
    return tensors, _pack(tree, "", tensors)


def unpack(tensors: Mapping[str, Tensor], packed: Any) -> Any:
    """The tree that `pack` took apart; KeyError or ValueError when the two do not belong together."""
    match packed:
        case list():
            return [unpack(tensors, item) for item in packed]
        case {"$tensor": name}:
            return tensors[name]
        case {"$array": name}:
            return tensors[name].numpy()
        case {"$tuple": items}:
            return tuple(unpack(tensors, item) for item in items)
        case {"$items": pairs}:
            return {_key(key): unpack(tensors, value) for key, value in pairs}
        case dict():
            return {key: unpack(tensors, value) for key, value in packed.items()}
    return packed


def _pack(tree: Any, path: str, tensors: Tensors) -> Any:
    import torch

    if tree is None or isinstance(tree, bool | int | float | str):
        return tree
    if isinstance(tree, np.generic):
        return tree.item()
    if isinstance(tree, torch.Tensor):
        tensors[path] = tree.detach().to("cpu", copy=True).contiguous()
        return {"$tensor": path}
    if isinstance(tree, np.ndarray) and tree.dtype != object:
        tensors[path] = torch.from_numpy(np.array(tree))
        return {"$array": path}
    if isinstance(tree, Mapping):
        return _pack_mapping(tree, path, tensors)
    if isinstance(tree, list | tuple):
        items = [_pack(item, _join(path, i), tensors) for i, item in enumerate(tree)]
        return items if isinstance(tree, list) else {"$tuple": items}
    raise TypeError(f"{path or 'the state'}: a {type(tree).__name__} cannot be stored")


def _pack_mapping(tree: Mapping[Any, Any], path: str, tensors: Tensors) -> dict[str, Any]:
    packed = [(key, _pack(value, _join(path, key), tensors)) for key, value in tree.items()]
    if all(isinstance(key, str) and key not in _TAGS for key in tree):
        return dict(packed)
    return {"$items": [list(pair) for pair in packed]}


def _key(key: Any) -> str | int:
    if isinstance(key, str | int):
        return key
    raise ValueError(f"{key!r} is no key")


def _join(path: str, key: Any) -> str:
    return f"{path}/{key}" if path else str(key)
