"""Variances over those of plain networks."""

from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.policies import ActorCriticPolicy, MultiInputActorCriticPolicy
from torch import Tensor

from hyperrl.analysis.initialization_check import ProbeBatch
from hyperrl.analysis.probe import run
from hyperrl.policies import BlindExtractor
from tests.analysis.policies import ODE, Policy, make_policy


def test_the_plain_network_is_stable_baselines(batch: ProbeBatch) -> None:
    """The plain weights that stand in for generated ones have the variances of SB3's own policy."""
    blind = MultiInputActorCriticPolicy
    options: dict[str, Any] = {"net_arch": [32, 32], "features_extractor_class": BlindExtractor}

    def variances(make: Policy, plain: bool) -> dict[str, Tensor]:
        sums: dict[str, Tensor] = {}
        for seed in range(32):
            policy = make(seed)
            given = policy.obs_to_tensor(batch.of(1))[0]
            found = run(policy, given, lambda outputs: torch.ones(batch.rows, outputs), plain).networks
            for layer, both in found.items():
                sums[layer] = sums.get(layer, torch.zeros(2)) + torch.stack(
                    [each.square().mean() for each in both]
                )
        return sums

    def own(seed: int) -> ActorCriticPolicy:
        torch.manual_seed(seed)
        seen = ODE.observation_space
        assert isinstance(seen, spaces.Dict)
        return blind(seen, ODE.action_space, lambda _: 1e-3, **options)

    theirs, ours = variances(own, False), variances(make_policy, True)
    assert list(ours) == list(theirs)
    for layer, values in ours.items():
        torch.testing.assert_close(values, theirs[layer], rtol=0.5, atol=0)
