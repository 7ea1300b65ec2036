"""Recurrent PPO of sb3-contrib: its policies with generated and with plain networks, and its view."""

from collections.abc import Mapping
from typing import Any

import torch
from gymnasium import spaces
from sb3_contrib import RecurrentPPO
from sb3_contrib.common.recurrent.policies import (
    RecurrentActorCriticPolicy,
    RecurrentMultiInputActorCriticPolicy,
)
from sb3_contrib.common.recurrent.type_aliases import RNNStates
from stable_baselines3.common.type_aliases import PyTorchObs, Schedule
from torch import Tensor, nn

from hyperrl.arguments import MAPPING
from hyperrl.config import HypernetworkConfig
from hyperrl.policies.extractors import ContextExtractor, HidingExtractor
from hyperrl.policies.one_task import is_one_task, unless_one_task
from hyperrl.policies.ppo import HyperActorCriticPolicy, PPOView
from hyperrl.policies.view import Expect, State

_STEPS, _ROWS = 32, 64
"""Steps and sequences over which an LSTM's output is measured at the start."""


class FastRecurrentPolicy(RecurrentActorCriticPolicy):
    """sb3-contrib's recurrent policy, for which an episode's start at the head of a sequence is no break.

    Theirs goes through every sequence step by step where any episode starts, though all that they learn from
    are cut at such starts. What comes out is the same.
    """

    @staticmethod
    def _process_sequence(
        features: Tensor, lstm_states: Any, episode_starts: Tensor, lstm: nn.LSTM
    ) -> tuple[Tensor, Any]:
        """The LSTM's output (batch, size) on sequences one after the other, and its state after them."""
        starts = episode_starts.reshape(lstm_states[0].shape[1], -1)
        goes_on = (1.0 - starts[:, :1]).unsqueeze(0)
        later = torch.cat([torch.zeros_like(starts[:, :1]), starts[:, 1:]], dim=1)
        entered: Any = tuple(goes_on * state for state in lstm_states)
        return RecurrentActorCriticPolicy._process_sequence(features, entered, later.flatten(), lstm)

    def evaluate_actions(  # type: ignore[override]
        self, obs: Any, actions: Tensor, lstm_states: RNNStates, episode_starts: Tensor
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Values (batch, 1), log probabilities (batch,) of actions, and entropies (batch,)."""
        return super().evaluate_actions(obs, _as_numbers(actions), lstm_states, episode_starts)


class ConcatRecurrentPolicy(FastRecurrentPolicy, RecurrentMultiInputActorCriticPolicy):
    """sb3-contrib's ``MultiInputLstmPolicy``."""


class HyperRecurrentPolicy(HyperActorCriticPolicy, FastRecurrentPolicy):
    """sb3-contrib's recurrent policy for hidden contexts: the weights follow the output of its LSTM.

    The LSTM sees the features of the observations, the hypernetwork its output, the target networks the
    features as usual. No network sees a context. With the trunk ``"shared"`` there is one LSTM and one
    hypernetwork, and the LSTM is trained by the critic alone; with ``"separate"`` actor and critic have one
    each of both. Weights differ from row to row: strategies that leave them in their factors suit it.

    Args:
        observation_space: Observation space.
        action_space: Box, Discrete, MultiDiscrete or MultiBinary.
        lr_schedule: Learning rate as a function of the progress remaining, from 1 to 0.
        hypernetwork: As of :class:`~hyperrl.policies.base.HyperPolicy`; ``inputs`` is
            ``["memory"]``.
        lstm_hidden_size: Size of the LSTM's output.
        n_lstm_layers: Number of its layers.
        lstm_kwargs: Further arguments of ``torch.nn.LSTM``.
        policy_options: Those of :class:`~hyperrl.policies.HyperActorCriticPolicy`.
    """

    extractor_class = HidingExtractor
    recurrent = True

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        lr_schedule: Schedule,
        *arguments: Any,
        hypernetwork: Mapping[str, Any] | None = None,
        **policy_options: Any,
    ) -> None:
        MAPPING.or_none().check("hypernetwork", hypernetwork)
        options = dict(hypernetwork or {})
        if "inputs" in options or not is_one_task(observation_space, HypernetworkConfig.of(options)):
            options = {"inputs": ("memory",), **options}
            shared = HypernetworkConfig.of(options).trunk == "shared"
            policy_options |= {"shared_lstm": shared, "enable_critic_lstm": not shared}
        super().__init__(
            observation_space,
            action_space,
            lr_schedule,
            *arguments,
            hypernetwork=options,
            **policy_options,
        )
        if not self.one_task:
            super()._build(lr_schedule)

    @unless_one_task
    def _build(self, lr_schedule: Schedule) -> None:
        """Nothing yet: a hypernetwork is built when the LSTM is there, which its start depends on."""

    def _descriptors(self, extractor: ContextExtractor) -> tuple[int, tuple[Tensor, Tensor]]:
        """The LSTM's output at the start, as uniform distributions of the same means and variances."""
        with torch.no_grad():
            output, _ = self.lstm_actor(torch.randn(_STEPS, _ROWS, self.lstm_actor.input_size))
        center, reach = output.mean(dim=(0, 1)), 3**0.5 * output.std(dim=(0, 1))
        return self.lstm_output_dim, (center - reach, center + reach)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {
            **super()._get_constructor_parameters(),
            "shared_lstm": self.shared_lstm,
            "enable_critic_lstm": self.enable_critic_lstm,
            "lstm_hidden_size": self.lstm_actor.hidden_size,
            "n_lstm_layers": self.lstm_actor.num_layers,
            "lstm_kwargs": self.lstm_kwargs,
        }

    @unless_one_task
    def _process_sequence(self, features: Tensor, *state: Any) -> Any:  # type: ignore[override]
        """The features with the LSTM's output behind them, and its state after the last step."""
        output, states = FastRecurrentPolicy._process_sequence(features, *state)
        return torch.cat([features, output], dim=1), states

    def _predict(  # type: ignore[override]
        self, observation: PyTorchObs, lstm_states: Any, episode_starts: Tensor, deterministic: bool = False
    ) -> Any:
        predict: Any = RecurrentActorCriticPolicy._predict
        return predict(self, observation, lstm_states, episode_starts, deterministic)

    @unless_one_task
    def evaluate_actions(  # type: ignore[override]
        self, obs: Any, actions: Tensor, lstm_states: RNNStates, episode_starts: Tensor
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Values (batch, 1), log probabilities (batch,) of actions, and entropies (batch,).

        Gradients of a shared LSTM are the values' alone.
        """
        actions = _as_numbers(actions)
        if not self.shared_lstm:
            return super().evaluate_actions(obs, actions, lstm_states, episode_starts)
        features: Any = self.extract_features(obs)
        latent, _ = self._process_sequence(features, lstm_states.pi, episode_starts, self.lstm_actor)
        untrained = torch.cat([features, latent[:, -self.lstm_output_dim :].detach()], dim=1)
        actor = self.mlp_extractor.forward_actor(untrained)
        distribution = self._get_action_dist_from_latent(actor)
        values = self.mlp_extractor.forward_critic(latent)
        return values, distribution.log_prob(actions), distribution.entropy()


def _as_numbers(actions: Tensor) -> Tensor:
    """Actions of buttons, which sb3-contrib's rollouts hold as bytes, in the type of their likelihood."""
    return actions.float() if actions.dtype == torch.int8 else actions


class RecurrentPPOView(PPOView):
    """View of recurrent PPO."""

    algorithm = RecurrentPPO
    rollout_buffer = None
    hyperparameters = ()
    hyper_policy = HyperRecurrentPolicy
    plain_policy = ConcatRecurrentPolicy
    sb3_policy = RecurrentActorCriticPolicy
    recurrent = True

    def _memory(self, rows: int) -> tuple[dict[str, Any], tuple[Any, ...]]:
        layers, _, size = self.policy.lstm_hidden_state_shape
        state = (torch.zeros(layers, rows, size),) * 2
        return {"lstm_states": RNNStates(state, state)}, ((1, layers, rows, size),)

    def extra_state(self) -> State:
        """The LSTMs' states in the current episodes."""
        return {"memory": [list(each) for each in self.model._last_lstm_states]}

    def load_extra_state(self, state: State, expect: Expect) -> None:
        """Restores the LSTMs' states."""
        own = self.model._last_lstm_states
        expect("memory", *(tuple(map(tuple, each)) for each in (state["memory"], own)))
        states = [tuple(tensor.to(self.model.device) for tensor in each) for each in state["memory"]]
        self.model._last_lstm_states = RNNStates(*states)
