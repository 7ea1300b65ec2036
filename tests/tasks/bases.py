"""Base environments that several tests make families of."""

import ctypes
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from hyperrl.recipes import parse_family
from hyperrl.tasks import Family, contextualize


class Sizes(NamedTuple):
    """Two numbers, of which the second has a name."""

    high: int
    wide: int


class Counting(gym.Env[Any, Any]):
    """Holds numbers of every type; its steps need whole ones where it holds whole ones."""

    observation_space = gym.spaces.Box(-1e6, 1e6, (1,), np.float64)
    action_space = gym.spaces.Discrete(2)
    own, text = 1.0, "text"

    def __init__(self, render_mode: str | None = None, size: float = 1.0) -> None:
        self.plain, self.wide, self.byte = 1, np.int64(1), np.uint8(1)
        self.flag, self.truth, self.lone = True, np.bool_(True), np.array(1)
        self.loose, self.none = 1.0, None
        self.counts, self.goal, self.config = [1, 2], np.array([1, 2, 3, 4]), {"lanes": 1}
        self.pair, self.named = (1, 2), {"sizes": Sizes(1, 2)}
        self.size, self.render_mode = size, render_mode

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.x = 0
        return np.zeros(1), {}

    def step(self, action: int) -> Any:
        whole = (
            self.pair[0],
            self.named["sizes"].wide,
            self.plain,
            self.wide,
            self.byte,
            self.lone,
            self.counts[0],
            self.goal[0],
        )
        self.x += sum(len(range(each)) for each in whole) + len(range(self.config["lanes"]))
        assert self.flag in (0, 1)
        return np.array([self.x + self.flag + self.truth + self.size], np.float64), 0.0, False, False, {}


gym.register("hyperrl-tests/counting-v0", entry_point=f"{__name__}:Counting", max_episode_steps=10)


def counting(attribute: str, values: list[float], **feature: Any) -> Family:
    given = {
        "about": "x",
        "default": values[0],
        "train": [values[0], values[-1]],
        "values": values,
        **feature,
    }
    if "argument" not in feature:
        given["attribute"] = attribute
    data = {"name": "mine", "about": "x", "base": "hyperrl-tests/counting-v0", "features": {"n": given}}
    train = {"train": {"grid": {"n": values}}, "validation": [], "interpolation": [], "extrapolation": []}
    return Family(parse_family({**data, "splits": train}, "test"))


LEVELS = {"about": "level", "default": 0, "train": [0, 2], "values": [0, 1, 2], "encoding": "categorical"}


LEVEL = {**LEVELS, "argument": "level", "choices": ["low", "middle", "high"], "at": "reset"}


SPLITS = {
    "train": {"list": [{"level": 0}, {"level": 2}]},
    **{name: [] for name in ("validation", "interpolation", "extrapolation")},
}


MADE: list[str] = []


class Levels(gym.Env[Any, Any]):
    """Climbs by as much as its level says; the wide one sees two numbers."""

    action_space = gym.spaces.Box(-1, 1, (1,))

    def __init__(self, level: str = "low", render_mode: str | None = None) -> None:
        MADE.append(level)
        self.pull = np.array([0.0, 1.0])
        self.speed = {"low": 1.0, "middle": 2.0, "high": 3.0, "wide": 1.0}[level]
        self.render_mode = render_mode
        self.observation_space = gym.spaces.Box(-np.inf, np.inf, (2 if level == "wide" else 1,))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.height = 0.0
        return np.zeros(1, np.float32), {}

    def step(self, action: Any) -> Any:
        self.height += self.speed - 0.1 * float(self.pull[-1])
        return np.array([self.height], np.float32), 0.0, False, False, {}


gym.register("hyperrl-tests/levels-v0", entry_point=f"{__name__}:Levels", max_episode_steps=10)


def levels(level: dict[str, Any] = LEVEL, **more: Any) -> Family:
    data: dict[str, Any] = {"name": "mine", "about": "mine", "base": "hyperrl-tests/levels-v0"}
    return Family(parse_family({**data, "features": {"level": level}, "splits": SPLITS, **more}, "test"))


class Speaking(gym.Env[Any, Any]):
    """Speaks CARL's interface: contexts by id, one chosen at each reset, observations {"obs", "context"}."""

    def __init__(
        self, contexts: dict[int, dict[str, float]] | None = None, render_mode: str | None = None
    ) -> None:
        self.contexts = contexts or {0: {"gravity": 9.8, "friction": 0.1}}
        self.render_mode = render_mode
        self.observation_space = gym.spaces.Dict(
            {"obs": gym.spaces.Box(-np.inf, np.inf, (2,)), "context": gym.spaces.Box(-np.inf, np.inf, (2,))}
        )
        self.action_space = gym.spaces.Box(-1, 1, (1,))
        self.turn = -1

    def seen(self) -> dict[str, Any]:
        return {
            "obs": self.state.astype(np.float32),
            "context": np.array(list(self.context.values()), np.float32),
        }

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.turn = (self.turn + 1) % len(self.contexts)
        self.context = dict(self.contexts[self.turn])
        self.state = self.np_random.uniform(-1, 1, 2)
        return self.seen(), {"context_id": self.turn}

    def step(self, action: Any) -> Any:
        height, speed = self.state
        speed += 0.1 * (float(action[0]) - self.context["gravity"] - self.context["friction"] * speed)
        self.state = np.array([height + 0.1 * speed, speed])
        return self.seen(), -abs(float(height)), False, False, {}


gym.register("hyperrl-tests/speaking-v0", entry_point=f"{__name__}:Speaking", max_episode_steps=30)


def speaking(**more: Any) -> Family:
    features = {
        "gravity": {
            "about": "pull",
            "default": 9.8,
            "train": [5, 15],
            "attribute": "contexts.0.gravity",
            "at": "reset",
        },
        "friction": {
            "about": "drag",
            "default": 0.1,
            "train": [0.0, 1],
            "attribute": "contexts.0.friction",
            "at": "reset",
        },
    }
    data = {"name": "mine", "about": "mine", "base": "hyperrl-tests/speaking-v0", "features": features}
    return Family(parse_family({**data, "observe": ["obs"], **more}, "test"))


BOX = spaces.Box(-9, 9, (2,), np.float32)


PUSH = spaces.Box(-1, 1, (1,), np.float32)


class Base(gym.Env[Any, Any]):
    """Hands over what it is told to; episodes last three steps."""

    seen: Any = np.zeros(2, np.float32)
    reward: Any = 1.0
    info: Any = {}  # noqa: RUF012
    fails: Callable[[], Any] | None = None

    def __init__(self, **given: Any) -> None:
        self.observation_space, self.action_space, self.gain = BOX, PUSH, 1.0
        self.acted: list[Any] = []
        vars(self).update(given)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.t = 0
        return self.seen, {}

    def step(self, action: Any) -> Any:
        self.t += 1
        self.acted.append(action)
        if self.fails is not None and self.t == 2:
            return self.fails()
        return self.seen, self.reward, False, self.t >= 3, self.info


def family_of_base(**given: Any) -> Family:
    return contextualize(lambda: Base(**given), {"gain": {"train": [0.5, 2.0]}})


class UnsendableError(Exception):
    """Needs two arguments, of which pickle knows none."""

    def __init__(self, place: str, depth: int) -> None:
        super().__init__(f"{place} at {depth}")


class Fragile(gym.Env[Any, Any]):
    """Refuses to be made, or fails at its first step."""

    observation_space = gym.spaces.Box(-1, 1, (1,))
    action_space = gym.spaces.Discrete(2)
    power = 0.0

    def __init__(self, how: str = "") -> None:
        self.how = how

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        return np.zeros(1, np.float32), {}

    def step(self, action: Any) -> Any:
        match self.how:
            case "unsendable":
                raise UnsendableError("a wall", 3)
            case "ends":
                os._exit(3)
            case "crashes":
                ctypes.string_at(0)
        raise ArithmeticError("out of bounds")


class Unreadable:
    """Becomes bytes, and nothing else again."""

    def __reduce__(self) -> Any:
        return int, ("nothing",)


class Telling(Fragile):
    """Says what can travel, what cannot, and in every other episode what cannot be read on arrival."""

    episodes = 0

    def step(self, action: Any) -> Any:
        self.episodes += 1
        info: dict[str, Any] = {"task": "walk", "there": np.zeros(2), "file": lambda: None}
        if self.episodes % 2 == 0:
            info = {"there": Unreadable()}
        return np.zeros(1, np.float32), 0.0, False, True, info
