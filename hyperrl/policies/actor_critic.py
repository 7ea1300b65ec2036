"""The policy of PPO, A2C and their like, its actor and critic generated from the context."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.distributions import (
    DiagGaussianDistribution,
    Distribution,
    StateDependentNoiseDistribution,
)
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor, NatureCNN
from stable_baselines3.common.type_aliases import PyTorchObs, Schedule
from torch import Tensor, nn

from hyperrl.nets import MLP
from hyperrl.policies.choices import Choices
from hyperrl.policies.distributions import leaner
from hyperrl.policies.effort import Effort
from hyperrl.policies.extractors import CONTEXT, ContextExtractor, PixelExtractor, image_shape
from hyperrl.policies.generated import GeneratedMLP
from hyperrl.policies.optimizer import groups, scaled
from hyperrl.policies.targets import PixelCNN

SQRT2 = float(np.sqrt(2))

_WIDEST = 1e6
"""A declared range of descriptors at least this wide says nothing of where they lie."""


class GeneratedActorCritic(nn.Module):
    """An actor and a critic at the place of Stable-Baselines3's ``mlp_extractor``, heads included.

    Args:
        generated: Networks named ``"actor"``, its outputs the action distribution's parameters, and
            ``"critic"``, its one output the value.
    """

    def __init__(self, generated: GeneratedMLP) -> None:
        super().__init__()
        self.generated = generated

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """The actor's outputs (batch, outputs) and the values (batch, 1)."""
        actor, values = self.generated(features, "actor", "critic")
        return actor, values

    def forward_actor(self, features: Tensor) -> Tensor:
        """The actor's outputs alone."""
        actor: Tensor = self.generated(features, "actor")[0]
        return actor

    def forward_critic(self, features: Tensor) -> Tensor:
        """The values alone."""
        values: Tensor = self.generated(features, "critic")[0]
        return values


class HyperActorCriticPolicy(ActorCriticPolicy):
    """Stable-Baselines3's actor-critic policy, every layer of both networks generated from the context.

    Takes the place of ``MultiInputPolicy`` on a dictionary with a ``"context"``, and of ``MlpPolicy`` or
    ``MultiInputPolicy`` on any other observation space, where there is one task with one learned
    descriptor. The networks see the observation without the context; their weights carry it.

    Args:
        observation_space: Observation space.
        action_space: Box, Discrete, MultiDiscrete or MultiBinary.
        lr_schedule: Learning rate as a function of the progress remaining, from 1 to 0.
        net_arch: Hidden sizes of the target networks: ``[64, 64]`` or ``dict(pi=[64], vf=[128])``.
        activation_fn: Activation of the target networks.
        ortho_init: Generated weights start with the statistics of Stable-Baselines3's orthogonal
            initialisation, else with those of ``torch.nn.Linear``.
        features_extractor_class: Extractor of the observation's features, handed the space without its
            context.
        features_extractor_kwargs: Its further arguments.
        hypernetwork: Arguments of :class:`~hyperrl.nets.HyperNetwork`: ``strategy``, ``rank``, ``hidden``,
            ``activation`` and the others; beside them ``trunk``, ``inputs``, ``embedding_dim``,
            ``noise_dim``, ``missing``, ``training_contexts``, ``max_grad_norm``, ``lr_scale``, see
            :class:`~hyperrl.policies.choices.Choices`.
        layer_norm: Layer normalisation in the target networks' hidden layers.
        residual: Hidden layers of the target networks add their input to their output.
        convolutions: (channels, kernel size, stride) of generated convolutions ahead of the hidden layers, on
            observations that are one image; in place of a features extractor.
        effort_coef: Weight in the loss of the mean squared effort of continuous actions, see
            :class:`~hyperrl.policies.effort.Effort`.
        policy_options: The other arguments of ``ActorCriticPolicy``: ``use_sde``, ``log_std_init``,
            ``optimizer_class`` and so on.
    """

    mlp_extractor: GeneratedActorCritic  # type: ignore[assignment]

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        lr_schedule: Schedule,
        net_arch: list[int] | dict[str, list[int]] | None = None,
        activation_fn: type[nn.Module] = nn.Tanh,
        ortho_init: bool = True,
        features_extractor_class: type[BaseFeaturesExtractor] = ContextExtractor,
        features_extractor_kwargs: dict[str, Any] | None = None,
        hypernetwork: Mapping[str, Any] | None = None,
        layer_norm: bool = False,
        residual: bool = False,
        convolutions: Sequence[tuple[int, int, int]] | None = None,
        effort_coef: float = 0.0,
        **policy_options: Any,
    ) -> None:
        self.hypernetwork = dict(hypernetwork or {})
        self.choices = Choices.of(self.hypernetwork)
        self.layer_norm, self.residual, self.effort_coef = layer_norm, residual, effort_coef
        self.convolutions = None if convolutions is None else [(c, k, s) for c, k, s in convolutions]
        extraction = dict(features_extractor_kwargs or {})
        if convolutions is not None:
            extraction = {"inner": PixelExtractor}
            features_extractor_class = ContextExtractor
        elif not issubclass(features_extractor_class, ContextExtractor):
            if net_arch is None and features_extractor_class is NatureCNN:
                net_arch = []
            extraction["inner"] = features_extractor_class
            features_extractor_class = ContextExtractor
        if not policy_options.get("normalize_images", True):
            extraction["images_normalized"] = True
        super().__init__(
            observation_space,
            action_space,
            lr_schedule,
            list(net_arch) if isinstance(net_arch, tuple) else net_arch,
            activation_fn,
            ortho_init,
            features_extractor_class=features_extractor_class,
            features_extractor_kwargs=extraction,
            **policy_options,
        )

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {
            **super()._get_constructor_parameters(),
            "share_features_extractor": self.share_features_extractor,
            "hypernetwork": self.hypernetwork,
            "layer_norm": self.layer_norm,
            "residual": self.residual,
            "convolutions": self.convolutions,
            "effort_coef": self.effort_coef,
        }

    def _build(self, lr_schedule: Schedule) -> None:
        self.action_dist = leaner(self.action_dist)
        arch = (
            self.net_arch if isinstance(self.net_arch, dict) else {"pi": self.net_arch, "vf": self.net_arch}
        )
        self.mlp_extractor = GeneratedActorCritic(
            self._generated_networks(arch.get("pi", []), arch.get("vf", []))
        )
        self.action_net = nn.Identity()
        if self.effort_coef > 0 and isinstance(self.action_space, spaces.Box):
            self.action_net = Effort(self.effort_coef, self.action_space)
        self.value_net = nn.Identity()  # type: ignore[assignment]
        if self.ortho_init:
            for extractor in dict.fromkeys((self.pi_features_extractor, self.vf_features_extractor)):
                extractor.apply(partial(self.init_weights, gain=SQRT2))
        options: dict[str, Any] = {"lr": lr_schedule(1), **self.optimizer_kwargs}
        self.optimizer = self._made_optimizer(options)

    def _made_optimizer(self, options: dict[str, Any]) -> torch.optim.Optimizer:
        if self.choices.plain_optimizer:
            return self.optimizer_class(self.parameters(), **options)
        rates = {f"{part.removesuffix('s')}_lr_scale": rate for part, rate in self.choices.scales.items()}
        generated = self.generated.hyper.parameter_groups(**rates)
        made = scaled(self.optimizer_class)
        return made(groups(generated, self, self.choices.max_grad_norm), **options)

    def _generated_networks(self, actor_hidden: list[int], critic_hidden: list[int]) -> GeneratedMLP:
        extractor = self.features_extractor
        assert isinstance(extractor, ContextExtractor)
        features = int(extractor.features_dim - extractor.descriptor_dim)
        shape: dict[str, Any] = {
            "activation": self.activation_fn,
            "gain": SQRT2 if self.ortho_init else None,
            "layer_norm": self.layer_norm,
            "residual": self.residual,
        }
        made: Any = partial(MLP, features)
        latent = features
        if self.convolutions is not None:
            image = image_shape(self.observation_space)
            made = partial(PixelCNN, image, convolutions=self.convolutions)
            latent = PixelCNN(image, 1, self.convolutions).head.in_features
        sde = isinstance(self.action_dist, StateDependentNoiseDistribution)
        outputs = self._action_parameters(actor_hidden[-1] if actor_hidden else latent)
        return GeneratedMLP(
            {
                "actor": made(outputs, hidden=actor_hidden, out_gain=0.01, with_latent=sde, **shape),
                "critic": made(1, hidden=critic_hidden, **shape),
            },
            descriptor_dim=extractor.descriptor_dim,
            descriptor_range=_descriptor_range(self.observation_space),
            hypernetwork=self.hypernetwork,
            features_dim=features,
        )

    def _action_parameters(self, latent: int) -> int:
        """Number of outputs that the action distribution needs; sets ``log_std`` where it has one."""
        if isinstance(self.action_dist, (DiagGaussianDistribution, StateDependentNoiseDistribution)):
            head, self.log_std = self.action_dist.proba_distribution_net(
                latent, log_std_init=self.log_std_init
            )
        else:
            head = self.action_dist.proba_distribution_net(latent)  # type: ignore[assignment]
        assert isinstance(head, nn.Linear)
        return int(head.out_features)

    def _get_action_dist_from_latent(self, latent_pi: Tensor) -> Distribution:
        if not isinstance(self.action_dist, StateDependentNoiseDistribution):
            return super()._get_action_dist_from_latent(latent_pi)
        actions = self.action_dist.action_dim
        return self.action_dist.proba_distribution(
            self.action_net(latent_pi[:, :actions]), self.log_std, latent_pi[:, actions:]
        )

    def load_from_vector(self, vector: NDArray[np.float32]) -> None:
        """Sets all parameters from one vector, as ``parameters_to_vector`` gives it."""
        super().load_from_vector(vector)
        self.generated.drop_kept()

    @property
    def generated(self) -> GeneratedMLP:
        """The target networks and the hypernetwork that generates them."""
        return self.mlp_extractor.generated

    @torch.no_grad()
    def generated_weights(self, descriptors: Tensor) -> dict[str, Tensor]:
        """The weights of given tasks: ``"actor.0.weight"`` (task, out, in), ``"critic.0.bias"`` (task, out).

        Args:
            descriptors: (task, descriptor), as in ``obs["context"]``.

        Raises:
            ValueError: Weights follow the observation.
        """
        return self.generated.of_tasks(descriptors).dense()

    def specialize(self, descriptor: Tensor) -> nn.Sequential:
        """The plain actor of one task, from features to the action distribution's parameters.

        Args:
            descriptor: (descriptor,), as in ``obs["context"]``.

        Raises:
            ValueError: Weights follow the observation.
        """
        weights = self.generated.of_tasks(descriptor.unsqueeze(0))
        plain: nn.Sequential = dict(self.generated.target.named())["actor"].specialize(weights["actor"])
        return plain

    @property
    def dynamic(self) -> bool:
        """Whether weights follow the observation rather than the task alone."""
        return self.generated.inputs.dynamic

    def _predict(self, observation: PyTorchObs, deterministic: bool = False) -> Tensor:
        with self.generated.inputs.acting(deterministic):
            return super()._predict(observation, deterministic)

    @property
    def generation_seconds(self) -> float:
        """Seconds spent generating weights since the policy was made."""
        return self.generated.generation_seconds


def _descriptor_range(space: spaces.Space[Any]) -> tuple[Tensor, Tensor]:
    """Bounds of the declared descriptors; an entry without bounds, or nearly so, is taken as [-1, 1]."""
    if not isinstance(space, spaces.Dict) or CONTEXT not in space.spaces:
        return torch.tensor(-1.0), torch.tensor(1.0)
    box = space[CONTEXT]
    if not isinstance(box, spaces.Box):
        return torch.tensor(0.0), torch.tensor(1.0)
    low, high = box.low.astype(np.float64).flatten(), box.high.astype(np.float64).flatten()
    bounded = high - low < _WIDEST
    return torch.as_tensor(np.where(bounded, low, -1.0)), torch.as_tensor(np.where(bounded, high, 1.0))
