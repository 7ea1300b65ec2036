"""Using a model in training without changing what its training does next."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm


@contextmanager
def preserve_training_state(model: BaseAlgorithm) -> Iterator[None]:
    """Restore training's random generators and the policy's mode at the end of the block.

    These are Python's, NumPy's and torch's global generators, those of the model's device too.
    """
    policy = model.policy
    mode = policy.training
    with preserve_generators(_devices(model.device)):
        try:
            yield
        finally:
            policy.set_training_mode(mode)


@contextmanager
def preserve_generators(devices: Sequence[int] = ()) -> Iterator[None]:
    """Restore Python's, NumPy's and torch's global generators at the end of the block.

    Args:
        devices: CUDA devices whose generators are restored, too.
    """
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=devices):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


@contextmanager
def preserve_weights(model: BaseAlgorithm) -> Iterator[None]:
    """Restore the policy's weights at the end of the block."""
    before = {name: weights.clone() for name, weights in model.policy.state_dict().items()}
    try:
        yield
    finally:
        model.policy.load_state_dict(before)


def _devices(device: torch.device) -> list[int]:
    if device.type != "cuda":
        return []
    return [torch.cuda.current_device() if device.index is None else device.index]
