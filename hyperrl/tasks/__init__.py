"""Contexts, splits, task samplers and contextual environments."""

from hyperrl.recipes import Context
from hyperrl.tasks.checks import CheckRow, check_family
from hyperrl.tasks.contexts import ContextSpace
from hyperrl.tasks.contextualize import contextualize
from hyperrl.tasks.env import ContextualEnv
from hyperrl.tasks.family import Family
from hyperrl.tasks.sampler import TaskSampler

__all__ = [
    "CheckRow",
    "Context",
    "ContextSpace",
    "ContextualEnv",
    "Family",
    "TaskSampler",
    "check_family",
    "contextualize",
]
