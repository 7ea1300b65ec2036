"""Transitions that a user has recorded, checked against the spaces of a family's base environment."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.recipes import CONTEXT
from hyperrl.tasks import Family

ACTION, REWARD, EPISODE, TERMINATED, TRUNCATED = "action", "reward", "episode", "terminated", "truncated"
NEXT = "next_"
"""Stands before the name of a part of the observation after the action."""
_SLACK = 1e-4
"""How far an action may lie beyond its bounds, as a part of their distance: what decimals in a file cost."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Log:
    """The arrays of a recording, before they are checked.

    Attributes:
        source: where it comes from, for messages: "data 'log.csv'".
        arrays: by name; the first axis counts the rows.
        row: a row as messages name it, such as "line 4".
        others: names of what was found beside them.
    """

    source: str
    arrays: Mapping[str, NDArray[Any]]
    row: Callable[[int], str] = "row {}".format
    others: Sequence[str] = ()

    def refuse(self, what: str, found: str, allowed: str) -> UserError:
        """The error of something that is not allowed."""
        return UserError(f"{self.source}: {what}: found {found}; allowed: {allowed}")


@dataclass(frozen=True)
class Transitions:
    """T transitions of a family's base environment in one task.

    Attributes:
        observations: the parts of the observation before the action by their keys (`obs` where it is no
            dictionary), (T, ...); numbers in double precision, choices counted from 0.
        actions: what the agent gave, (T, ...); numbers in double precision, choices counted from 0.
        next_observations: the parts of the observation after the action, (T, ...).
        rewards: (T,), or None where they were not recorded.
        episodes: of how many episodes they are.
    """

    observations: Mapping[str, NDArray[Any]]
    actions: NDArray[Any]
    next_observations: Mapping[str, NDArray[Any]]
    rewards: Floats | None = None
    episodes: int = 1

    def __len__(self) -> int:
        return len(self.actions)

    def rows(self, which: NDArray[np.intp]) -> Transitions:
        """Some of the transitions."""
        before, after = (
            {key: part[which] for key, part in parts.items()}
            for parts in (self.observations, self.next_observations)
        )
        rewards = None if self.rewards is None else self.rewards[which]
        return Transitions(before, self.actions[which], after, rewards, self.episodes)

    def thinned(self, most: int) -> Transitions:
        """At most so many of the transitions, evenly spaced."""
        if len(self) <= most:
            return self
        return self.rows(np.linspace(0, len(self) - 1, most).round().astype(np.intp))


def base_parts(family: Family) -> dict[str, gym.Space[Any]]:
    """The parts of the base environment's observation by their keys, choices counted from 0."""
    space: Any = family.observation_space
    return {key: part for key, part in space.spaces.items() if key != CONTEXT}


def known_names(family: Family) -> list[str]:
    """The names that the arrays, or columns, of a recording may have."""
    parts = base_parts(family)
    return [*parts, ACTION, *(NEXT + key for key in parts), REWARD, TERMINATED, TRUNCATED, EPISODE]


def read_transitions(log: Log, family: Family) -> Transitions:
    """The transitions in a recording.

    Where it has no observations after the actions, those of the next row are taken, within an episode.

    Args:
        log: the arrays.
        family: without an agent's wrappers and stacked frames, as the base environment is.

    Raises:
        UserError: an array that is missing, of another length, shape or type, or that holds a number which
            is not finite, a choice or an action out of range; or too few transitions.
    """
    parts, starts = base_parts(family), family.adapter.starts
    wanted = [key for key in (*parts, ACTION) if key not in log.arrays]
    after = {key: NEXT + key for key in parts if NEXT + key in log.arrays}
    wanted += [NEXT + key for key in parts if after and key not in after]
    if wanted:
        there = ", ".join((*log.arrays, *log.others)) or "none"
        needed = f"{', '.join((*parts, ACTION))} (and {NEXT}{next(iter(parts))}, {REWARD}, {EPISODE}, ...)"
        raise log.refuse(f"{wanted[0]!r} is missing", there, needed)
    arrays = dict(log.arrays)
    count = len(arrays[ACTION])
    if not after and all(len(arrays[key]) == count + 1 for key in parts):
        for key in parts:  # the observation after the last action stands behind the others
            arrays[NEXT + key], arrays[key] = arrays[key][1:], arrays[key][:-1]
        after = {key: NEXT + key for key in parts}
    for name in (*parts, *after.values(), REWARD, TERMINATED, TRUNCATED, EPISODE):
        if name in arrays and len(arrays[name]) != count:
            raise log.refuse(f"{name!r}", f"{len(arrays[name])} rows", f"{count}, as {ACTION!r} has")
    seen = {key: _part(log, key, arrays[key], part, starts.get(key)) for key, part in parts.items()}
    ends, episode = _ends(log, arrays, count), _row(log, EPISODE, arrays)
    rewards = _row(log, REWARD, arrays)
    actions = _action(log, arrays[ACTION], family)
    changes = ends[:-1] if episode is None else ends[:-1] | (episode[1:] != episode[:-1])
    episodes = int(changes.sum()) + min(count, 1)
    if after:
        later = {
            key: _part(log, NEXT + key, arrays[NEXT + key], p, starts.get(key)) for key, p in parts.items()
        }
        transitions = Transitions(seen, actions, later, rewards, episodes)
    else:
        rows = np.flatnonzero(~changes)
        later = {key: part[rows + 1] for key, part in seen.items()}
        transitions = Transitions(seen, actions, seen, rewards, episodes).rows(rows)
        transitions = Transitions(
            transitions.observations, transitions.actions, later, transitions.rewards, episodes
        )
    least = len(family.space.names) + 2
    if len(transitions) < least:
        found = f"{len(transitions)} transitions in {count} {'row' if count == 1 else 'rows'}"
        raise UserError(f"{log.source}: found {found}; allowed: at least {least}, two more than features")
    return transitions


def _row(log: Log, name: str, arrays: Mapping[str, NDArray[Any]]) -> Floats | None:
    """One number for each row, (N,); None where there is no such array."""
    if name not in arrays:
        return None
    return np.asarray(_numbers(log, name, arrays[name], ()), np.float64)


def _ends(log: Log, arrays: Mapping[str, NDArray[Any]], count: int) -> NDArray[np.bool_]:
    """Whether an episode ends with a row, (N,)."""
    ends = np.zeros(count, np.bool_)
    for name in (TERMINATED, TRUNCATED):
        flags = _row(log, name, arrays)
        if flags is not None:
            _need(log, name, flags, (flags == 0) | (flags == 1), "0 or 1")
            ends |= flags == 1
    return ends


def _part(log: Log, name: str, array: NDArray[Any], space: gym.Space[Any], start: Any) -> NDArray[Any]:
    """A part of an observation, or an action: numbers in double precision, or choices counted from 0."""
    values = _numbers(log, name, array, tuple(space.shape or ()))
    if isinstance(space, gym.spaces.Box):
        return values
    low = np.zeros(space.shape or (), np.int64) if start is None else np.asarray(start)
    sizes = {"Discrete": "n", "MultiDiscrete": "nvec"}
    count = np.asarray(getattr(space, sizes.get(type(space).__name__, ""), 2))
    whole = (values == np.floor(values)) & (values >= low) & (values < low + count)
    least, most = int(np.min(low)), int(np.max(low + count - 1))
    _need(log, name, values, whole, f"whole numbers from {least} to {most}")
    choices: NDArray[Any] = (values - low).astype(np.int64)
    return choices


def _action(log: Log, array: NDArray[Any], family: Family) -> NDArray[Any]:
    """The actions, those a rounding error beyond their bounds at their bounds."""
    space = family.action_space
    values = _part(log, ACTION, array, space, family.adapter.action_start)
    if not isinstance(space, gym.spaces.Box):
        return values
    low, high = space.low.astype(np.float64), space.high.astype(np.float64)
    slack = _SLACK * (high - low)
    inside = (values >= low - slack) & (values <= high + slack)
    bounds = f"{low.min():g} to {high.max():g}, as the environment takes them (clip what saturates)"
    _need(log, ACTION, values, inside, bounds)
    clipped: NDArray[Any] = np.clip(values, low, high)
    return clipped


def _numbers(log: Log, name: str, array: NDArray[Any], shape: tuple[int, ...]) -> Floats:
    """Finite numbers (N, *shape)."""
    size = math.prod(shape)
    if array.dtype.kind not in "biuf":
        raise log.refuse(f"{name!r}", f"an array of {array.dtype}", "numbers")
    found = math.prod(array.shape[1:])
    if array.ndim < 1 or found != size or (array.ndim > 2 and array.shape[1:] != shape):
        each = f"{found} in a row" if array.ndim == 2 else f"the shape {array.shape}"
        allowed = "one number a row" if size == 1 else f"{size} a row, {(len(array), *shape)}"
        raise log.refuse(f"{name!r}", each, allowed)
    values = array.astype(np.float64).reshape(len(array), *shape)
    _need(log, name, values, np.isfinite(values), "finite numbers")
    return values


def _need(log: Log, name: str, values: NDArray[Any], good: NDArray[np.bool_], allowed: str) -> None:
    """Refuse the first number that is not good; `values` and `good` are (N, ...)."""
    if good.all():
        return
    row, *entry = (int(place[0]) for place in np.nonzero(~good))
    shape = good.shape[1:]
    index = f".{np.ravel_multi_index(entry, shape)}" if entry and math.prod(shape) > 1 else ""
    found = f"{values[(row, *entry)]:g}"
    raise log.refuse(f"{log.row(row)}, {name}{index}", found, allowed)
