"""One minibatch of an algorithm's own training, for what is measured on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from hyperrl.recipes import CONTEXT
from hyperrl.training.callbacks import rollout_steps

MEMORY = "_last_lstm_states"

Batch = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class MinibatchShape:
    """What the policy is measured under.

    Attributes:
        rows: transitions in a minibatch.
        rest: transitions in the last minibatch of an epoch where the rollout does not divide; else 0.
        minibatches: full minibatches in an epoch; off policy, updates after a rollout.
        epochs: passes over a rollout; off policy 1.
        descriptors: (tasks, D), the tasks that the rows of a minibatch are spread over.
    """

    rows: int
    rest: int
    minibatches: int
    epochs: int
    descriptors: NDArray[np.float32]

    @classmethod
    def of(cls, model: BaseAlgorithm, descriptors: NDArray[np.float32]) -> MinibatchShape:
        """The model's own minibatches, their rows spread over as many of the tasks as there are rows."""
        if isinstance(model, OffPolicyAlgorithm):
            updates = model.gradient_steps if model.gradient_steps > 0 else rollout_steps(model)
            return cls(model.batch_size, 0, updates, 1, descriptors[: model.batch_size])
        assert isinstance(model, OnPolicyAlgorithm)
        rollout = model.n_steps * model.n_envs
        rows = min(int(getattr(model, "batch_size", rollout)), rollout)
        epochs = int(getattr(model, "n_epochs", 1))
        return cls(rows, rollout % rows, rollout // rows, epochs, descriptors[:rows])


def learning(model: Any, load: MinibatchShape, rows: int) -> tuple[Callable[[], object], int]:
    """The algorithm's own training on one minibatch of so many rows, and how many updates it takes.

    One, but as many as come for one of the actor where that is updated less often.
    """
    contexts = load.descriptors[np.arange(rows) % len(load.descriptors)]
    seen = observations(model.observation_space, contexts)
    if isinstance(model, OffPolicyAlgorithm):
        updates = int(getattr(model, "policy_delay", 1))
        model.replay_buffer = _replayed(model, seen, rows)

        def train() -> None:
            with _same_numbers():
                model.train(gradient_steps=updates, batch_size=rows)

        return train, updates
    model.rollout_buffer = _filled_buffer(model, seen, rows)
    for name, value in (("n_epochs", 1), ("batch_size", rows)):
        if hasattr(model, name):
            setattr(model, name, value)
    return model.train, 1


@contextmanager
def _same_numbers() -> Iterator[None]:
    """Has NumPy's global generator, by which replay draws, give the same numbers; puts it back afterwards."""
    before = np.random.get_state()
    np.random.seed(0)
    try:
        yield
    finally:
        np.random.set_state(before)


def _replayed(model: OffPolicyAlgorithm, seen: Batch, rows: int) -> Any:
    """A replay buffer that holds one transition of each row."""
    assert model.replay_buffer_class is not None
    buffer: Any = model.replay_buffer_class(
        rows, model.observation_space, model.action_space, model.device, n_envs=rows
    )
    model.action_space.seed(0)
    actions = np.stack([model.action_space.sample() for _ in range(rows)])
    zeros = np.zeros(rows, np.float32)
    buffer.add(seen, seen, actions, zeros, zeros, [{}] * rows)
    return buffer


def _filled_buffer(model: OnPolicyAlgorithm, seen: Batch, rows: int) -> Any:
    """A rollout buffer that holds one minibatch, as the algorithm's own would hand it out."""
    policy: Any = model.policy
    spaces = model.observation_space, model.action_space
    memory: Any = getattr(model, MEMORY, None)
    zeros = np.zeros(rows, np.float32)
    shapes: tuple[Any, ...] = ()
    remembered, told = {}, {}
    if memory is not None:
        layers, _, size = memory.pi[0].shape
        state = (torch.zeros(layers, rows, size),) * 2
        remembered = {"lstm_states": type(memory)(state, state), "episode_starts": torch.ones(rows)}
        shapes, told = ((1, layers, rows, size),), {"lstm_states": remembered["lstm_states"]}
    with torch.no_grad():
        actions, values, log_probs, *_ = policy(policy.obs_to_tensor(seen)[0], **remembered)
    made: Any = type(model.rollout_buffer)
    buffer = made(1, *spaces, *shapes, model.device, n_envs=rows)
    buffer.add(seen, actions.cpu().numpy(), zeros, zeros, values, log_probs, **told)
    buffer.advantages[:] = np.random.default_rng(0).standard_normal((1, rows))
    return buffer


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
