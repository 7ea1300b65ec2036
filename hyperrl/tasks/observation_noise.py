"""Observations that are off: bounded noise on their numbers, drawn anew at each step."""

from collections.abc import Mapping
from contextlib import closing
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.tasks.family import Family
from hyperrl.tasks.spaces import draw_valid, float_parts

Floats = NDArray[np.float64]
Observation = Mapping[str, NDArray[Any]]

ENVS, STEPS = 16, 200
"""Environments and steps by which an entry's standard deviation is measured."""

_GOLDEN = 0x9E3779B97F4A7C15
_MIXERS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


def observation_scales(family: Family) -> dict[str, Floats]:
    """Standard deviation of each entry of the observations that noise is added to, by their part.

    It is measured on the training tasks under random actions, always the same ones: so it is a property of
    the family, and agents are compared under the same noise.

    Args:
        family: with the frame stack and the wrappers of an agent.

    Raises:
        UserError: observations without a part of floating-point numbers.
    """
    parts = float_parts(family.observation_space)
    if not parts:
        raise UserError(
            f"family {family.name!r}: observation noise: found observations of {family.observation_space};"
            " allowed: with a Box of floating-point numbers"
        )
    tasks = family.tasks("train")
    contexts = [tasks[index % len(tasks)] for index in range(ENVS)]
    seen: dict[str, list[NDArray[Any]]] = {name: [] for name in parts}
    with closing(family.make_vec(ENVS, contexts=contexts, threads=0)) as env, np.errstate(all="ignore"):
        rng, space = np.random.default_rng(0), env.single_action_space
        space.seed(0)
        observation, _ = env.reset(seed=list(range(ENVS)))
        for _ in range(STEPS):
            for name in parts:
                seen[name].append(observation[name].copy())
            if env.masked:
                actions = [draw_valid(space, mask, rng) for mask in env.action_masks()]
            else:
                actions = [space.sample() for _ in range(ENVS)]
            observation, *_ = env.advance(np.stack(actions))
    scales = {name: np.stack(rows).std(axis=(0, 1), dtype=np.float64) for name, rows in seen.items()}
    return {name: np.where(np.isfinite(scale), scale, 0.0) for name, scale in scales.items()}


class ObservationNoise:
    """Adds bounded noise to observations.

    Args:
        scales: of each part, as `observation_scales` measures them.
        size: the most that an entry is off, as a part of its scale.
    """

    def __init__(self, scales: Mapping[str, Floats], size: float) -> None:
        self._scales, self.size = dict(scales), size
        self._counts = {name: int(scale.size) for name, scale in scales.items()}

    @property
    def entries(self) -> int:
        """The numbers of one observation that noise is added to."""
        return sum(self._counts.values())

    def add(self, observation: Observation, numbers: Floats) -> dict[str, NDArray[Any]]:
        """Observations (N, ...) with noise, as new arrays.

        Args:
            observation: each part with N as first axis.
            numbers: (N, entries), between -1 and 1: the noise as a part of its bound.
        """
        changed, first = dict(observation), 0
        for name, scale in self._scales.items():
            part, last = observation[name], first + self._counts[name]
            noise = self.size * scale * numbers[:, first:last].reshape(len(part), *scale.shape)
            changed[name], first = (part + noise).astype(part.dtype), last
        return changed


def hashed_uniform(seeds: NDArray[np.uint64], step: int, count: int) -> Floats:
    """Numbers (N, count) in [-1, 1) that depend on a row's seed and the step alone.

    They are outputs of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), so that rows need no generator each.

    Args:
        seeds: (N,).
        step: from 0 on.
        count: numbers of each row.
    """
    with np.errstate(over="ignore"):
        golden = np.uint64(_GOLDEN)
        keys = _mix(_mix(seeds * golden) + np.uint64(step + 1) * golden)
        counters = np.arange(1, count + 1, dtype=np.uint64) * golden
        bits = _mix(keys[:, None] + counters)
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1.0


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    x = (x ^ (x >> np.uint64(30))) * np.uint64(_MIXERS[0])
    x = (x ^ (x >> np.uint64(27))) * np.uint64(_MIXERS[1])
    mixed: NDArray[np.uint64] = x ^ (x >> np.uint64(31))
    return mixed
