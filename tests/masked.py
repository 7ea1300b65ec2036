"""A base environment that masks its actions, and families of it."""

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray

from hyperrl.recipes import load_agent
from hyperrl.tasks import Family, contextualize

ACTIONS: dict[str, spaces.Space[Any]] = {
    "discrete": spaces.Discrete(4),
    "from 2": spaces.Discrete(4, start=2),
    "multi-discrete": spaces.MultiDiscrete([2, 3]),
    "multi-discrete from 1": spaces.MultiDiscrete([2, 3], start=[1, 0]),
    "multi-binary": spaces.MultiBinary(3),
}
SIZES = {
    "discrete": (4,), "from 2": (4,), "multi-discrete": (2, 3), "multi-discrete from 1": (2, 3),
    "multi-binary": (2, 2, 2),
}  # fmt: skip


class Masked(gym.Env[Any, Any]):
    """Draws which choices are valid at each step, and raises where another one is taken."""

    observation_space = spaces.Box(-1.0, 1.0, (3,), np.float32)

    def __init__(self, actions: str = "discrete", by: str = "method", steps: int = 10) -> None:
        self.action_space, self.sizes, self.by, self.steps = ACTIONS[actions], SIZES[actions], by, steps
        self.pay = 1.0
        self.action_masks: Callable[[], NDArray[np.bool_]]
        if by == "method":
            self.action_masks = lambda: self.mask

    def _observed(self) -> tuple[NDArray[np.float32], dict[str, Any]]:
        parts = [self.np_random.random(size) < 0.5 for size in self.sizes]
        for part in parts:
            part[self.np_random.integers(len(part))] = True
        self.mask = np.concatenate(parts)
        info = {"action_mask": self.mask.astype(np.int8)} if self.by == "info" else {}
        return self.np_random.uniform(-1, 1, 3).astype(np.float32), info

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.taken = 0
        return self._observed()

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        assert self.action_space.contains(np.asarray(action, np.int8) if self.sizes[-1] == 2 else action)
        start = getattr(self.action_space, "start", 0)
        choices = np.ravel(np.asarray(action) - start)
        places = np.cumsum((0, *self.sizes[:-1])) + choices
        assert self.mask[places].all(), f"{action} is taken, of {self.mask}"
        self.taken += 1
        reward = float(self.pay * choices.sum())
        observation, info = self._observed()
        return observation, reward, False, self.taken == self.steps, info


class NoChoice(Masked):
    """Masks every action."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__()
        self.action_masks = lambda: np.zeros(4, np.bool_)


def masked_family(actions: str = "discrete", by: str = "method", **more: Any) -> Family:
    """A family of `Masked`, whose feature is what an action pays."""
    return contextualize(
        lambda: Masked(actions, by, **more), {"pay": {"default": 1.0, "train": [0.5, 2.0]}}, name="masked"
    )


def random_valid(masks: NDArray[np.bool_], actions: str, rng: np.random.Generator) -> NDArray[np.int64]:
    """Actions (n, ...), counted from 0, drawn among those that masks (n, choices) allow."""
    parts = np.split(masks, np.cumsum(SIZES[actions])[:-1], axis=1)
    drawn = [[rng.choice(np.flatnonzero(row)) for row in part] for part in parts]
    return np.array(drawn).T.reshape(len(masks), *(ACTIONS[actions].shape or ()))


def masked_model(family: Family, agent: str = "hyper-maskable-ppo") -> Any:
    """A model of maskable PPO that nobody trained, whose actions differ from observation to observation."""
    from hyperrl.training.build import bare_model

    model = bare_model(load_agent(agent), family.observation_space, family.action_space, to_learn=False)
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.policy.parameters():
            parameter.add_(0.5 * torch.randn_like(parameter))
    return model
