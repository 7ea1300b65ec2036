"""Stable-Baselines3 policies whose networks are generated, and what their baselines need."""

from hyperrl.policies.actor_critic import HyperActorCriticPolicy
from hyperrl.policies.extractors import BlindExtractor, ContextExtractor
from hyperrl.policies.generated import GeneratedMLP

__all__ = ["BlindExtractor", "ContextExtractor", "GeneratedMLP", "HyperActorCriticPolicy"]
