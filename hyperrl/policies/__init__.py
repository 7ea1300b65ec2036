"""Stable-Baselines3 policies whose networks are generated, and what their baselines need."""

from hyperrl.policies.actor_critic import HyperActorCriticPolicy
from hyperrl.policies.base import HyperPolicy
from hyperrl.policies.extractors import BlindExtractor, ContextExtractor
from hyperrl.policies.networks import GeneratedNetworks
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
    "GeneratedNetworks",
    "HyperActorCriticPolicy",
    "HyperDQNPolicy",
    "HyperPolicy",
    "HyperSACPolicy",
    "HyperTD3Policy",
]
