"""Plays tasks and records the transitions of their base environments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.evaluation.policy import Policy, begin_episodes, is_masked
from hyperrl.evaluation.zero_shot import MAX_EPISODE_STEPS, endless_error
from hyperrl.identify.transitions import Transitions
from hyperrl.tasks import Family
from hyperrl.tasks.contexts import assignment
from hyperrl.tasks.frame_stack import FrameStack
from hyperrl.tasks.spaces import draw_valid, parts_of


def play_tasks(
    family: Family,
    contexts: Sequence[Mapping[str, float]],
    *,
    policy: Policy | None = None,
    seeds: Sequence[int],
    options: Mapping[str, Any] | None = None,
) -> list[Transitions]:
    """Play one episode of each task, side by side.

    Args:
        family: of the tasks; its environments may stack frames, and have no wrappers.
        contexts: the tasks, N of them; features left out take their defaults.
        policy: acts; None: actions are drawn uniformly, valid ones where the environment has masks.
        seeds: of each task's start; the first is also that of drawn actions.
        options: reset options of the base environment.

    Returns:
        The transitions of each task: observations as the base environment gives them, without stacked frames.

    Raises:
        UserError: a number that is not finite, with its task and step, or episodes that do not end.
    """
    parts = _LastFrames(family)
    running = np.ones(len(contexts), np.bool_)
    rows: list[tuple[dict[str, Any], NDArray[Any], dict[str, Any], NDArray[Any], NDArray[np.bool_]]] = []
    rng = np.random.default_rng(seeds[0])
    if policy is not None:
        begin_episodes(policy)
    with closing(family.make_vec(len(contexts), contexts=contexts, options=options)) as env:
        env.action_space.seed(int(seeds[0]))
        observation, _ = env.reset(seed=[int(seed) for seed in seeds])
        for _ in range(MAX_EPISODE_STEPS):
            actions = _actions(env, policy, observation, rng)
            before = parts(observation)
            observation, rewards, terminated, truncated, ended = env.advance(actions)
            after = parts(observation)
            for index, last, _ in ended:
                for key, value in parts({key: np.asarray(each)[None] for key, each in last.items()}).items():
                    after[key][index] = value[0]
            rows.append((before, actions, after, np.asarray(rewards, np.float64), running.copy()))
            running &= ~(np.asarray(terminated) | np.asarray(truncated))
            if ended:
                env.set_idle([index for index, *_ in ended])
            if not running.any():
                break
        else:
            raise endless_error(family)
    taken = np.stack([row[4] for row in rows])
    found = [
        Transitions(
            {key: _of_task([row[0][key] for row in rows], task, taken) for key in parts.keys},
            _of_task([row[1] for row in rows], task, taken),
            {key: _of_task([row[2][key] for row in rows], task, taken) for key in parts.keys},
            _of_task([row[3] for row in rows], task, taken),
        )
        for task in range(len(contexts))
    ]
    for context, transitions in zip(contexts, found, strict=True):
        _check_finite(family, context, transitions)
    return found


def _check_finite(family: Family, context: Mapping[str, float], transitions: Transitions) -> None:
    """UserError, with task and step, where a number of a task's transitions is not finite."""
    named = [("observation", part) for part in transitions.next_observations.values()]
    named += [("action", transitions.actions), ("reward", np.asarray(transitions.rewards))]
    for what, rows in named:
        finite = np.isfinite(rows).reshape(len(rows), -1).all(axis=1)
        if not finite.all():
            task = assignment(family.space.complete(context))
            raise UserError(
                f"family {family.name!r}: the {what} is not finite after {int(np.argmin(finite)) + 1} steps"
                f" of task {task}"
            )


def joined(transitions: Sequence[Transitions]) -> Transitions:
    """Several transitions of one task, or of several, as one; rewards are those of all or none."""
    first = transitions[0]
    paid = [each.rewards for each in transitions if each.rewards is not None]
    return Transitions(
        {key: np.concatenate([each.observations[key] for each in transitions]) for key in first.observations},
        np.concatenate([each.actions for each in transitions]),
        {
            key: np.concatenate([each.next_observations[key] for each in transitions])
            for key in first.next_observations
        },
        np.concatenate(paid) if len(paid) == len(transitions) else None,
        sum(each.episodes for each in transitions),
    )


def _of_task(steps: Sequence[NDArray[Any]], task: int, taken: NDArray[np.bool_]) -> NDArray[Any]:
    """What happened in a task until its episode ended; numbers in double precision."""
    values = np.stack([each[task] for each, ran in zip(steps, taken[:, task], strict=True) if ran])
    return values.astype(np.float64) if values.dtype.kind == "f" else values


def _actions(
    env: Any, policy: Policy | None, observation: dict[str, Any], rng: np.random.Generator
) -> NDArray[Any]:
    masks = env.action_masks() if env.masked and (policy is None or is_masked(policy)) else None
    if policy is not None:
        return policy(observation) if masks is None else policy(observation, masks)
    if masks is None:
        return np.asarray(env.action_space.sample())
    return np.stack([draw_valid(env.single_action_space, mask, rng) for mask in masks])


class _LastFrames:
    """Takes the base environment's own observation out of one with stacked frames."""

    def __init__(self, family: Family) -> None:
        base: Any = family.adapter.observation_space
        stack = FrameStack(base, family.options.frame_stack)
        spaces: Any = parts_of(base)
        self.keys = tuple(spaces)
        self._places: dict[str, Any] = {
            key: (..., slice(-spaces[key].shape[axis], None), *[slice(None)] * (-1 - axis))
            for key, axis in stack.axes.items()
        }

    def __call__(self, observation: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
        """The parts (N, ...), in new arrays."""
        return {key: np.array(observation[key][self._places.get(key, ...)]) for key in self.keys}
