"""Stable-Baselines3's actors, critics and Q-networks of off-policy algorithms, their layers generated."""

from typing import Any, ClassVar

import torch
from stable_baselines3.common.policies import BaseModel, BasePolicy, ContinuousCritic
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.type_aliases import PyTorchObs
from stable_baselines3.dqn.policies import QNetwork
from stable_baselines3.sac.policies import LOG_STD_MAX, LOG_STD_MIN
from stable_baselines3.sac.policies import Actor as SACActor
from stable_baselines3.td3.policies import Actor as TD3Actor
from torch import Tensor, nn

from hyperrl.policies.effort import Effort
from hyperrl.policies.networks import GeneratedNetworks

_NO_LAYERS: list[int] = []


class HyperSACActor(SACActor):
    """The actor of SAC.

    Args:
        generated: A network ``"actor"``; its outputs are means and log standard deviations, or, with gSDE,
            means and then its last hidden activations, which the noise depends on.
        latent: Size of these activations.
        effort: Price of the means; None: none.
        arguments: Those of Stable-Baselines3's actor.
    """

    def __init__(
        self, generated: GeneratedNetworks, latent: int, effort: Effort | None = None, **arguments: Any
    ) -> None:
        super().__init__(**{**arguments, "net_arch": _NO_LAYERS})
        self.net_arch, self.latent = arguments["net_arch"], latent
        if self.use_sde:
            _, self.log_std = self.action_dist.proba_distribution_net(
                latent_dim=latent, latent_sde_dim=latent, log_std_init=self.log_std_init
            )
        else:
            self.log_std = nn.Identity()  # type: ignore[assignment]
        clipped = self.use_sde and self.clip_mean > 0
        self.mu = nn.Hardtanh(-self.clip_mean, self.clip_mean) if clipped else nn.Identity()
        self.generated, self.effort = generated, effort

    def _get_constructor_parameters(self) -> dict[str, Any]:
        own = {"generated": self.generated, "latent": self.latent, "effort": self.effort}
        return {**super()._get_constructor_parameters(), **own}

    def get_action_dist_params(self, obs: PyTorchObs) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Means (batch, actions), log standard deviations, and what gSDE's noise depends on."""
        outputs = self.generated(self.extract_features(obs, self.features_extractor), "actor")[0]
        actions = self.action_dist.action_dim
        means, rest = torch.tensor_split(outputs, [actions], dim=1)
        if self.effort is not None:
            means = self.effort(means)
        if self.use_sde:
            return self.mu(means), self.log_std, {"latent_sde": rest}
        return means, torch.clamp(rest, LOG_STD_MIN, LOG_STD_MAX), {}


class HyperTD3Actor(TD3Actor):
    """The actor of TD3.

    Args:
        generated: A network ``"actor"``; its outputs are actions before they are squashed.
        effort: Price of the actions; None: none.
        arguments: Those of Stable-Baselines3's actor.
    """

    def __init__(self, generated: GeneratedNetworks, effort: Effort | None = None, **arguments: Any) -> None:
        super().__init__(**{**arguments, "net_arch": _NO_LAYERS})
        self.net_arch = arguments["net_arch"]
        self.mu = nn.Sequential(nn.Tanh())
        self.generated, self.effort = generated, effort

    def _get_constructor_parameters(self) -> dict[str, Any]:
        own = {"generated": self.generated, "effort": self.effort}
        return {**super()._get_constructor_parameters(), **own}

    def forward(self, obs: PyTorchObs) -> Tensor:
        """Actions (batch, actions) in [-1, 1]."""
        means = self.generated(self.extract_features(obs, self.features_extractor), "actor")[0]
        actions: Tensor = self.mu(means if self.effort is None else self.effort(means))
        return actions


class GeneratedCritics(BaseModel):
    """Several critics, generated together by one hypernetwork; the class to mix in ahead of theirs.

    Args:
        generated: A network for each critic, ``critic_names(n_critics)``; each sees features and actions.
        arguments: Those of the critic that it is mixed into.
    """

    share_features_extractor: bool
    features_extractor: BaseFeaturesExtractor

    def __init__(self, generated: GeneratedNetworks, **arguments: Any) -> None:
        super().__init__(**{**arguments, "net_arch": _NO_LAYERS, "n_critics": 0})
        self.n_critics = arguments["n_critics"]
        self.names = critic_names(self.n_critics)
        self.generated = generated

    def q_values(self, obs: PyTorchObs, actions: Tensor) -> tuple[Tensor, ...]:
        """The outputs of each critic, (batch, outputs)."""
        with torch.set_grad_enabled(not self.share_features_extractor and torch.is_grad_enabled()):
            features = self.extract_features(obs, self.features_extractor)
        return tuple(self.generated(features, *self.names, actions=actions))


class HyperCritic(GeneratedCritics, ContinuousCritic):
    """The critics of SAC and TD3."""

    def forward(self, obs: PyTorchObs, actions: Tensor) -> tuple[Tensor, ...]:
        """The values (batch, 1) of each critic."""
        return self.q_values(obs, actions)

    def q1_forward(self, obs: PyTorchObs, actions: Tensor) -> Tensor:
        """The values (batch, 1) of the first critic."""
        with torch.no_grad():
            features = self.extract_features(obs, self.features_extractor)
        values: Tensor = self.generated(features, self.names[0], actions=actions)[0]
        return values


class GeneratedValues(BasePolicy):
    """The values of all actions, of a generated network; the class to mix in ahead of theirs.

    Args:
        generated: A network ``"critic"``, with outputs for each action.
        arguments: Those of the network that it is mixed into.
    """

    layers: ClassVar[str]
    """Where the network that it is mixed into has its layers."""

    def __init__(self, generated: GeneratedNetworks, **arguments: Any) -> None:
        super().__init__(**{**arguments, "net_arch": _NO_LAYERS})
        self.net_arch = arguments["net_arch"]
        setattr(self, self.layers, nn.Sequential())
        self.generated = generated

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {**super()._get_constructor_parameters(), "generated": self.generated}

    def forward(self, obs: PyTorchObs) -> Tensor:
        """The values (batch, actions)."""
        values: Tensor = self.generated(self.extract_features(obs, self.features_extractor), "critic")[0]
        return values


class HyperQNetwork(GeneratedValues, QNetwork):
    """The Q-network of DQN."""

    layers = "q_net"


def critic_names(count: int) -> tuple[str, ...]:
    """Names of critics: ``"critic0"`` the first."""
    return tuple(f"critic{number}" for number in range(count))
