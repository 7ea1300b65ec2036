"""Base environments that a keyword argument of their constructor tells apart."""

from collections.abc import Callable, Mapping
from typing import Any, SupportsFloat

import gymnasium as gym

from hyperrl.errors import UserError
from hyperrl.masks import ACTION_MASKS
from hyperrl.tasks.adapter import close_base
from hyperrl.tasks.spaces import spaces_of


class VariantEnv(gym.Env[Any, Any]):
    """Plays one of several environments; each is made when it is first chosen, and kept.

    Attributes:
        present: the one that is played.
    """

    present: gym.Env[Any, Any]

    def __init__(
        self, make: Callable[[Mapping[str, Any]], gym.Env[Any, Any]], arguments: Mapping[str, Any]
    ) -> None:
        """Begin with the environment of some arguments.

        Args:
            make: makes the environment of given keyword arguments.
            arguments: the first one's.
        """
        self._make = make
        self._envs: dict[tuple[Any, ...], gym.Env[Any, Any]] = {}
        self._seeded: set[gym.Env[Any, Any]] = set()
        self.choose(arguments)
        self.observation_space, self.action_space = spaces_of(self.present)
        self.metadata, self.render_mode = self.present.metadata, self.present.render_mode

    def choose(self, arguments: Mapping[str, Any]) -> None:
        """Play the environment of these arguments; it must be reset before it is stepped.

        Raises:
            UserError: it cannot be made, or its spaces are not those of the first.
        """
        key = tuple(arguments.values())
        if key not in self._envs:
            env = self._make(arguments)
            if self._envs:
                self._refuse_other_spaces(env, arguments)
            self._envs[key] = env
        self.present = self._envs[key]

    def _refuse_other_spaces(self, env: gym.Env[Any, Any], arguments: Mapping[str, Any]) -> None:
        for what, space in zip(("observation_space", "action_space"), spaces_of(env), strict=True):
            if space != getattr(self, what):
                values = ", ".join(f"{name}={value}" for name, value in arguments.items())
                raise UserError(
                    f"base environment with {values}: its {what} is {space};"
                    f" allowed: the others', {getattr(self, what)}"
                )

    @property
    def unwrapped(self) -> gym.Env[Any, Any]:
        """The present environment, unwrapped."""
        return self.present.unwrapped

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Reset the present environment; a seed is every variant's, also of those that are made later."""
        if seed is not None:
            super().reset(seed=seed)
            self._seeded = {self.present}
        elif self._seeded and self.present not in self._seeded:
            seed = int(self.np_random.integers(2**31))
            self._seeded.add(self.present)
        return self.present.reset(seed=seed, options=options)

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """Step the present environment."""
        return self.present.step(action)

    @property
    def action_masks(self) -> Any:
        """The present environment's method of this name; AttributeError where it has none."""
        return self.present.get_wrapper_attr(ACTION_MASKS)

    def render(self) -> Any:
        """Render the present environment."""
        return self.present.render()

    def close(self) -> None:
        """Close all that were made."""
        for env in self._envs.values():
            close_base(env)


def present_env(env: gym.Env[Any, Any]) -> gym.Env[Any, Any]:
    """The environment that is played: a `VariantEnv`'s present one, or any other environment itself."""
    return env.present if isinstance(env, VariantEnv) else env
