"""Many environments of a family at once, transition for transition equal to single ones."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from hyperrl.masks import Masks
from hyperrl.recipes import CONTEXT, Context
from hyperrl.tasks.carriers import TERM_RETURN, Carriers
from hyperrl.tasks.contexts import ContextSpace
from hyperrl.tasks.dynamics import Dynamics
from hyperrl.tasks.env import CUSTOM_TASK
from hyperrl.tasks.sampler import TaskSampler
from hyperrl.tasks.schedules import Courses, Schedules
from hyperrl.tasks.spaces import contextual_space
from hyperrl.tasks.vector.infos import Advance, Ended, infos_of_ends, infos_of_starts


class BatchedEnv(VectorEnv[dict[str, Any], NDArray[Any], NDArray[Any]]):
    """A Gymnasium vector environment whose N environments advance in a few NumPy operations.

    An episode's end resets in the same step (`AutoresetMode.SAME_STEP`), with infos as `ContextualSyncEnv`
    gives them: `final_obs`, `final_info` (`task`, `context`, `episode` with `r` and `l`), and `task` and
    `context` of the new episode. Contexts are in infos at resets and ends alone; `context` is an
    object array of dicts.
    """

    metadata: ClassVar[dict[str, Any]] = {"autoreset_mode": AutoresetMode.SAME_STEP}  # type: ignore[misc]

    def __init__(
        self,
        dynamics: Dynamics,
        space: ContextSpace,
        carriers: Carriers,
        num_envs: int,
        max_steps: int,
        *,
        sampler: TaskSampler | None = None,
        owns_sampler: bool = False,
        contexts: Sequence[Mapping[str, float]] | None = None,
        options: Mapping[str, Any] | None = None,
        schedules: Schedules | None = None,
    ) -> None:
        """Prepare the tables of tasks; give either `sampler` or `contexts`, one per environment."""
        self.dynamics, self.space, self.sampler = dynamics, space, sampler
        self.num_envs, self.max_steps = num_envs, max_steps
        self.single_observation_space = contextual_space(dynamics.observation_space, space.box)
        self.single_action_space = dynamics.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._action_shape = self.action_space.shape
        self._carriers, self._owns_sampler, self._options = carriers, owns_sampler, dict(options or {})
        tasks = sampler.contexts if sampler is not None else list(contexts or ())
        self._contexts: list[Context] = [space.complete(context) for context in tasks]
        self._table_descriptors = space.descriptors(self._contexts)
        self._table_constants = np.stack([self._constants_of(context) for context in self._contexts])
        self._rngs = [seeding.np_random()[0] for _ in range(num_envs)]
        self._state: NDArray[np.float64] | None = None
        self._tasks = np.full(num_envs, CUSTOM_TASK)
        self._playing: list[Context] = [space.default] * num_envs
        self._descriptors = np.zeros((num_envs, space.descriptor_dim), np.float32)
        self._constants = np.zeros((self._table_constants.shape[1], num_envs))
        self._named = dict(zip(self._constant_names, self._constants, strict=True))
        self._elapsed = np.zeros(num_envs, np.int64)
        self._returns = np.zeros(num_envs)
        self._courses = Courses(schedules, space, num_envs)

    def _constants_of(self, context: Context) -> NDArray[np.float64]:
        constants = self._carriers.constants(self.dynamics, context)
        self._constant_names = tuple(constants)
        return np.array(list(constants.values()), np.float64)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Reset all environments; environment i is seeded with seed + i, or with seed[i].

        Options are those of the base environment's reset, one `context` for all environments, and Gymnasium's
        `reset_mask`, (N,) bool, which environments to reset.
        """
        merged = {**self._options, **(options or {})}
        values, mask = merged.pop(CONTEXT, None), merged.pop("reset_mask", None)
        everywhere = mask is None or self._state is None
        mask = np.ones(self.num_envs, np.bool_) if everywhere else np.array(mask, np.bool_)
        indices = np.flatnonzero(mask)
        self._seed(seed, indices)
        if values is None:
            self._take([self._draw(index) for index in indices.tolist()], indices)
        else:
            context = self.space.complete(values)
            descriptors, constants = self.space.descriptors([context]), self._constants_of(context)[:, None]
            self._assign(indices, CUSTOM_TASK, descriptors, constants, [context] * len(indices))
        starts = np.stack([self.dynamics.start(self._rngs[i], merged or None) for i in indices.tolist()])
        if self._state is None:
            self._state = starts
        self._state[indices] = starts
        self._note_starts(indices)
        return self.observation(), infos_of_starts(mask, self._tasks, self._playing)

    def _seed(self, seed: int | Sequence[int | None] | None, indices: NDArray[np.int64]) -> None:
        if seed is None:
            return
        seeds = [seed + i for i in range(self.num_envs)] if isinstance(seed, int) else list(seed)
        if len(seeds) != self.num_envs:
            raise ValueError(f"{len(seeds)} seeds for {self.num_envs} environments")
        if self._owns_sampler and self.sampler is not None and seeds[0] is not None:
            self.sampler.reseed(seeds[0])
        for index in indices.tolist():
            if seeds[index] is not None:
                self._rngs[index] = seeding.np_random(seeds[index])[0]
                self._courses.seed(index, seeds[index])

    def _draw(self, index: int) -> int:
        return index if self.sampler is None else self.sampler.next()

    def _take(self, tasks: Sequence[int], indices: NDArray[np.int64]) -> None:
        descriptors, constants = self._table_descriptors[tasks], self._table_constants[tasks].T
        self._assign(indices, tasks, descriptors, constants, [self._contexts[task] for task in tasks])

    def _assign(
        self,
        indices: NDArray[np.int64],
        tasks: Sequence[int] | int,
        descriptors: NDArray[np.float32],
        constants: NDArray[np.float64],
        contexts: Sequence[Context],
    ) -> None:
        self._tasks[indices] = tasks
        self._descriptors[indices] = descriptors
        self._constants[:, indices] = constants
        self._elapsed[indices] = 0
        self._returns[indices] = 0.0
        for index, context in zip(indices.tolist(), contexts, strict=True):
            self._playing[index] = context
            self._courses.begin(index, context)

    def _follow(self) -> None:
        """Set the contexts of environments whose features have changed in the latest step."""
        moved = self._courses.all_moved(self._elapsed)
        if moved:
            indices, contexts = [*moved], [*moved.values()]
            self._descriptors[indices] = self.space.descriptors(contexts)
            self._constants[:, indices] = np.stack([*map(self._constants_of, contexts)], axis=1)
            for index, context in moved.items():
                self._playing[index] = context

    def observation(self) -> dict[str, NDArray[np.float32]]:
        """Observe the present state, in new arrays; raises `gymnasium.error.ResetNeeded` before a reset."""
        if self._state is None:
            raise gym.error.ResetNeeded("Call reset before step.")
        seen = {self.dynamics.part: self._observe(), **self.dynamics.goals(self._state)}
        return {**seen, CONTEXT: self._descriptors.copy()}

    def _observe(self) -> NDArray[np.float32]:
        """Observe the present state of all environments."""
        assert self._state is not None
        return self.dynamics.observe(self._state)

    def _observe_rows(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        """Observe the present state of some environments."""
        assert self._state is not None
        return self.dynamics.observe(self._state[indices])

    def step(self, actions: NDArray[Any]) -> Any:
        """Advance all environments by `actions` (N, ...).

        Raises:
            ValueError: actions of another shape.
            gymnasium.error.ResetNeeded: before the first reset.
        """
        observation, reward, terminated, truncated, ended = self.advance(actions)
        infos: dict[str, Any] = {}
        if ended:
            mask = terminated | truncated
            infos = infos_of_ends(ended, mask) | infos_of_starts(mask, self._tasks, self._playing)
        return observation, reward, terminated, truncated, infos

    def advance(self, actions: NDArray[Any]) -> Advance:
        """Take the step as `step` does, in new arrays, and list the episodes that ended in it.

        For adapters that have another form for infos; raises as `step`.
        """
        if self._state is None:
            raise gym.error.ResetNeeded("Call reset before step.")
        actions = np.asarray(actions)
        if actions.shape != self._action_shape:
            raise ValueError(f"actions of shape {actions.shape}; {self._action_shape} is needed")
        self._state, reward, terminated = self.dynamics.step(self._state, actions, self._named)
        self._note_step()
        self._elapsed += 1
        self._follow()
        self._returns += reward
        truncated = self._elapsed >= self.max_steps
        indices = (terminated | truncated).nonzero()[0]
        ended = self._finish(indices) if len(indices) else []
        return self.observation(), reward, terminated, truncated, ended

    def _note_step(self) -> None:
        """Take note of the state after a step; here, nothing has to be noted."""

    @property
    def masked(self) -> bool:
        """Whether the dynamics tell which choices are valid."""
        return self.dynamics.masked

    def action_masks(self) -> Masks:
        """Which choices each environment's next action may make, (N, choices), in a new array.

        Raises:
            gymnasium.error.ResetNeeded: before the first reset.
        """
        if self._state is None:
            raise gym.error.ResetNeeded("Call reset before action_masks.")
        return self.dynamics.action_masks(self._state, self._named)

    def _finish(self, indices: NDArray[np.int64]) -> list[Ended]:
        """List the episodes that ended, tell the sampler of them, and begin new ones."""
        assert self._state is not None
        which = indices.tolist()
        seen = {self.dynamics.part: self._observe_rows(indices), **self.dynamics.goals(self._state[indices])}
        observed = {**seen, CONTEXT: self._descriptors[indices]}
        ended = [
            Ended(
                index,
                dict(zip(observed, last, strict=True)),
                {"task": task, CONTEXT: dict(self._playing[index].raw), "episode": {"r": total, "l": length}},
            )
            for index, last, task, total, length in zip(
                which, zip(*observed.values(), strict=True), self._tasks[indices].tolist(),
                self._returns[indices].tolist(), self._elapsed[indices].tolist(), strict=True,
            )
        ]  # fmt: skip
        for term, totals in self.dynamics.term_returns(self._state[indices]).items():
            for each, total in zip(ended, totals.tolist(), strict=True):
                each.info[f"{TERM_RETURN}{term}"] = total
        tasks = []
        for index, _, info in ended:
            if self.sampler is not None:
                self.sampler.update(info["task"], info["episode"]["r"])
            tasks.append(self._draw(index))
        self._take(tasks, indices)
        for index in which:
            self._state[index] = self.dynamics.start(self._rngs[index], self._options or None)
        self._note_starts(indices)
        return ended

    def _note_starts(self, indices: NDArray[np.int64]) -> None:
        """Take note that some environments are at the start of an episode; here, nothing has to be noted."""

    def set_idle(self, environments: Sequence[int]) -> None:
        """Nothing: to step all of a batch costs hardly more than to step a part of it."""

    def render(self) -> None:
        """Nothing: a batch has no pictures; a single environment of the family has."""

    def get_state(self) -> dict[str, Any]:
        """All that a continuation needs, random generators and sampler included: arrays and JSON data."""
        if self._state is None:
            raise gym.error.ResetNeeded("Call reset before get_state.")
        return {
            "state": self._state.copy(),
            "tasks": self._tasks.copy(),
            "values": self.space.values(self._playing),
            "elapsed": self._elapsed.copy(),
            "returns": self._returns.copy(),
            "rngs": [rng.bit_generator.state for rng in self._rngs],
            **self._courses.get_state(),
            "sampler": None if self.sampler is None else self.sampler.get_state(),
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Continue exactly where `get_state` was called.

        Raises:
            ValueError: the state is of another number of environments.
        """
        if not len(state["state"]) == len(state["rngs"]) == self.num_envs:
            raise ValueError(f"state of {len(state['state'])} environments; {self.num_envs} are needed")
        self._state = np.array(state["state"], np.float64)
        self._tasks = np.array(state["tasks"], np.int64)
        self._elapsed = np.array(state["elapsed"], np.int64)
        self._returns = np.array(state["returns"], np.float64)
        self._playing = self.space.contexts(np.asarray(state["values"], np.float64))
        self._descriptors[:] = self.space.descriptors(self._playing)
        self._constants[:] = np.stack([self._constants_of(context) for context in self._playing], axis=1)
        for rng, saved in zip(self._rngs, state["rngs"], strict=True):
            rng.bit_generator.state = saved
        self._courses.set_state(state)
        if self.sampler is not None and state["sampler"] is not None:
            self.sampler.set_state(state["sampler"])
