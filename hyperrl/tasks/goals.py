"""What hindsight asks of a family: the rewards of other goals, and the contexts that tell of them."""

from collections.abc import Sequence
from contextlib import closing
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.recipes import Context
from hyperrl.tasks.adapter import InterfaceError
from hyperrl.tasks.dynamics import Dynamics, GoalDynamics
from hyperrl.tasks.env import ContextualEnv
from hyperrl.tasks.family import Family
from hyperrl.tasks.spaces import ACHIEVED, DESIRED
from hyperrl.tasks.variants import present_env

_TRIAL_STEPS = 20
_MOST_TASKS = 10_000


class Goals:
    """The goals of a family.

    An observation tells what was achieved, and the goal where it is a part of it. Where features carry the
    goal (`goal` in the family's file), the context tells it too, or alone. Rewards are what the base
    environment's `compute_reward` says in the task that was played.

    Attributes:
        family: the family.
        features: those that are the goal's numbers, in order; empty: the observation alone tells the goal.
    """

    def __init__(self, family: Family) -> None:
        """Take a family, and make what its rewards come from.

        Raises:
            UserError: a family without goals, or whose steps do not pay what `compute_reward` says.
            BaseEnvironmentError: the base environment fails.
        """
        self.family, self.features = family, family.recipe.goal or ()
        self._columns = [family.space.names.index(name) for name in self.features]
        self._defaults = family.space.values([family.space.default])[0, self._columns]
        self._contexts: dict[bytes, Context] = {}
        self._refuse_other_spaces()
        dynamics = family.dynamics()
        self._rewards: _BaseRewards | _BatchedRewards
        if dynamics is not None and isinstance(dynamics.unwrapped, GoalDynamics):
            self._rewards = _BatchedRewards(family, dynamics, dynamics.unwrapped)
        else:
            self._rewards = _BaseRewards(family)
        self._compare_with_steps()

    def __reduce__(self) -> Any:
        """A copy has an environment of its own."""
        return type(self), (self.family,)

    def close(self) -> None:
        """Close the environment that computes rewards."""
        self._rewards.close()

    def rewards(
        self,
        achieved: NDArray[Any],
        desired: NDArray[Any],
        values: NDArray[np.float64],
        index: NDArray[np.intp],
    ) -> NDArray[np.float32]:
        """The rewards (N,) of what was achieved, had the goals been others.

        Args:
            achieved: (N, G), observed after each step.
            desired: (N, G), the other goals.
            values: (T, F), the contexts of T tasks, as `ContextSpace.values` has them.
            index: (N,), the task that each step was played in.

        Raises:
            BaseEnvironmentError: `compute_reward` fails, or returns anything but one number for each row.
        """
        if self.features:
            values = values.copy()
            values[:, self._columns] = self._defaults
            values, places = np.unique(values, axis=0, return_inverse=True)
            index = places[index]
        contexts = [self._context(row) for row in values]
        return self._rewards(achieved, desired, contexts, index).astype(np.float32)

    def _context(self, values: NDArray[np.float64]) -> Context:
        """The context of values (F,), which is made once."""
        key = values.tobytes()
        if key not in self._contexts:
            if len(self._contexts) >= _MOST_TASKS:
                self._contexts.clear()
            self._contexts[key] = self.family.space.contexts(values[None])[0]
        return self._contexts[key]

    def relabel(self, descriptors: NDArray[np.float32], goals: NDArray[Any]) -> NDArray[np.float32]:
        """Descriptors (N, D) that tell of other goals (N, G); what they do not tell stays missing."""
        return self.family.space.replace(descriptors, self.features, goals)

    def _refuse_other_spaces(self) -> None:
        """Refuse observations that do not tell what was achieved, or a goal that nothing tells."""
        space, name = self.family.observation_space, self.family.name
        assert isinstance(space, gym.spaces.Dict)
        needed = (ACHIEVED,) if self.features else (ACHIEVED, DESIRED)
        missing = [part for part in needed if part not in space.spaces]
        if missing:
            raise UserError(
                f"family {name!r}: found observations of {', '.join(space.spaces)};"
                f" allowed with algorithm.her: those with {' and '.join(missing)}"
            )
        shapes = {part: space[part].shape for part in (ACHIEVED, DESIRED) if part in space.spaces}
        if self.features:
            shapes["goal"] = (len(self.features),)
        if len(set(shapes.values())) > 1 or len(shapes[ACHIEVED] or ()) != 1:
            found = ", ".join(f"{part} of shape {shape}" for part, shape in shapes.items())
            raise UserError(
                f"family {name!r}: found {found}; allowed with algorithm.her: vectors of one size"
            )

    def _compare_with_steps(self) -> None:
        """Refuse a base whose steps pay something else than its `compute_reward` says."""
        space = self.family.space
        with closing(self.family.make_default()) as env:
            env.action_space.seed(0)
            for context in (space.default, self.family.tasks("train")[0]):
                env.reset(seed=0, options={"context": context})
                for _ in range(_TRIAL_STEPS):
                    observation, reward, terminated, truncated, _ = env.step(env.sample_action())
                    values = space.values([context])
                    desired = values[:, self._columns] if self.features else observation[DESIRED][None]
                    achieved, first = observation[ACHIEVED][None], np.zeros(1, np.intp)
                    computed = float(self.rewards(achieved, desired, values, first)[0])
                    if not np.isclose(computed, reward, rtol=1e-4, atol=1e-4):
                        raise UserError(
                            f"family {self.family.name!r}: found a step that paid {reward:g} where the base's"
                            f" compute_reward gives {computed + 0.0:g}; allowed with algorithm.her: the same"
                        )
                    if terminated or truncated:
                        break


class _BatchedRewards:
    """Rewards of dynamics of ours, in one operation for all tasks."""

    def __init__(self, family: Family, dynamics: Dynamics, goals: GoalDynamics) -> None:
        self._family, self._dynamics, self._goals = family, dynamics, goals
        self._constants: dict[Context, dict[str, float]] = {}

    def __call__(
        self,
        achieved: NDArray[Any],
        desired: NDArray[Any],
        contexts: Sequence[Context],
        index: NDArray[np.intp],
    ) -> NDArray[np.float64]:
        tasks = [self._constants_of(context) for context in contexts]
        constants = {name: np.array([task[name] for task in tasks])[index] for name in tasks[0]}
        return self._goals.goal_reward(achieved, desired, constants)

    def _constants_of(self, context: Context) -> dict[str, float]:
        if context not in self._constants:
            if len(self._constants) >= _MOST_TASKS:
                self._constants.clear()
            self._constants[context] = self._family.carriers.constants(self._dynamics, context)
        return self._constants[context]

    def close(self) -> None:
        """Nothing: there is no environment."""


class _BaseRewards:
    """Rewards of a base environment of their own, which is brought to one task after the other."""

    def __init__(self, family: Family) -> None:
        self._env: ContextualEnv = family.make_default()
        self._env.reset(seed=0)
        self._context = self._env.context
        if not self._inner.has_wrapper_attr("compute_reward"):
            self.close()
            raise UserError(
                f"family {family.name!r}: found a base environment without a method compute_reward;"
                " allowed with algorithm.her: one that has it"
            )

    @property
    def _inner(self) -> gym.Env[Any, Any]:
        return present_env(self._env.env)

    def __call__(
        self,
        achieved: NDArray[Any],
        desired: NDArray[Any],
        contexts: Sequence[Context],
        index: NDArray[np.intp],
    ) -> NDArray[np.float64]:
        rewards = np.zeros(len(index))
        for task, context in enumerate(contexts):
            rows = (index == task).nonzero()[0]
            if context != self._context:
                self._play(context)
            rewards[rows] = self._compute(achieved[rows], desired[rows])
        return rewards

    def _play(self, context: Context) -> None:
        """Bring a task to the environment; what it reads at resets alone needs one."""
        if self._env.carriers.at_resets:
            self._env.reset(options={"context": context})
        else:
            self._env.apply(context)
        self._context = context

    def _compute(self, achieved: NDArray[Any], desired: NDArray[Any]) -> NDArray[np.float64]:
        infos: list[dict[str, Any]] = [{} for _ in achieved]
        with self._env.naming_failures("the rewards of other goals"):
            rewards = np.asarray(self._inner.get_wrapper_attr("compute_reward")(achieved, desired, infos))
            if rewards.shape != (len(achieved),):
                raise InterfaceError(
                    f"compute_reward returned an array of shape {rewards.shape} for {len(achieved)} goals;"
                    f" allowed: {(len(achieved),)}"
                )
        return rewards.astype(np.float64)

    def close(self) -> None:
        self._env.close()
