"""Environments with a fault for each way in which a family can be wrong and its file right."""

import math
from typing import Any

import gymnasium as gym
import numpy as np


class Faulty(gym.Env[Any, Any]):
    """Each attribute is at fault in its own way; those of `good` and `paid` are not."""

    observation_space = gym.spaces.Box(-1e6, 1e6, (3,), np.float64)
    action_space = gym.spaces.Discrete(2)

    def __init__(self, render_mode: str | None = None, bounded: float = 1.0) -> None:
        if bounded >= 2.0:
            raise ValueError("bounded must be below 2")
        self.good, self.reverts, self.leaks, self.starts, self.paid = 1.0, 1.0, 1.0, 1.0, 1.0
        self.bounded, self.doubled, self.told, self.bearing = bounded, 1.0, 0.0, 0.0
        self.twice = self.doubled + self.doubled
        self.worst, self.random, self.render_mode = 0.0, 0.0, render_mode

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.reverts = 1.0
        self.x = self.starts - 1.0
        return self._seen(), {}

    def _seen(self) -> Any:
        return np.array([self.x, self.told, math.sin(self.bearing)])

    def step(self, action: int) -> Any:
        self.worst = max(self.worst, self.leaks)
        noise = np.random.default_rng().normal() if self.random else 0.0
        factor = self.good * self.reverts * self.worst * self.bounded * self.doubled * self.twice
        self.x += factor * (action - 0.5) + noise
        return self._seen(), self.paid, self.x > 5.0, False, {}


class Configured(gym.Env[Any, Any]):
    """Keeps in a dictionary what moves it; the constructor reads some of that, and of it makes more."""

    observation_space = gym.spaces.Box(-1e6, 1e6, (1,), np.float64)
    action_space = gym.spaces.Discrete(2)

    def __init__(self, render_mode: str | None = None, config: dict[str, Any] | None = None) -> None:
        given = config or {}
        if given.get("bounded", 1.0) >= 2.0:
            raise ValueError("bounded must be below 2")
        self.config: dict[str, Any] = {"good": 1.0, "bounded": 1.0, "arm": {"doubled": 1.0}}
        self.config |= given
        self.twice, self.render_mode = 2.0 * self.config["arm"]["doubled"], render_mode

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.x = 0.0
        return np.array([self.x]), {}

    def step(self, action: int) -> Any:
        config = self.config
        factor = config["good"] * config["bounded"] * config["arm"]["doubled"] * self.twice
        self.x += factor * (action - 0.5)
        return np.array([self.x]), 1.0, False, False, {}


class Arm:
    """Computes its inertia once."""

    def __init__(self) -> None:
        self.length, self.config = 1.0, {"mass": 1.0}
        self.inertia = self.length**2 * self.config["mass"]
        self.load = 1.0


class Worded(Configured):
    """Takes its dictionary in other words than it keeps it."""

    def __init__(self, render_mode: str | None = None, config: str = "bounded is 1") -> None:
        super().__init__(render_mode, {"bounded": float(config.split()[-1])})


class Far(gym.Env[Any, Any]):
    """Walks to and fro; a weight lies at a place, by default one where no random walk of 100 steps gets."""

    observation_space = gym.spaces.Box(-1e6, 1e6, (1,), np.float64)
    action_space = gym.spaces.Discrete(2)

    def __init__(self, render_mode: str | None = None, place: float = 95) -> None:
        self.weight, self.place, self.render_mode = 1.0, place, render_mode

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.x = 0.0
        return np.array([self.x]), {}

    def step(self, action: int) -> Any:
        self.x += (2 * action - 1) / (self.weight if self.x >= self.place else 1.0)
        return np.array([self.x]), 0.0, False, False, {}


class Jointed(Far):
    """Holds one arm, or two of one class."""

    def __init__(self, render_mode: str | None = None, arms: int = 1) -> None:
        super().__init__(render_mode)
        self.arms = [Arm() for _ in range(arms)]
        self.arm = self.arms[0]

    def step(self, action: int) -> Any:
        arm = self.arm
        force = (action - 0.5) * arm.length * arm.load * self.arms[-1].load * arm.config["mass"]
        self.x += force / arm.inertia
        return np.array([self.x]), 0.0, False, False, {}


class Differing(Far):
    """Draws a part of itself that no seed holds, unless its constructor is given one."""

    def __init__(self, render_mode: str | None = None, task: dict[str, Any] | None = None) -> None:
        super().__init__(render_mode)
        self.slope = np.random.default_rng((task or {}).get("random")).normal()
        self.given = task

    def step(self, action: int) -> Any:
        self.x += (action - 0.5) * self.slope * self.weight
        return np.array([self.x]), 0.0, False, False, {}


def reloading(**kwargs: Any) -> gym.Env[Any, Any]:
    """A hopper whose resets bring the masses back with which it came."""
    from gymnasium.envs.mujoco.hopper_v5 import HopperEnv

    class Reloading(HopperEnv):
        came_with: Any = None

        def reset_model(self) -> Any:
            if self.came_with is None:
                self.came_with = HopperEnv().model.body_mass.copy()
            self.model.body_mass[:] = self.came_with
            return super().reset_model()  # type: ignore[no-untyped-call]

    return Reloading(**kwargs)


def drawing(**kwargs: Any) -> gym.Env[Any, Any]:
    """A hopper whose resets draw where its foot hangs and how rough the ground is."""
    from gymnasium.envs.mujoco.hopper_v5 import HopperEnv

    class Drawing(HopperEnv):
        def reset_model(self) -> Any:
            self.model.body("foot").pos[:] = self.np_random.uniform(-0.1, 0.1, 3)
            self.model.geom("floor").friction[:] = self.np_random.uniform(0.5, 1.5, 3)
            return super().reset_model()  # type: ignore[no-untyped-call]

    return Drawing(**kwargs)


gym.register("hyperrl-tests/Faulty-v0", entry_point=f"{__name__}:Faulty", max_episode_steps=30)
gym.register("hyperrl-tests/Configured-v0", entry_point=f"{__name__}:Configured", max_episode_steps=30)
gym.register("hyperrl-tests/Worded-v0", entry_point=f"{__name__}:Worded", max_episode_steps=30)
gym.register("hyperrl-tests/Reloading-v0", entry_point=f"{__name__}:reloading", max_episode_steps=30)
gym.register("hyperrl-tests/Drawing-v0", entry_point=f"{__name__}:drawing", max_episode_steps=30)
gym.register("hyperrl-tests/Jointed-v0", entry_point=f"{__name__}:Jointed", max_episode_steps=30)
gym.register("hyperrl-tests/Far-v0", entry_point=f"{__name__}:Far", max_episode_steps=200)
gym.register("hyperrl-tests/Differing-v0", entry_point=f"{__name__}:Differing", max_episode_steps=30)
