"""Views of off-policy algorithms: replay, critics and targets."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.noise import NormalActionNoise
from torch import Tensor, nn
from torch.nn import functional

from hyperrl.policies import replay
from hyperrl.policies.extractors import has_context
from hyperrl.policies.hindsight import HindsightReplayBuffer
from hyperrl.policies.index_replay import IndexReplayBuffer
from hyperrl.policies.inference import NAME, ContextInference
from hyperrl.policies.replay import ContextReplayBuffer
from hyperrl.policies.view import (
    Arguments,
    Draw,
    Expect,
    Imitated,
    Minibatches,
    Network,
    Space,
    State,
    View,
)
from hyperrl.policies.window_replay import WindowHindsightReplayBuffer, WindowReplayBuffer
from hyperrl.tasks.contexts import ValueReader
from hyperrl.tasks.goals import Goals


class OffPolicyView(View):
    """Base of the views of algorithms with a replay buffer."""

    off_policy = True
    hyperparameters: ClassVar[tuple[str, ...]] = ("gamma",)
    attributes: ClassVar[tuple[str, ...]] = ()
    """Attributes of the model that a checkpoint holds beside Stable-Baselines3's counters."""
    replay_buffer_class: ClassVar[type[ContextReplayBuffer]] = ContextReplayBuffer
    """The replay buffer for observations with a context."""
    hindsight_buffer_class: ClassVar[type[HindsightReplayBuffer]] = HindsightReplayBuffer
    """The same where goals are relabeled."""
    index_buffer_class: ClassVar[type[IndexReplayBuffer]] = IndexReplayBuffer
    """The same where updates draw an index."""
    window_buffer_class: ClassVar[type[WindowReplayBuffer]] = WindowReplayBuffer
    """The same where contexts are inferred."""
    window_hindsight_buffer_class: ClassVar[type[WindowHindsightReplayBuffer]] = WindowHindsightReplayBuffer
    """The same where both is so."""

    @classmethod
    def arguments(cls, fields: Arguments, observations: Space, actions: Space, to_learn: bool) -> Arguments:
        """The algorithm's arguments, with a replay buffer that stores each context once."""
        arguments = dict(fields)
        hindsight, window, index = (arguments.pop(name, None) for name in ("her", "window", "index"))
        if has_context(observations):
            returns = {"n_steps": arguments.pop("n_steps"), "gamma": arguments["gamma"]}
            buffer: type[ContextReplayBuffer] = cls.replay_buffer_class
            if window is not None:
                relabels = hindsight is not None
                buffer = cls.window_hindsight_buffer_class if relabels else cls.window_buffer_class
                returns["window"] = window
            elif index is not None:
                buffer = cls.index_buffer_class
                returns |= index
            elif hindsight is not None:
                buffer = cls.hindsight_buffer_class
            arguments["replay_buffer_class"] = buffer
            arguments["replay_buffer_kwargs"] = returns | (hindsight or {})
        return arguments if to_learn else {**arguments, "buffer_size": 1}

    @property
    def rollout_steps(self) -> int:
        """Environment steps between two updates, all environments together."""
        frequency = self.model.train_freq
        return int(getattr(frequency, "frequency", frequency)) * int(self.model.n_envs)

    @property
    def learning_starts(self) -> int:
        """Environment steps before learning starts."""
        return int(self.model.learning_starts)

    @property
    def minibatches(self) -> Minibatches:
        """One minibatch for each update."""
        updates = self.model.gradient_steps if self.model.gradient_steps > 0 else self.rollout_steps
        return Minibatches(self.model.batch_size, 0, updates, 1)

    def learning(self, observations: Mapping[str, NDArray[Any]]) -> tuple[Callable[[], object], int]:
        """See :meth:`View.learning`; the replay buffer holds one transition of each row."""
        model = self.model
        rows, updates = len(next(iter(observations.values()))), int(getattr(model, "policy_delay", 1))
        spaces_of_model = model.observation_space, model.action_space
        buffer = self.replay_buffer_class(rows, *spaces_of_model, model.device, n_envs=rows)
        model.action_space.seed(0)
        actions = np.stack([model.action_space.sample() for _ in range(rows)])
        zeros = np.zeros(rows, np.float32)
        buffer.add({**observations}, {**observations}, actions, zeros, zeros, [{}] * rows)
        model.replay_buffer = buffer

        def train() -> None:
            with _same_numbers():
                model.train(gradient_steps=updates, batch_size=rows)

        return train, updates

    def set_inference(self, inferring: ContextInference) -> None:
        """Makes what infers contexts a part of the policy, and hands it to replay."""
        super().set_inference(inferring)
        self.model.replay_buffer.inference = inferring

    @property
    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """The optimizers by name, that of what infers contexts among them."""
        return super().optimizers | self._inference_optimizer

    @property
    def _inference_optimizer(self) -> dict[str, torch.optim.Optimizer]:
        optimizer = None if self.inference is None else self.inference.optimizer
        return {} if optimizer is None else {NAME: optimizer}

    def set_hyperparameters(self, readers: Mapping[str, ValueReader]) -> None:
        """See :meth:`View.set_hyperparameters`; each row of a minibatch has its task's discount."""
        if "gamma" in readers:
            self.model.replay_buffer.discount_by(readers["gamma"])

    def set_goals(self, goals: Goals) -> None:
        """Gives replay the goals that it relabels by."""
        self.model.replay_buffer.goals = goals

    def extra_state(self) -> State:
        """Replayed experience, and :attr:`attributes`."""
        return {
            "off_policy": {name: getattr(self.model, name) for name in self.attributes},
            "replay": replay.get_state(self.model.replay_buffer),
        }

    def load_extra_state(self, state: State, expect: Expect) -> None:
        """Restores what :meth:`extra_state` returned."""
        for name in self.attributes:
            value, own = state["off_policy"][name], getattr(self.model, name)
            expect(name, value, own)
            if isinstance(value, torch.Tensor):
                own.data.copy_(value)
            else:
                setattr(self.model, name, value)
        replay.set_state(self.model.replay_buffer, state["replay"])

    def end_episodes(self) -> None:
        """Ends the episodes in replay, so that no return runs into the next one."""
        replay.end_episodes(self.model.replay_buffer)

    def plain_arguments(self, actions: Space) -> tuple[Arguments, Arguments]:
        """Arguments of the plain algorithm and of its policy; replay starts empty, without room."""
        arguments, kwargs = super().plain_arguments(actions)
        return {"buffer_size": 1, **arguments}, kwargs

    def continue_from(self, other: View) -> None:
        """Sets targets equal to the networks that they follow, and gives replay room."""
        for network, target in self.targets.values():
            target.load_state_dict(network.state_dict())
        self.model.buffer_size = 1_000_000


@contextmanager
def _same_numbers() -> Iterator[None]:
    """Seeds NumPy's global generator, by which replay draws, and restores it afterwards."""
    before = np.random.get_state()
    np.random.seed(0)
    try:
        yield
    finally:
        np.random.set_state(before)


class ActorCriticsView(OffPolicyView):
    """Base of the views of algorithms with an actor and several critics."""

    def modules(self) -> Mapping[str, list[nn.Module]]:
        """The modules of the actor, then of each critic."""
        critics = self.policy.critic.q_networks
        return {"actor": self._actor(), **{f"critic{number}": [each] for number, each in enumerate(critics)}}

    def _actor(self) -> list[nn.Module]:
        raise NotImplementedError

    def networks(self, descriptor: Tensor) -> Mapping[str, Network]:
        """The actor, then each critic, and what else the actor has."""
        actor, critic, plain = self.policy.actor, self.policy.critic, dict(self.specialized(descriptor))
        return {
            "actor": Network(actor.features_extractor, self._acting(plain["actor"])),
            **{
                name: Network(critic.features_extractor, modules)
                for name, modules in plain.items()
                if name != "actor"
            },
        }

    def _acting(self, actor: list[nn.Module]) -> list[nn.Module]:
        """The modules of the actor up to its squashed action."""
        raise NotImplementedError

    @property
    def targets(self) -> Mapping[str, tuple[nn.Module, nn.Module]]:
        """The critics and their target."""
        return {"critic": (self.policy.critic, self.policy.critic_target)}

    @property
    def acting(self) -> nn.Module:
        """The actor."""
        module: nn.Module = self.policy.actor
        return module

    def values(self, observation: Any) -> Tensor:
        """The lowest value that a critic gives the actor's action; of quantiles their mean, (row,)."""
        found = self.policy.critic(observation, self.act_outputs(observation))
        return torch.stack([each.flatten(1).mean(dim=1) for each in found]).amin(dim=0)

    def outputs(self, observation: Any, draw: Draw) -> list[Tensor]:
        """The outputs of the actor, then the values of drawn actions."""
        outputs = self._actor_outputs(observation)
        return [*outputs, *self.policy.critic(observation, draw(outputs[0].shape[1]).tanh())]

    def imitation(self, batch: Imitated, gamma: float | Tensor) -> dict[str, Tensor]:
        """See :meth:`View.imitation`; targets are those of TD3 without noise (Fujimoto et al., ICML 2018)."""
        policy = self.policy
        space = policy.action_space
        low, high = (torch.as_tensor(bound, device=policy.device) for bound in (space.low, space.high))
        actions, advised = (2 * (part - low) / (high - low) - 1 for part in (batch.actions, batch.advised))
        actor = functional.mse_loss(self.act_outputs(batch.observations), advised)
        with torch.no_grad():
            following = self.act_outputs(batch.next_observations)
            later = torch.cat(policy.critic_target(batch.next_observations, following), dim=1)
            values = batch.rewards + gamma * (1 - batch.terminated) * later.min(dim=1, keepdim=True).values
        found = policy.critic(batch.observations, actions)
        critic = torch.stack([functional.mse_loss(each, values) for each in found]).sum()
        return {"actor": actor, "critic": critic}

    def _actor_outputs(self, observation: Any) -> list[Tensor]:
        """The outputs of the actor, its actions first."""
        raise NotImplementedError

    @property
    def action_dist(self) -> Any:
        """The actor's distribution."""
        return self.policy.actor.action_dist

    @classmethod
    def arguments(cls, fields: Arguments, observations: Space, actions: Space, to_learn: bool) -> Arguments:
        """The algorithm's arguments, with the noise on actions as an object."""
        arguments = super().arguments(fields, observations, actions, to_learn)
        if (scale := arguments.get("action_noise")) is not None:
            shape = actions.shape or ()
            arguments["action_noise"] = NormalActionNoise(np.zeros(shape), np.full(shape, scale))
        return arguments

    @property
    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """The optimizers of the actor, of the critics, and of what infers contexts."""
        own = {"actor": self.policy.actor.optimizer, "critic": self.policy.critic.optimizer}
        return own | self._inference_optimizer

    def plain_arguments(self, actions: Space) -> tuple[Arguments, Arguments]:
        """Arguments of the plain algorithm and of its policy, with as many critics."""
        arguments, kwargs = super().plain_arguments(actions)
        return arguments, {**kwargs, "n_critics": self.policy.critic_kwargs["n_critics"]}
