"""The minibatches of an algorithm's own training, for what is measured on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm

from hyperrl.policies.registry import view
from hyperrl.policies.view import Minibatches
from hyperrl.recipes import CONTEXT, AgentRecipe, Context
from hyperrl.tasks import Family

Batch = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class MinibatchShape(Minibatches):
    """What the policy is measured under.

    Attributes:
        descriptors: (tasks, D), the tasks that the rows of a minibatch are spread over.
    """

    descriptors: NDArray[np.float32]

    @classmethod
    def of(cls, model: BaseAlgorithm, descriptors: NDArray[np.float32]) -> MinibatchShape:
        """The model's own minibatches, their rows spread over as many of the tasks as there are rows."""
        own = view(model).minibatches
        return cls(**vars(own), descriptors=descriptors[: own.rows])

    def observations(self, space: gym.Space[Any], rows: int) -> Batch:
        """Observations of a family's space for so many rows of a minibatch."""
        return observations(space, self.descriptors[np.arange(rows) % len(self.descriptors)])


def descriptors_of(
    agent: AgentRecipe, family: Family, tasks: Sequence[Context], rows: int
) -> NDArray[np.float32]:
    """What takes the context's place in an agent's observations, (tasks, D).

    Args:
        agent: the recipe.
        family: the tasks' family.
        tasks: whose descriptors are taken, where the agent observes contexts.
        rows: how many latents are drawn at random, where it infers them: each row has one of its own.
    """
    if agent.inference is None:
        return family.space.descriptors(tasks)
    drawn = np.random.default_rng(0).uniform(-1, 1, (rows, agent.inference.latent))
    return drawn.astype(np.float32)


def observations(space: gym.Space[Any], descriptors: NDArray[np.float32]) -> Batch:
    """Observations of a family's space, drawn at random, one for each row of descriptors."""
    assert isinstance(space, gym.spaces.Dict)
    generator = np.random.default_rng(0)
    drawn = {
        name: _drawn(part, len(descriptors), generator)
        for name, part in space.spaces.items()
        if name != CONTEXT
    }
    return {**drawn, CONTEXT: descriptors}


def _drawn(space: gym.Space[Any], rows: int, generator: np.random.Generator) -> NDArray[Any]:
    if isinstance(space, gym.spaces.Box) and np.issubdtype(space.dtype, np.floating):
        normal = generator.standard_normal((rows, *space.shape))
        return np.clip(normal, space.low, space.high).astype(space.dtype)
    space.seed(int(generator.integers(2**31)))
    return np.stack([np.asarray(space.sample()) for _ in range(rows)])
