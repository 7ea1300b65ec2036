"""What a step of a family's vector environment tells of the episodes that ended in it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hyperrl.recipes import CONTEXT, Context

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


def infos_of_ends(ended: Sequence[Ended], mask: NDArray[np.bool_]) -> dict[str, Any]:
    """Infos of a step in which episodes of a batch ended, as Gymnasium's vector environments give them.

    Args:
        ended: the episodes, which have no entries of a base environment.
        mask: (N,), whether each environment's episode ended.
    """
    observations, contexts = np.empty((2, len(mask)), object)
    tasks, lengths = np.zeros((2, len(mask)), np.int64)
    returns = np.zeros(len(mask))
    for index, observation, info in ended:
        observations[index], contexts[index], tasks[index] = observation, info[CONTEXT], info["task"]
        returns[index], lengths[index] = info["episode"].values()
    final = {
        "task": tasks, "_task": mask, CONTEXT: contexts, "_context": mask, "_episode": mask,
        "episode": {"r": returns, "_r": mask, "l": lengths, "_l": mask},
    }  # fmt: skip
    return {"final_obs": observations, "_final_obs": mask, "final_info": final, "_final_info": mask}


def infos_of_starts(
    mask: NDArray[np.bool_], tasks: NDArray[np.int64], playing: Sequence[Context]
) -> dict[str, Any]:
    """Infos of the environments that have just been reset.

    Args:
        mask: (N,), which these are.
        tasks: (N,), the number of each environment's task.
        playing: the context of each.
    """
    contexts = np.empty(len(mask), object)
    for index in mask.nonzero()[0].tolist():
        contexts[index] = dict(playing[index].raw)
    return {"task": tasks * mask, "_task": mask, CONTEXT: contexts, "_context": mask}


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
