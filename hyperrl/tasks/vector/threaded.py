"""Contextual environments over Gymnasium's in MuJoCo, whose simulations advance side by side in threads."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.wrappers import OrderEnforcing, TimeLimit
from numpy.typing import NDArray

from hyperrl.recipes import CONTEXT
from hyperrl.tasks.env import ContextualEnv
from hyperrl.tasks.registration import time_limit
from hyperrl.tasks.sampler import TaskSampler
from hyperrl.tasks.simulators.formulas import FORMULAS, Formulas
from hyperrl.tasks.simulators.threads import Simulations
from hyperrl.tasks.vector.infos import Advance, Ended
from hyperrl.tasks.vector.sync import ContextualSyncEnv

MakeOne = Callable[[], ContextualEnv]


class ThreadedEnv(ContextualSyncEnv):
    """`ContextualSyncEnv` that steps its environments' simulations in threads, and computes the rest at once.

    Episodes begin by the environments' own resets. A step sets the controls, advances each environment's own
    simulation as the environment would, and computes observations, rewards and ends of all of them in a few
    NumPy operations. Trajectories are the same, bit for bit, with any number of threads.

    Attributes:
        simulations: advance in threads.
    """

    def __init__(
        self,
        make: Sequence[MakeOne],
        formulas: type[Formulas],
        sampler: TaskSampler | None = None,
        threads: int | None = None,
    ) -> None:
        """Make the environments.

        Args:
            make: makes each.
            formulas: theirs, as `formulas_of` finds them.
            sampler: belongs to these environments alone: `reset(seed=...)` seeds it.
            threads: at least 1; by default one for each core that this process may use.
        """
        super().__init__(make, sampler)
        envs: Any = self.envs
        self._envs: Sequence[ContextualEnv] = envs
        bases: list[Any] = [env.base for env in self._envs]
        self._formulas = formulas(bases)
        self.simulations = Simulations(
            [(base.model, base.data) for base in bases], threads, forces=formulas.forces
        )
        self._controls = [base.data.ctrl for base in bases]
        self._parameters = _Parameters(bases, formulas.parameters)
        acting, rewarding = (
            list(zip(*(env.carriers.overriding(method) for env in self._envs), strict=True))
            for method in ("action", "reward")
        )
        self._acting, self._rewarding = acting, rewarding
        self._stack = self._envs[0].stack
        self._limit = time_limit(self._envs[0].env) or np.iinfo(np.int64).max
        self._returns, self._lengths = np.zeros(self.num_envs), np.zeros(self.num_envs, np.int64)
        self._observed: dict[str, NDArray[Any]] = {}
        self._terms: dict[str, NDArray[Any]] = {}
        self._starts: dict[int, dict[str, Any]] = {}

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> Any:
        """See `ContextualSyncEnv.reset`."""
        mask = (options or {}).get("reset_mask")
        if self._observed:
            rows: list[Any] = [
                {key: part[row] for key, part in self._observed.items()} for row in range(self.num_envs)
            ]
            self._env_obs = rows
        observation, infos = super().reset(seed=seed, options=options)
        self._observed = {key: part.copy() for key, part in observation.items()}
        which = slice(None) if mask is None else mask
        self._returns[which], self._lengths[which] = 0.0, 0
        return observation, infos

    def advance(self, actions: Any) -> Advance:
        """Take the step as `step` does, and list the episodes that ended in it instead of infos.

        Raises:
            ValueError: actions of another shape.
            gymnasium.error.ResetNeeded: before the first reset.
            BaseEnvironmentError: MuJoCo raises an exception.
        """
        actions = np.asarray(actions)
        if actions.shape != self.action_space.shape:
            raise ValueError(f"actions of shape {actions.shape}; {self.action_space.shape} is needed")
        if not self._observed:
            raise gym.error.ResetNeeded("Call reset before step.")
        for carriers in self._acting:
            actions = carriers[0].actions(carriers, actions)
        observation, reward, terminated = self._simulate(actions)
        self._lengths += 1
        truncated = self._lengths >= self._limit
        if self._idle:
            idle = list(self._idle)
            self._lengths[idle] -= 1
            reward[idle], terminated[idle], truncated[idle] = 0.0, False, False
        self._returns += reward
        self._observed |= self._stack.push(self._observed, {"obs": observation})
        if self._envs[0].courses.active:
            self._follow()
        self._starts = {}
        rows = (terminated | truncated).nonzero()[0].tolist()
        ended = [self._begin_again(row) for row in rows]
        return (
            {key: part.copy() for key, part in self._observed.items()},
            reward,
            terminated,
            truncated,
            ended,
        )

    def _follow(self) -> None:
        """Set the contexts of environments whose features have changed in the latest step."""
        for row, (env, length) in enumerate(zip(self._envs, self._lengths.tolist(), strict=True)):
            descriptor = None if row in self._idle else env.follow(length)
            if descriptor is not None:
                self._observed[CONTEXT][row] = descriptor

    def _simulate(
        self, actions: NDArray[Any]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
        """Advance the simulations: observations, rewards, and which episodes the environments end."""
        parameters = self._parameters.read()
        self._formulas.before()
        for control, action in zip(self._controls, actions, strict=True):
            control[:] = action
        skips = self._parameters.skips
        if self._idle:
            skips = [0 if row in self._idle else count for row, count in enumerate(skips)]
        errors = self.simulations.step(skips)
        for row in sorted(errors):
            with self._envs[row].naming_failures(f"step {self._lengths[row] + 1} of an episode"):
                raise errors[row]
        observation, reward, terminated, self._terms = self._formulas.after(actions, parameters)
        for carriers in self._rewarding:
            reward, self._terms = carriers[0].rewards(carriers, reward, self._terms)
        return observation, reward, terminated

    def _begin_again(self, row: int) -> Ended:
        """Note the end of an environment's episode and begin its next."""
        env, total, length = self._envs[row], float(self._returns[row]), int(self._lengths[row])
        last = {key: part[row].copy() for key, part in self._observed.items()}
        ended = Ended(row, last, env.end_episode(total, length, self._info(row)))
        observation, self._starts[row] = env.reset()
        for key, part in observation.items():
            self._observed[key][row] = part
        self._returns[row], self._lengths[row] = 0.0, 0
        return ended

    def _info(self, row: int) -> dict[str, Any]:
        """What the base environment's info of the latest step holds."""
        terms = {name: values[row] for name, values in self._terms.items()}
        return {**self._formulas.places(row), **terms}

    def _row_infos(self) -> Sequence[dict[str, Any]]:
        return [self._starts[row] if row in self._starts else self._info(row) for row in range(self.num_envs)]

    def close_extras(self, **kwargs: Any) -> None:
        """End the threads and close the environments."""
        self.simulations.close()
        super().close_extras(**kwargs)


class _Parameters:
    """Attributes of base environments that a step reads, as arrays; they are new whenever somebody set one.

    Attributes:
        skips: how many steps of its simulation each environment's step takes.
    """

    def __init__(self, bases: Sequence[Any], names: Sequence[str]) -> None:
        self._bases, self._names = bases, ("frame_skip", *names)
        self._get = attrgetter("frame_skip", *self._names)  # of one name alone it would give no tuple
        self._options, self._timestep = [base.model.opt for base in bases], attrgetter("timestep")
        self._rows: list[tuple[Any, ...]] = []
        self._timesteps: list[float] = []

    def read(self) -> dict[str, NDArray[Any]]:
        """Each attribute of all environments, (N, ...), and `timestep` (s)."""
        rows, timesteps = list(map(self._get, self._bases)), list(map(self._timestep, self._options))
        if rows != self._rows or timesteps != self._timesteps:
            self._rows, self._timesteps = rows, timesteps
            _, *columns = zip(*rows, strict=True)
            self._arrays = {name: np.array(own) for name, own in zip(self._names, columns, strict=True)}
            self._arrays["timestep"] = np.array(timesteps)
            self.skips: list[int] = self._arrays["frame_skip"].tolist()
        return self._arrays


def make_side_by_side(
    make: Sequence[MakeOne], sampler: TaskSampler | None = None, threads: int | None = None
) -> ContextualSyncEnv:
    """Make environments that this process plays: a `ThreadedEnv` where there are formulas for them.

    Args:
        make: makes each.
        sampler: belongs to these environments alone: `reset(seed=...)` seeds it.
        threads: in which simulations advance; 0: the environments step one after the other.
    """
    first = make[0]()
    makers: list[MakeOne] = [lambda: first, *make[1:]]
    formulas = None if threads == 0 else formulas_of(first)
    if formulas is None:
        return ContextualSyncEnv(makers, sampler)
    return ThreadedEnv(makers, formulas, sampler, threads)


def formulas_of(env: ContextualEnv) -> type[Formulas] | None:
    """Find the formulas of an environment; None where its step may do something else than they do.

    There are some for Gymnasium's own classes, within the wrappers that `gymnasium.make` puts around them,
    without pictures, if no feature changes an observation or what formulas read once.
    """
    inner: Any = env.env
    while type(inner) in (OrderEnforcing, TimeLimit):
        inner = inner.env
    formulas = FORMULAS.get(f"{type(inner).__module__}:{type(inner).__qualname__}")
    if formulas is None or inner.render_mode is not None or env.carriers.overriding("observation"):
        return None
    changed = any(carrier.owns(name) for carrier in env.carriers for name in formulas.fixed)
    return None if changed else formulas
