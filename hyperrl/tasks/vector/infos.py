"""What a step of a family's vector environment tells of the episodes that ended in it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_TYPES: dict[str, Any] = {"task": np.int64}
_EPISODE_TYPES: dict[str, Any] = {"r": np.float64, "l": np.int64}
"""What is no array of objects; the names are ours alone (`hyperrl.tasks.adapter.RESERVED`)."""


class Ended(NamedTuple):
    """An episode that has just ended.

    Attributes:
        env: the number of its environment.
        observation: its last.
        info: its last: `task`, `context`, `episode` ({"r", "l"}) and the entries of the base environment.
    """

    env: int
    observation: dict[str, Any]
    info: dict[str, Any]


Advance = tuple[dict[str, Any], NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], list[Ended]]
"""Observation, reward (N,), terminated (N,), truncated (N,) of a step, and the episodes that ended in it."""


def gather(
    into: dict[str, Any], info: Mapping[str, Any], env: int, count: int, types: Mapping[str, Any] = _TYPES
) -> dict[str, Any]:
    """Add one environment's info to those of a batch, as Gymnasium has them: arrays (N,) and their masks.

    The base's values are kept as they are, in arrays of objects. Keys that begin with an underscore are left
    out: Gymnasium has its masks there.
    """
    for key, value in info.items():
        if key[:1] == "_":
            continue
        if key in ("final_info", "episode"):
            inner = _TYPES if key == "final_info" else _EPISODE_TYPES
            into[key] = gather(into.get(key, {}), value, env, count, inner)
        else:
            if key not in into:
                into[key] = np.full(count, 0 if key in types else None, types.get(key, object))
            into[key][env] = value
        into.setdefault(f"_{key}", np.zeros(count, np.bool_))[env] = True
    return into
