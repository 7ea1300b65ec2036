"""Spaces that do not count their choices from 0, an agent on them, and its specialist."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces

from hyperrl.deploy.extract import extract_specialist, in_base_terms
from hyperrl.deploy.plan import Specialist
from hyperrl.evaluation.agent import Agent
from hyperrl.recipes import load_agent, resolve
from hyperrl.tasks import Family, contextualize
from hyperrl.training.build import bare_model
from tests.policies.worlds import disturb

ROWS = 200


SPACES: dict[str, tuple[spaces.Space[Any], spaces.Space[Any]]] = {
    "dictionary": (
        spaces.Dict(
            place=spaces.Discrete(4, start=-3), tiles=spaces.MultiDiscrete([3, 2], start=np.array([5, -1]))
        ),
        spaces.Discrete(3, start=1),
    ),
    "several actions": (spaces.Discrete(6, start=2), spaces.MultiDiscrete([3, 4], start=np.array([1, -2]))),
}


class Shifted(gym.Env[Any, Any]):
    """An environment of given spaces, which is never played."""

    def __init__(self, seen: spaces.Space[Any], done: spaces.Space[Any]) -> None:
        self.observation_space, self.action_space, self.gravity = seen, done, 1.0


def model_of(name: str) -> tuple[Family, Any]:
    family = contextualize(lambda: Shifted(*SPACES[name]), features={"gravity": {"train": [0.5, 2.0]}})
    recipe = resolve(load_agent("hyper-ppo"), family.recipe, ("policy.net_arch=[16]",))
    torch.manual_seed(0)
    model = bare_model(recipe, family.observation_space, family.action_space, to_learn=False)
    disturb(model.policy)
    return family, model


def samples_of(space: spaces.Space[Any]) -> Any:
    space.seed(0)
    drawn: Any = [space.sample() for _ in range(ROWS)]
    if isinstance(space, spaces.Dict):
        return {key: np.stack([each[key] for each in drawn]) for key in space.spaces}
    return np.stack(drawn)


def shifted(name: str) -> tuple[Family, Any, Specialist, Any, Any]:
    """The family, a model, the specialist of the base's terms, observations and what the agent does there."""
    family, model = model_of(name)
    own = in_base_terms(extract_specialist(model, "hyper-ppo", family, {}), family.adapter)
    seen = samples_of(SPACES[name][0])
    run: Any = None
    return family, model, own, seen, Agent(run, family, model).act(seen, {})
