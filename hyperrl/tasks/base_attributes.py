"""What an environment around a base environment passes on of it: attributes, generator, specification."""

from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec

from hyperrl.tasks.carriers import Carriers
from hyperrl.tasks.registration import time_limit


class BaseAttributes(gym.Env[dict[str, Any], Any]):
    """An environment that has the attributes of its base environment beside its own.

    Attributes:
        env: the base environment with its wrappers.
        carriers: bring the task to the base environment.
    """

    env: gym.Env[Any, Any]
    carriers: Carriers
    _spec: EnvSpec | None = None

    @property
    def base(self) -> gym.Env[Any, Any]:
        """The base environment, unwrapped."""
        return self.env.unwrapped

    @property
    def spec(self) -> EnvSpec | None:
        """The specification that `gymnasium.make` gave, with the time limit that the base has."""
        return self._spec

    @spec.setter
    def spec(self, value: EnvSpec | None) -> None:
        if value is not None and value.max_episode_steps is None:
            value = replace(value, max_episode_steps=time_limit(self.env) or None)
        self._spec = value

    @property
    def np_random(self) -> np.random.Generator:
        """The base environment's random generator."""
        return self.base.np_random

    @np_random.setter
    def np_random(self, value: np.random.Generator) -> None:
        self.base.np_random = value

    @property
    def np_random_seed(self) -> int:
        """The base environment's seed."""
        return self.base.np_random_seed

    @property
    def _np_random(self) -> np.random.Generator | None:  # type: ignore[override]
        return self.base._np_random

    def has_wrapper_attr(self, name: str) -> bool:
        """Whether this environment or the base environment with its wrappers has an attribute."""
        return hasattr(self, name) or self.env.has_wrapper_attr(name)

    def get_wrapper_attr(self, name: str) -> Any:
        """Get an attribute of this environment, or else of the base environment with its wrappers."""
        return getattr(self, name) if hasattr(self, name) else self.env.get_wrapper_attr(name)

    def set_wrapper_attr(self, name: str, value: Any, *, force: bool = True) -> bool:
        """Set an attribute where `get_wrapper_attr` reads it, and here if it is new and `force` is set.

        Raises:
            AttributeError: the attribute carries the task, which would overwrite it.
        """
        if any(carrier.owns(name) for carrier in self.carriers):
            raise AttributeError(f"{name!r} is the task's; set it by reset(options={{'context': ...}})")
        if hasattr(self, name) or not self.env.has_wrapper_attr(name):
            return super().set_wrapper_attr(name, value, force=force)
        return self.env.set_wrapper_attr(name, value, force=force)
