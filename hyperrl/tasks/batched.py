"""Many environments of a family at once over batched dynamics, transition for transition equal to single ones."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.tasks.contexts import Binding, Context, ContextSpace
from hyperrl.tasks.dynamics import Dynamics
from hyperrl.tasks.env import CUSTOM_TASK, contextual_space
from hyperrl.tasks.sampler import TaskSampler

Step = tuple[dict[str, Any], NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]


class BatchedEnv(VectorEnv[dict[str, Any], NDArray[Any], NDArray[Any]]):
    """A Gymnasium vector environment whose N environments advance in a few NumPy operations.

    An episode's end resets in the same step (`AutoresetMode.SAME_STEP`), with infos as `ContextualSyncEnv` gives them:
    `final_obs`, `final_info` (`task`, `context`, `episode` with `r` and `l`), and `task` and `context` of the new
    episode. Contexts are in infos at resets alone; `context` is an object array of dicts.
    """

    metadata: ClassVar[dict[str, Any]] = {"autoreset_mode": AutoresetMode.SAME_STEP}  # type: ignore[misc]

    def __init__(
        self,
        dynamics: Dynamics,
        space: ContextSpace,
        binding: Binding,
        num_envs: int,
        max_steps: int,
        *,
        sampler: TaskSampler | None = None,
        owns_sampler: bool = False,
        contexts: Sequence[Mapping[str, float]] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """Prepare the tables of tasks; exactly one of `sampler` and `contexts` (one per environment) is given."""
        self.dynamics, self.space, self.sampler = dynamics, space, sampler
        self.num_envs, self.max_steps = num_envs, max_steps
        self.single_observation_space = contextual_space(dynamics.observation_space, space.box)
        self.single_action_space = dynamics.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._binding, self._owns_sampler, self._options = binding, owns_sampler, dict(options or {})
        tasks = sampler.contexts if sampler is not None else list(contexts or ())
        self._contexts: list[Context] = [space.complete(context) for context in tasks]
        self._table_values = space.values(self._contexts)
        self._table_descriptors = space.encode(self._table_values)
        self._table_constants = np.stack([self._constants_of(context) for context in self._contexts], axis=1)
        self._rngs: list[np.random.Generator | None] = [None] * num_envs
        self._state: NDArray[np.float64] | None = None
        self._tasks = np.full(num_envs, CUSTOM_TASK)
        self._values = np.zeros((num_envs, len(space.names)))
        self._descriptors = np.zeros((num_envs, space.descriptor_dim), np.float32)
        self._constants = np.zeros((len(self._table_constants), num_envs))
        self._named = dict(zip(self._constant_names, self._constants, strict=True))
        self._elapsed = np.zeros(num_envs, np.int64)
        self._returns = np.zeros(num_envs)

    def _constants_of(self, context: Context) -> NDArray[np.float64]:
        defaults = self.dynamics.parameters
        constants = self.dynamics.constants(
            {**defaults, **self._binding.attributes(context, defaults.__getitem__)}
        )
        self._constant_names = tuple(constants)
        return np.array(list(constants.values()), np.float64)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Reset all environments; environment i is seeded with seed + i, or with seed[i].

        Options are those of the base environment's reset and `context`, one for all environments.
        """
        seeds = (
            [seed + i for i in range(self.num_envs)]
            if isinstance(seed, int)
            else list(seed or [None] * self.num_envs)
        )
        if len(seeds) != self.num_envs:
            raise ValueError(f"{len(seeds)} seeds for {self.num_envs} environments")
        if self._owns_sampler and self.sampler is not None and seeds[0] is not None:
            self.sampler.reseed(seeds[0])
        for i, each in enumerate(seeds):
            if each is not None:
                self._rngs[i] = seeding.np_random(each)[0]
        merged = {**self._options, **(options or {})}
        given = merged.pop("context", None)
        indices = np.arange(self.num_envs)
        if given is None:
            self._take(
                [i if self.sampler is None else self.sampler.next() for i in range(self.num_envs)], indices
            )
        else:
            self._play(self.space.complete(given))
        self._state = np.stack(
            [self.dynamics.start(self._rng(i), merged or None) for i in range(self.num_envs)]
        )
        return self.observation(), self._began(indices)

    def _rng(self, index: int) -> np.random.Generator:
        rng = self._rngs[index]
        if rng is None:
            rng = self._rngs[index] = seeding.np_random()[0]
        return rng

    def _take(self, tasks: Sequence[int], indices: NDArray[np.int64]) -> None:
        self._tasks[indices] = tasks
        self._values[indices] = self._table_values[tasks]
        self._descriptors[indices] = self._table_descriptors[tasks]
        self._constants[:, indices] = self._table_constants[:, tasks]
        self._elapsed[indices] = 0
        self._returns[indices] = 0.0

    def _play(self, context: Context) -> None:
        self._tasks[:] = CUSTOM_TASK
        self._values[:] = self.space.values([context])
        self._descriptors[:] = self.space.encode(self._values[:1])
        self._constants[:] = self._constants_of(context)[:, None]
        self._elapsed[:] = 0
        self._returns[:] = 0.0

    def _context(self, index: int) -> Context:
        return dict(zip(self.space.names, self._values[index].tolist(), strict=True))

    def _began(self, indices: NDArray[np.int64]) -> dict[str, Any]:
        """Infos of the environments that have just been reset."""
        contexts, tasks = np.full(self.num_envs, None, object), np.zeros(self.num_envs, np.int64)
        mask = np.zeros(self.num_envs, np.bool_)
        mask[indices] = True
        tasks[indices] = self._tasks[indices]
        for i in indices.tolist():
            contexts[i] = self._context(i)
        return {"task": tasks, "_task": mask, "context": contexts, "_context": mask.copy()}

    def observation(self) -> dict[str, NDArray[np.float32]]:
        """Observe the present state, new arrays; raises `gymnasium.error.ResetNeeded` before the first reset."""
        if self._state is None:
            raise gym.error.ResetNeeded("Call reset before step.")
        return {"obs": self.dynamics.observe(self._state), "context": self._descriptors.copy()}

    def step(self, actions: NDArray[Any]) -> Step:
        """Advance all environments by `actions` (N, ...)."""
        if self._state is None:
            raise gym.error.ResetNeeded("Call reset before step.")
        self._state, reward, terminated = self.dynamics.step(self._state, np.asarray(actions), self._named)
        self._elapsed += 1
        self._returns += reward
        truncated = self._elapsed >= self.max_steps
        done = terminated | truncated
        if not done.any():
            return self.observation(), reward, terminated, truncated, {}
        infos = self._finish(np.flatnonzero(done))
        return self.observation(), reward, terminated, truncated, infos

    def _finish(self, indices: NDArray[np.int64]) -> dict[str, Any]:
        """Report the finished episodes and begin new ones."""
        assert self._state is not None
        which, last = indices.tolist(), self.observation()
        infos = self._ended(indices, last)
        tasks = []
        for i in which:
            if self.sampler is None:
                tasks.append(i)
                continue
            self.sampler.update(int(self._tasks[i]), float(self._returns[i]))
            tasks.append(self.sampler.next())
        self._take(tasks, indices)
        for i in which:
            self._state[i] = self.dynamics.start(self._rng(i), self._options or None)
        infos.update(self._began(indices))
        return infos

    def _ended(self, indices: NDArray[np.int64], last: dict[str, NDArray[np.float32]]) -> dict[str, Any]:
        mask = np.zeros(self.num_envs, np.bool_)
        mask[indices] = True
        observations, contexts = np.full(self.num_envs, None, object), np.full(self.num_envs, None, object)
        for i in indices.tolist():
            observations[i] = {"obs": last["obs"][i], "context": last["context"][i]}
            contexts[i] = self._context(i)
        final = {
            "task": np.where(mask, self._tasks, 0),
            "_task": mask,
            "context": contexts,
            "_context": mask,
            "episode": {
                "r": np.where(mask, self._returns, 0.0),
                "_r": mask,
                "l": np.where(mask, self._elapsed, 0),
                "_l": mask,
            },
            "_episode": mask,
        }
        return {"final_obs": observations, "_final_obs": mask, "final_info": final, "_final_info": mask}

    def get_state(self) -> dict[str, Any]:
        """Everything that a continuation needs, the random generators and the sampler included: arrays and JSON data."""
        if self._state is None:
            raise gym.error.ResetNeeded("Call reset before get_state.")
        return {
            "state": self._state.copy(),
            "tasks": self._tasks.copy(),
            "values": self._values.copy(),
            "elapsed": self._elapsed.copy(),
            "returns": self._returns.copy(),
            "rngs": [None if rng is None else rng.bit_generator.state for rng in self._rngs],
            "sampler": None if self.sampler is None else self.sampler.get_state(),
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Continue exactly where `get_state` was called; raises UserError if the number of environments differs."""
        if len(state["state"]) != self.num_envs:
            raise UserError(f"state of {len(state['state'])} environments; {self.num_envs} are needed")
        self._state = np.array(state["state"], np.float64)
        self._tasks = np.array(state["tasks"], np.int64)
        self._values = np.array(state["values"], np.float64)
        self._elapsed = np.array(state["elapsed"], np.int64)
        self._returns = np.array(state["returns"], np.float64)
        self._descriptors[:] = self.space.encode(self._values)
        for i, context in enumerate(self.space.contexts(self._values)):
            self._constants[:, i] = self._constants_of(context)
        for i, saved in enumerate(state["rngs"]):
            self._rngs[i] = None if saved is None else np.random.Generator(np.random.PCG64())
            rng = self._rngs[i]
            if rng is not None:
                rng.bit_generator.state = saved
        if self.sampler is not None and state["sampler"] is not None:
            self.sampler.set_state(state["sampler"])
