"""TQC of sb3-contrib: its policies with generated and with plain networks, and its view."""

from typing import Any

import torch
from sb3_contrib import TQC
from sb3_contrib.tqc.policies import Critic as TQCCritic
from sb3_contrib.tqc.policies import MultiInputPolicy, TQCPolicy
from stable_baselines3.common.type_aliases import PyTorchObs
from torch import Tensor

from hyperrl.policies.off_policy import CriticRate, GeneratedCritics
from hyperrl.policies.sac import HyperSquashedActorCritics, SACView
from hyperrl.policies.view import Arguments, Space


class HyperQuantileCritic(GeneratedCritics, TQCCritic):
    """The critics of TQC."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.quantiles_total = self.n_quantiles * self.n_critics

    def forward(self, obs: PyTorchObs, action: Tensor) -> Tensor:
        """The quantiles, (batch, critics, quantiles)."""
        return torch.stack(self.q_values(obs, action), dim=1)


class HyperTQCPolicy(HyperSquashedActorCritics, TQCPolicy):
    """sb3-contrib's policy of TQC, every layer of its actor and its critics generated from the context.

    As :class:`~hyperrl.policies.HyperSACPolicy`; each critic has ``n_quantiles`` outputs.
    """

    critic_class = HyperQuantileCritic


class ConcatTQCPolicy(CriticRate, MultiInputPolicy):  # type: ignore[misc]
    """sb3-contrib's ``MultiInputPolicy`` of TQC, with a rate of the critics' own."""


class TQCView(SACView):
    """View of TQC."""

    algorithm = TQC
    hyper_policy = HyperTQCPolicy
    plain_policy = ConcatTQCPolicy
    sb3_policy = TQCPolicy

    def plain_arguments(self, actions: Space) -> tuple[Arguments, Arguments]:
        """Arguments of the plain algorithm and of its policy, with as many quantiles."""
        arguments, kwargs = super().plain_arguments(actions)
        return arguments, {**kwargs, "n_quantiles": self.policy.critic_kwargs["n_quantiles"]}
