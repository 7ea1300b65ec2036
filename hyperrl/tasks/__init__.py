"""Contexts, splits, task samplers and contextual environments."""

from hyperrl.tasks.contexts import Context, ContextSpace
from hyperrl.tasks.env import ContextualEnv
from hyperrl.tasks.family import Family
from hyperrl.tasks.registration import register
from hyperrl.tasks.sampler import TaskSampler

__all__ = [
    "Context",
    "ContextSpace",
    "ContextualEnv",
    "Family",
    "TaskSampler",
    "register",
]
