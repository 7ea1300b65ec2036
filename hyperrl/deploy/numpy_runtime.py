"""A specialist in NumPy: nothing else is needed to act."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hyperrl.deploy.layers import Array, numpy_chain
from hyperrl.deploy.plan import Specialist
from hyperrl.masks import ACTION_MASKS, Masks, masks_of_rows


class NumpyRuntime:
    """A specialist, ready to act.

    Attributes:
        specialist: its plan and arrays.
        masked: whether it takes action masks.
        flag: whether its task is far from training; None where the file does not tell.
    """

    def __init__(self, specialist: Specialist) -> None:
        plan, dense = specialist.plan, specialist.dense
        self.specialist, self.masked, self.flag = specialist, plan.action.masked, plan.flag
        self._inputs = [part.numpy(dense) for part in plan.inputs]
        self._layers, self._act = numpy_chain(plan.layers, dense), plan.action.numpy(dense)

    def __call__(self, observation: Any, action_masks: Any = None) -> Array:
        """The action on an observation, or n of them on a batch with n as first axis.

        Args:
            observation: an array, or a mapping where the environment's space is a Dict; a context in it is
                not looked at.
            action_masks: which choices are valid, (choices,), or (n, choices) for n observations, of a
                specialist that takes masks; None: all are.

        Returns:
            float32 within the action's bounds, or int64.

        Raises:
            ValueError: an observation of another shape, integers out of range, or parts missing; masks of
                another shape, masks that leave no choice, or a specialist that takes none.
        """
        several, parts = batched(self.specialist, observation)
        rows = [prepare(part) for prepare, part in zip(self._inputs, parts, strict=True)]
        outputs = self._layers(rows[0] if len(rows) == 1 else np.concatenate(rows, axis=1))
        if action_masks is not None:
            masks = checked_masks(self.specialist, action_masks, len(outputs))
            outputs = self.specialist.plan.action.without(outputs, masks)
        actions = self._act(outputs)
        return actions if several else actions[0]


def batched(specialist: Specialist, observation: Any) -> tuple[bool, list[Array]]:
    """Whether there are several observations, and their parts with a batch axis.

    Raises:
        ValueError: an observation of another shape, or parts missing.
    """
    inputs = specialist.plan.inputs
    parts = observation if isinstance(observation, Mapping) else {inputs[0].name: observation}
    missing = [part.name for part in inputs if part.name not in parts]
    if missing:
        raise ValueError(f"the observation lacks {missing}")
    arrays, several = [], False
    for part in inputs:
        array = np.asarray(parts[part.name], part.dtype)
        if array.shape == part.shape:
            array = array[None]
        elif array.shape[1:] == part.shape and array.ndim == len(part.shape) + 1:
            several = True
        else:
            batch = ", ".join(["n", *map(str, part.shape)])
            raise ValueError(
                f"{part.name}: found shape {array.shape}; allowed: {part.shape}, or ({batch}) for n of them"
            )
        arrays.append(array)
    return several, arrays


def checked_masks(specialist: Specialist, masks: Any, rows: int) -> Masks:
    """The masks of so many observations, (rows, choices); ValueError where they are none, or not taken."""
    action = specialist.plan.action
    if not action.masked:
        name = specialist.plan.algorithm
        raise ValueError(f"{ACTION_MASKS}: found some; allowed: none with the algorithm {name!r}")
    return masks_of_rows(masks, action.sizes, rows)
