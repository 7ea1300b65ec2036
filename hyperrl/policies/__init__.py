"""Stable-Baselines3 policies whose networks are generated, and what their baselines need."""

from hyperrl.policies.base import HyperPolicy
from hyperrl.policies.dqn import HyperDQNPolicy
from hyperrl.policies.extractors import BlindExtractor, ContextExtractor
from hyperrl.policies.networks import GeneratedNetworks
from hyperrl.policies.ppo import HyperActorCriticPolicy
from hyperrl.policies.replay import ContextReplayBuffer
from hyperrl.policies.sac import ConcatSACPolicy, HyperSACPolicy
from hyperrl.policies.td3 import ConcatTD3Policy, HyperTD3Policy

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
