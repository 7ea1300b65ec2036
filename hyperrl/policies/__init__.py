"""Stable-Baselines3 policies whose networks are generated, and what their baselines need."""

from hyperrl.policies.actor_critic import HyperActorCriticPolicy
from hyperrl.policies.extractors import BlindExtractor, ContextExtractor
from hyperrl.policies.generated import GeneratedMLP
from hyperrl.policies.generating import GeneratingPolicy
from hyperrl.policies.off_policy import (
    ConcatSACPolicy,
    ConcatTD3Policy,
    HyperDQNPolicy,
    HyperSACPolicy,
    HyperTD3Policy,
)
from hyperrl.policies.replay import ContextReplayBuffer

__all__ = [
    "BlindExtractor",
    "ConcatSACPolicy",
    "ConcatTD3Policy",
    "ContextExtractor",
    "ContextReplayBuffer",
    "GeneratedMLP",
    "GeneratingPolicy",
    "HyperActorCriticPolicy",
    "HyperDQNPolicy",
    "HyperSACPolicy",
    "HyperTD3Policy",
]
