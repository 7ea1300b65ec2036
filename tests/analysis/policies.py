"""Policies that are probed."""

from collections.abc import Callable
from typing import Any

import torch
from stable_baselines3.common.policies import ActorCriticPolicy

from hyperrl.nets import HyperNetwork
from hyperrl.policies import HyperActorCriticPolicy
from hyperrl.tasks import Family

Policy = Callable[[int], ActorCriticPolicy]


ODE = Family.load("ode")


def make_policy(
    seed: int,
    spoil: Callable[[HyperActorCriticPolicy], None] | None = None,
    hypernetwork: dict[str, Any] | None = None,
    **options: Any,
) -> HyperActorCriticPolicy:
    torch.manual_seed(seed)
    policy = HyperActorCriticPolicy(
        ODE.observation_space,
        ODE.action_space,
        lambda _: 1e-3,
        hypernetwork={"hidden": (32,), **(hypernetwork or {})},
        **{"net_arch": [32, 32], **options},
    )
    if spoil is not None:
        with torch.no_grad():
            spoil(policy)
    return policy


def hypernetwork_of(policy: HyperActorCriticPolicy) -> HyperNetwork:
    hyper = policy.generated.hyper
    assert isinstance(hyper, HyperNetwork)
    return hyper
