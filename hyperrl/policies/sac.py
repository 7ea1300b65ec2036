"""SAC: its policies with generated and with plain networks, and its view."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from stable_baselines3 import SAC
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.preprocessing import get_action_dim
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.type_aliases import PyTorchObs
from stable_baselines3.sac.policies import LOG_STD_MAX, LOG_STD_MIN, MultiInputPolicy, SACPolicy
from stable_baselines3.sac.policies import Actor as SACActor
from torch import Tensor, nn

from hyperrl.policies.base import HyperPolicy
from hyperrl.policies.building import NetworkSpec
from hyperrl.policies.distributions import fast_distribution
from hyperrl.policies.effort import Effort
from hyperrl.policies.extractors import inputs_of
from hyperrl.policies.networks import GeneratedNetworks
from hyperrl.policies.off_policy import NO_LAYERS, CriticRate, HyperActorCritics
from hyperrl.policies.off_policy_view import ActorCriticsView
from hyperrl.policies.one_task import add_blocks, side_by_side, unless_one_task, with_effort_price
from hyperrl.policies.plain import with_last_layer
from hyperrl.policies.task_rows import known_tasks
from hyperrl.policies.view import Arguments, Network, Space, State, View
from hyperrl.recipes import CONTEXT
from hyperrl.tasks.contexts import ValueReader

ENTROPY = "log_ent_coef"
"""The logarithm of the entropy coefficient, where it is learned."""


class GeneratedActor(BasePolicy):
    """An actor that draws actions and squashes them, generated; the class to mix in ahead of SAC's.

    Args:
        generated: A network ``"actor"``; its outputs are means and log standard deviations, or, with gSDE,
            means and then its last hidden activations, which the noise depends on.
        latent: Size of these activations.
        effort: Price of the means; None: none.
        arguments: Those of the actor that it is mixed into.
    """

    action_dist: Any
    features_extractor: BaseFeaturesExtractor
    use_sde: bool
    clip_mean: float
    log_std_init: float
    log_std: Any
    mu: Any

    def __init__(
        self, generated: GeneratedNetworks, latent: int, effort: Effort | None = None, **arguments: Any
    ) -> None:
        super().__init__(**{**arguments, "net_arch": NO_LAYERS})
        self.action_dist = fast_distribution(self.action_dist)
        self.net_arch, self.latent = arguments["net_arch"], latent
        if self.use_sde:
            _, self.log_std = self.action_dist.proba_distribution_net(
                latent_dim=latent, latent_sde_dim=latent, log_std_init=self.log_std_init
            )
        else:
            self.log_std = nn.Identity()
        clipped = self.use_sde and self.clip_mean > 0
        self.mu = nn.Hardtanh(-self.clip_mean, self.clip_mean) if clipped else nn.Identity()
        self.generated, self.effort = generated, effort

    def _get_constructor_parameters(self) -> dict[str, Any]:
        own = {"generated": self.generated, "latent": self.latent, "effort": self.effort}
        return {**super()._get_constructor_parameters(), **own}

    def get_action_dist_params(self, obs: PyTorchObs) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Means (batch, actions), log standard deviations, and what gSDE's noise depends on."""
        outputs = self.generated(inputs_of(self, obs), "actor", known=known_tasks(obs))[0]
        actions = self.action_dist.action_dim
        means, rest = torch.tensor_split(outputs, [actions], dim=1)
        if self.effort is not None:
            means = self.effort(means)
        if self.use_sde:
            return self.mu(means), self.log_std, {"latent_sde": rest}
        return means, torch.clamp(rest, LOG_STD_MIN, LOG_STD_MAX), {}


class HyperSACActor(GeneratedActor, SACActor):
    """The actor of SAC."""


class HyperSquashedActorCritics(HyperActorCritics):
    """Base of the policies whose actor draws actions and squashes them."""

    actor_class: ClassVar[Any] = HyperSACActor

    def _add_actor_options(self, actor: Any) -> Any:
        add_blocks(actor.latent_pi, len(actor.net_arch), self.layer_norm, self.residual)
        actor.mu = with_effort_price(actor.mu, self._effort())
        return actor

    @partial(unless_one_task, then=_add_actor_options)
    def make_actor(self, features_extractor: BaseFeaturesExtractor | None = None) -> Any:
        """An actor with a hypernetwork of its own, or the plain one of one task."""
        arguments = self._update_features_extractor(self.actor_kwargs, features_extractor)
        extractor, hidden = arguments["features_extractor"], arguments["net_arch"]
        actions, sde = get_action_dim(self.action_space), arguments["use_sde"]
        head = NetworkSpec(actions if sde else 2 * actions, hidden, with_latent=sde)
        generated = self._generated_from(extractor, {"actor": head}, "actor")
        latent = self._latent(extractor, hidden)
        return self.actor_class(generated, latent, self._effort(), **arguments).to(self.device)

    def _plain_actor(self) -> nn.Sequential:
        actor = self.actor
        heads = actor.mu if actor.use_sde else side_by_side(actor.mu, actor.log_std)
        return nn.Sequential(actor.latent_pi, heads)


class HyperSACPolicy(HyperSquashedActorCritics, SACPolicy):
    """Stable-Baselines3's policy of SAC, every layer of its actor and its critics generated from the context.

    One hypernetwork makes the actor and one all critics, as each of the two has its optimizer; with the
    trunk ``"separate"`` each critic has its own. The target critics follow by Polyak averaging of the
    hypernetwork's parameters. Arguments are those of
    :class:`~hyperrl.policies.base.HyperPolicy`, ``critic_lr_scale`` (the critics' learning rate
    as a multiple of the algorithm's), and those of Stable-Baselines3's ``SACPolicy``. Actions are a Box.
    """


class ConcatSACPolicy(CriticRate, MultiInputPolicy):
    """Stable-Baselines3's ``MultiInputPolicy`` of SAC, with a rate of the critics' own."""


class SACView(ActorCriticsView):
    """View of SAC; base of the views of other maximum-entropy algorithms."""

    algorithm: ClassVar[type[BaseAlgorithm]] = SAC
    hyper_policy: ClassVar[type[HyperPolicy]] = HyperSACPolicy
    plain_policy: ClassVar[type[BasePolicy]] = ConcatSACPolicy
    sb3_policy: ClassVar[type[BasePolicy]] = SACPolicy
    attributes = (ENTROPY,)
    hyperparameters = ("gamma", "ent_coef")

    def _actor(self) -> list[nn.Module]:
        actor = self.policy.actor
        return [actor.latent_pi, actor.mu, *([] if actor.use_sde else [actor.log_std])]

    def networks(self, descriptor: Tensor) -> Mapping[str, Network]:
        """The actor, which ends with the mean action; each critic; and, without gSDE, ``"log_std"``."""
        networks = dict(super().networks(descriptor))
        actor = self.policy.actor
        if not actor.use_sde:
            size = get_action_dim(self.policy.action_space)
            first, *heads = self.specialized(descriptor)["actor"]
            hidden: list[nn.Module] = [first, *heads[1:]]
            if self.hyper is not None:
                hidden = [with_last_layer(first, lambda rows: rows[size:])]
            networks["log_std"] = Network(actor.features_extractor, hidden)
        return networks

    def _acting(self, actor: list[nn.Module]) -> list[nn.Module]:
        mu: nn.Module = self.policy.actor.mu
        if self.hyper is None:
            return [actor[0], mu, nn.Tanh()]
        size = get_action_dim(self.policy.action_space)
        means = with_last_layer(actor[0], lambda rows: rows[:size])
        return [means, *([mu] if self.parts else []), nn.Tanh()]

    def act_outputs(self, observation: Any) -> Tensor:
        """Mean actions, squashed by tanh."""
        return torch.tanh(self.policy.actor.get_action_dist_params(observation)[0])

    def _actor_outputs(self, observation: Any) -> list[Tensor]:
        means, spreads, _ = self.policy.actor.get_action_dist_params(observation)
        return [means] if self.policy.actor.use_sde else [means, spreads]

    def set_hyperparameters(self, readers: Mapping[str, ValueReader]) -> None:
        """See :meth:`View.set_hyperparameters`; the entropy coefficient must be a number, not learned.

        Log densities are multiplied where the actor gives them, so that in targets and in the actor's loss
        each row has the coefficient of its task.
        """
        super().set_hyperparameters(readers)
        if "ent_coef" in readers:
            actor = self.model.actor
            actor.action_log_prob = partial(weighed_log_prob, actor.action_log_prob, readers["ent_coef"])

    @classmethod
    def arguments(cls, fields: Arguments, observations: Space, actions: Space, to_learn: bool) -> Arguments:
        """The algorithm's arguments, with the target entropy as a number."""
        arguments = super().arguments(fields, observations, actions, to_learn)
        if arguments["target_entropy"] == "auto":
            arguments["target_entropy"] = _target_entropy(actions)
        return arguments if to_learn else {**arguments, "ent_coef": 0.0}

    @property
    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """The optimizers of the actor, of the critics, and of the entropy coefficient where it is learned."""
        learned = self.model.ent_coef_optimizer
        return super().optimizers if learned is None else {**super().optimizers, "ent_coef": learned}

    def learned(self) -> State:
        """The entropy coefficient, where it is learned.

        Stable-Baselines3's own `get_parameters` leaves it out: a soft actor-critic that goes on from it would
        explore as at its very start.
        """
        coefficient = self.model.log_ent_coef
        return {} if coefficient is None else {ENTROPY: coefficient.detach().clone()}

    def load_learned(self, state: State) -> None:
        """Sets the entropy coefficient; in a model that only acts, its constant."""
        stored, own = state.get(ENTROPY, state.get("off_policy", {}).get(ENTROPY)), self.model.log_ent_coef
        if not isinstance(stored, torch.Tensor) or stored.numel() != 1 or not stored.isfinite().all():
            return  # a checkpoint of an older version may lack it
        if own is not None:
            own.data.copy_(stored.reshape(own.shape))
        else:
            self.model.ent_coef_tensor.copy_(stored.exp().reshape(()))

    def plain_arguments(self, actions: Space) -> tuple[Arguments, Arguments]:
        """Arguments of the plain algorithm and of its policy, with the target entropy."""
        arguments, kwargs = super().plain_arguments(actions)
        return {**arguments, "target_entropy": _target_entropy(actions)}, kwargs

    def continue_from(self, other: View) -> None:
        """Hands over the entropy coefficient too, which is learned on."""
        super().continue_from(other)
        if other.model.log_ent_coef is not None:
            self.load_learned(other.learned())
        elif other.model.ent_coef_tensor > 0:
            self.load_learned({ENTROPY: other.model.ent_coef_tensor.log()})


def weighed_log_prob(
    action_log_prob: Callable[[Any], tuple[Tensor, Tensor]], reader: ValueReader, observations: Any
) -> tuple[Tensor, Tensor]:
    """Actions (row, action), and their log densities (row,) times the coefficients of their tasks.

    Args:
        action_log_prob: The actor's.
        reader: Reads the coefficients from contexts.
        observations: With their contexts.
    """
    actions, log_prob = action_log_prob(observations)
    coefficients: Tensor = reader(observations[CONTEXT])
    return actions, log_prob * coefficients.reshape(log_prob.shape)


def _target_entropy(actions: Space) -> float:
    """Minus the number of actions."""
    return -float(np.prod(actions.shape or ()))
