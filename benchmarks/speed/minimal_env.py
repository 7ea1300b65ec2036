"""Single environments with as little around them as there can be, to compare batches with.

The task's attributes are set and its descriptor is looked up at an episode's start; a step is the base
environment's own and a counter. There are no wrappers, no checks, nothing is copied and infos are empty.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from hyperrl.recipes import Context
from hyperrl.tasks import Family, TaskSampler

Observation = dict[str, NDArray[np.float32]]
Step = tuple[Observation, float, bool, bool, dict[str, Any]]


class LeanEnv(gym.Env[Observation, Any]):
    """A family's base environment, unwrapped, with the context in the observation.

    Args:
        family: whose base it is.
        sampler: hands out tasks, to other environments too.
    """

    def __init__(self, family: Family, sampler: TaskSampler) -> None:
        self.base: Any = family.make_base().unwrapped
        self.observation_space: Any = family.observation_space
        self.action_space = family.action_space
        self.sampler, self.limit = sampler, family.max_steps
        contexts = [family.space.complete(context) for context in sampler.contexts]
        self.attributes = [
            family.carriers.parameters(context, lambda name: getattr(self.base, name)) for context in contexts
        ]
        self.descriptors = family.space.descriptors(contexts)
        self.descriptor, self.length = self.descriptors[0], 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode of the sampler's next task."""
        task = self.sampler.next()
        self.descriptor, self.length = self.descriptors[task], 0
        self.set_task(task)
        observation, _ = self.base.reset(seed=seed)
        return {"obs": observation, "context": self.descriptor}, {}

    def set_task(self, task: int) -> None:
        """Set the task's attributes."""
        for name, value in self.attributes[task].items():
            setattr(self.base, name, value)

    def step(self, action: Any) -> Step:
        """Step the base environment and count."""
        observation, reward, terminated, _, _ = self.base.step(action)
        self.length += 1
        truncated = self.length >= self.limit
        return {"obs": observation, "context": self.descriptor}, reward, terminated, truncated, {}


class LeanSimulator(LeanEnv):
    """A lean environment whose tasks are quantities of a simulator.

    What a task changes in the simulator is worked out before the first episode, and copied at a reset.
    """

    def __init__(self, family: Family, sampler: TaskSampler) -> None:
        super().__init__(family, sampler)
        self.contexts = [family.space.complete(context) for context in sampler.contexts]
        self.carriers = family.carriers.attached(self)
        for task in range(len(self.contexts)):
            self.set_task(task)

    def set_task(self, task: int) -> None:
        """Bring the task to the simulator."""
        self.apply(self.contexts[task])

    def apply(self, context: Context) -> None:
        """Bring a task of one's own to the simulator."""
        for carrier in self.carriers:
            carrier.apply(context)

    def naming_failures(self, when: str) -> AbstractContextManager[None]:
        """Nothing is caught."""
        return nullcontext()


class PlainOde(gym.Env[Any, Any]):
    """The base of `ode` in plain Python numbers: faster for one environment than arrays of one entry."""

    c0 = 1.0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start x from U(-1, 1)."""
        super().reset(seed=seed)
        self.x = self.np_random.uniform(-1.0, 1.0)
        return np.array([self.x], np.float32), {}

    def step(self, action: Any) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Euler's step and the reward by |x|."""
        x = self.x + 0.01 * self.c0 * min(max(float(action[0]), -1.0), 1.0)
        self.x = x = min(max(x, -20.0), 20.0)
        away = abs(x)
        reward = 0.0 if away >= 2.0 else 0.05
        for edge, inside in ((0.5, 1 / 4), (0.2, 1 / 3), (0.1, 1 / 2), (0.05, 1.0)):
            if away >= edge:
                break
            reward = inside
        return np.array([x], np.float32), reward, False, False, {}


class PlainDoubleIntegrator(gym.Env[Any, Any]):
    """The base of `double-integrator` in plain Python numbers."""

    action_sign, mass = 1.0, 1.0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start at rest in a corner."""
        super().reset(seed=seed)
        size, side = self.np_random.uniform(0.8, 1.0, size=2), self.np_random.integers(0, 2, size=2)
        x, y = np.where(side == 1, size, -size).tolist()
        self.state = (x, y, 0.0, 0.0)
        return np.array(self.state, np.float32), {}

    def step(self, action: Any) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Move by the old velocity, then accelerate."""
        x, y, right, up = self.state
        across, along = action.tolist()
        x = min(max(x + 0.1 * right, -1.0), 1.0)
        y = min(max(y + 0.1 * up, -1.0), 1.0)
        right += 0.1 * min(max(self.action_sign * across, -1.0), 1.0) / self.mass
        up += 0.1 * min(max(self.action_sign * along, -1.0), 1.0) / self.mass
        self.state = (x, y, min(max(right, -1.0), 1.0), min(max(up, -1.0), 1.0))
        reward = 1.0 if (x * x + y * y) ** 0.5 <= 0.1 else 0.0
        return np.array(self.state, np.float32), reward, False, False, {}


PLAIN: dict[str, type[gym.Env[Any, Any]]] = {"ode": PlainOde, "double-integrator": PlainDoubleIntegrator}
"""Bases in plain Python for families whose own base computes with arrays."""


def leanest(family: Family, sampler: TaskSampler) -> LeanEnv:
    """The fastest single environment of a family that we know of."""
    env = LeanEnv(family, sampler)
    if family.name in PLAIN:
        env.base = PLAIN[family.name]()
    return env
