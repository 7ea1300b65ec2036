"""Reads Minari data sets that lie on this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hyperrl.errors import UserError
from hyperrl.identify.transitions import ACTION, EPISODE, NEXT, REWARD, Log
from hyperrl.recipes import refuse_missing

MINARI = "minari:"
"""Stands before the name of a Minari data set on this machine."""
_ONLY = "obs"


def read_minari(name: str, names: Sequence[str]) -> Log:
    """All episodes of a data set; nothing is downloaded.

    Args:
        name: its identifier, such as `pendulum/real-v0`, below the folder `MINARI_DATASETS_PATH`.
        names: the arrays that are read.

    Raises:
        UserError: the extra is missing, or there is no such data set, or one that cannot be read.
    """
    source = f"data {MINARI + name!r}"
    refuse_missing("minari", source)
    import minari

    try:
        episodes = list(minari.load_dataset(name, download=False).iterate_episodes())
    except FileNotFoundError as error:
        raise UserError(
            f"{source}: found none on this machine; allowed: a data set that `minari list local` shows"
        ) from error
    except (ImportError, KeyError, OSError, TypeError, ValueError) as error:
        raise UserError(f"{source}: cannot be read ({error})") from error
    arrays: dict[str, list[Any]] = {}
    for number, episode in enumerate(episodes):
        steps = len(episode.rewards)
        for key, part in _parts(episode.observations).items():
            arrays.setdefault(key, []).append(part[:steps])
            arrays.setdefault(NEXT + key, []).append(part[1 : steps + 1])
        arrays.setdefault(ACTION, []).append(np.asarray(episode.actions))
        arrays.setdefault(REWARD, []).append(np.asarray(episode.rewards))
        arrays.setdefault(EPISODE, []).append(np.full(steps, number))
    joined = {key: np.concatenate(parts) for key, parts in arrays.items()}
    others = [key for key in joined if key not in names]
    return Log(source, {key: joined[key] for key in names if key in joined}, others=others)


def _parts(observations: Any) -> dict[str, Any]:
    """The parts of an episode's observations by their keys."""
    if isinstance(observations, Mapping):
        return {str(key): np.asarray(part) for key, part in observations.items()}
    return {_ONLY: np.asarray(observations)}
