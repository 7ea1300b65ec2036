"""Environments in files of their own, and families of them."""

from pathlib import Path
from typing import Any

from hyperrl.tasks import Family

ENV = """
import gymnasium as gym, numpy as np
from gymnasium import spaces

class Lamp(gym.Env):
    where = "{where}"

    def __init__(self, offset=0.5):
        self.gain, self.offset = 1.0, offset
        self.observation_space = spaces.Box(-99, 99, (1,), np.float32)
        self.action_space = spaces.Box(-1, 1, (1,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return np.zeros(1, np.float32), {{}}

    def step(self, action):
        self.t += 1
        reward = -abs(self.gain * float(action[0]) - self.offset)
        return np.full(1, self.t, np.float32), reward, False, False, {{}}
"""
REGISTRATION = 'gym.register("{id}", entry_point=Lamp, max_episode_steps=7)\n'


def write(path: Path, where: str = "", id: str | None = None, more: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(ENV.format(where=where) + (REGISTRATION.format(id=id) if id else "") + more)
    return path


def family(place: Path, base: str, **fields: Any) -> Family:
    place.mkdir(parents=True, exist_ok=True)
    feature = "{gain: {about: x, default: 1, train: [0.5, 2]}}"
    lines = ["about: x", f"base: {base}", f"features: {feature}"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    (place / "mine.yaml").write_text("\n".join(lines))
    return Family.load(str(place / "mine.yaml"))


def where(made: Family) -> Any:
    env = made.make()
    try:
        return env.base.where  # type: ignore[attr-defined]
    finally:
        env.close()
