"""Compares two traces to a relative tolerance, as processors differ in the last bits."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

RELATIVE = 1e-5


def differences(recorded: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """One line for each difference of two traces of an agent or a family; digests are left out."""
    lines: list[str] = []
    for name in sorted((recorded.keys() | found.keys()) - {"digest"}):
        if name not in recorded or name not in found:
            lines.append(f"{name}: recorded {name in recorded}, found {name in found}")
        elif name == "weights":
            lines += _of_weights(recorded[name], found[name])
        else:
            lines += _of_values(name, recorded[name], found[name])
    return lines


def _of_weights(recorded: Sequence[Any], found: Sequence[Any]) -> Iterator[str]:
    """Match tensors by shape and contents: which is which does not matter."""
    left = list(found)
    for tensor in recorded:
        match = next((other for other in left if not list(_of_values("", tensor, other))), None)
        if match is None:
            yield f"weights: no tensor like {tensor}"
        else:
            left.remove(match)
    yield from (f"weights: a tensor that was not recorded: {tensor}" for tensor in left)


def _of_values(where: str, recorded: Any, found: Any) -> Iterator[str]:
    if isinstance(recorded, dict) and isinstance(found, dict) and recorded.keys() == found.keys():
        for key in recorded:
            yield from _of_values(f"{where}.{key}", recorded[key], found[key])
    elif isinstance(recorded, list) and isinstance(found, list) and len(recorded) == len(found):
        for index, (one, other) in enumerate(zip(recorded, found, strict=True)):
            yield from _of_values(f"{where}[{index}]", one, other)
    elif isinstance(recorded, float) and isinstance(found, (int, float)):
        if not math.isclose(recorded, found, rel_tol=RELATIVE, abs_tol=RELATIVE):
            yield f"{where}: recorded {recorded!r}, found {found!r}"
    elif recorded != found:
        yield f"{where}: recorded {recorded!r}, found {found!r}"
