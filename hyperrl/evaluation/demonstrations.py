"""What teachers do: episodes of trained agents, as transitions from which another agent learns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.evaluation.policy import begin_episodes, takes_masks
from hyperrl.evaluation.zero_shot import MAX_EPISODE_STEPS, endless_error, start_seeds
from hyperrl.recipes import CONTEXT, Context

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm

    from hyperrl.tasks import Family

Array = NDArray[Any]
Observation = dict[str, Array]


@dataclass(frozen=True)
class Demonstrations:
    """Transitions of teachers, one a row.

    Attributes:
        contexts: the tasks.
        tasks: (row,), the number of each row's task.
        observations: the parts (row, ...) of observations, without the context.
        actions: (row, ...), what was done.
        advised: (row, ...), the teacher's most likely actions, which may not be what was done.
        rewards: (row,).
        next_observations: the parts (row, ...) of the observations that followed.
        terminated: (row,), whether the episode ended there, other than by a time limit.
    """

    contexts: tuple[Context, ...]
    tasks: NDArray[np.int64]
    observations: Observation
    actions: Array
    advised: Array
    rewards: NDArray[np.float32]
    next_observations: Observation
    terminated: NDArray[np.bool_]

    def __len__(self) -> int:
        """The number of transitions."""
        return len(self.tasks)

    @classmethod
    def join(cls, parts: Sequence[Demonstrations]) -> Demonstrations:
        """Those of several teachers, one after the other."""
        counts = np.cumsum([0, *(len(part.contexts) for part in parts)])
        return cls(
            tuple(context for part in parts for context in part.contexts),
            np.concatenate([part.tasks + first for part, first in zip(parts, counts, strict=False)]),
            _joined([part.observations for part in parts]),
            np.concatenate([part.actions for part in parts]),
            np.concatenate([part.advised for part in parts]),
            np.concatenate([part.rewards for part in parts]),
            _joined([part.next_observations for part in parts]),
            np.concatenate([part.terminated for part in parts]),
        )


def record(
    model: BaseAlgorithm, family: Family, contexts: Sequence[Mapping[str, float]], episodes: int, seed: int
) -> Demonstrations:
    """Have a teacher play tasks, and note at each step what it would do most likely.

    It draws its actions, so that observations about its way are seen too; a teacher that remembers the
    episode takes the most likely ones. Episodes start as in training.

    Args:
        model: the teacher.
        family: with environments as the teacher has them.
        contexts: the tasks.
        episodes: of each task, at least 1.
        seed: of the starts.

    Raises:
        UserError: an unknown feature, an environment whose episodes do not end, numbers that are not finite,
            or a teacher that takes action masks where there are none.
    """
    from hyperrl.evaluation.policy import ModelPolicy
    from hyperrl.policies.registry import view

    tasks = [family.space.complete(context) for context in contexts]
    numbers = np.repeat(np.arange(len(tasks)), episodes)
    starts: list[int | None] = [start for task in tasks for start in start_seeds(task, episodes, seed)]
    likely, drawing = ModelPolicy(model), ModelPolicy(model, deterministic=False)
    begin_episodes(likely)
    rows: list[tuple[Any, ...]] = []
    running = np.ones(len(starts), np.bool_)
    with closing(family.make_vec(len(starts), contexts=[tasks[number] for number in numbers])) as env:
        seen, _ = env.reset(seed=starts)
        masked = takes_masks(likely, family.name, env.masked)
        for _ in range(MAX_EPISODE_STEPS):
            masks = (env.action_masks(),) if masked else ()
            advised = likely(seen, *masks)
            actions = advised if view(model).remembers else drawing(seen, *masks)
            later, rewards, terminated, _, ended = env.advance(actions)
            last = {name: part.copy() for name, part in later.items()}
            for index, observation, _ in ended:
                for name, part in observation.items():
                    last[name][index] = part
            columns = (numbers, seen, actions, advised, rewards.astype(np.float32), last, terminated)
            rows.append(tuple(_of_rows(column, running) for column in columns))
            running[[index for index, *_ in ended]] = False
            if ended:
                env.set_idle([index for index, *_ in ended])
            if not running.any():
                return _finite(family, _gathered(tuple(tasks), rows))
            seen = later
    raise endless_error(family)


def _of_rows(column: Any, rows: NDArray[np.bool_]) -> Any:
    """Some rows of an array, or of the parts of observations but for their contexts."""
    if isinstance(column, dict):
        return {name: part[rows] for name, part in column.items() if name != CONTEXT}
    return np.asarray(column)[rows]


def _gathered(tasks: tuple[Context, ...], rows: Sequence[tuple[Any, ...]]) -> Demonstrations:
    columns: Any = zip(*rows, strict=True)
    joined: Any = [_joined(each) if isinstance(each[0], dict) else np.concatenate(each) for each in columns]
    return Demonstrations(tasks, *joined)


def _joined(parts: Sequence[Observation]) -> Observation:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _finite(family: Family, found: Demonstrations) -> Demonstrations:
    """The transitions; UserError where one has a number that is not finite."""
    arrays = [found.actions, found.rewards, *found.observations.values(), *found.next_observations.values()]
    if all(np.isfinite(array).all() for array in arrays if array.dtype.kind == "f"):
        return found
    raise UserError(f"family {family.name!r}: a teacher's transition holds numbers that are not finite")
