"""QR-DQN of sb3-contrib: its policy with generated networks, and its view."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from gymnasium import spaces
from sb3_contrib import QRDQN
from sb3_contrib.qrdqn.policies import MultiInputPolicy, QRDQNPolicy, QuantileNetwork
from stable_baselines3 import DQN
from stable_baselines3.common.type_aliases import PyTorchObs
from torch import Tensor

from hyperrl.policies.dqn import DQNView, GeneratedValues, HyperGreedyPolicy
from hyperrl.policies.one_task import unless_one_task
from hyperrl.policies.plain import with_last_layer
from hyperrl.policies.view import Network


class HyperQuantileNetwork(GeneratedValues, QuantileNetwork):
    """The network of QR-DQN."""

    layers = "quantile_net"

    def forward(self, obs: PyTorchObs) -> Tensor:
        """The quantiles, (batch, quantiles, actions)."""
        assert isinstance(self.action_space, spaces.Discrete)
        return super().forward(obs).view(-1, self.n_quantiles, int(self.action_space.n))


class HyperQRDQNPolicy(HyperGreedyPolicy, QRDQNPolicy):
    """sb3-contrib's policy of QR-DQN, every layer of its network generated from the context.

    As :class:`~hyperrl.policies.HyperDQNPolicy`, with ``n_quantiles`` outputs for each action.
    """

    network = "quantile_net"

    @partial(unless_one_task, then=HyperGreedyPolicy.add_blocks)
    def make_quantile_net(self) -> HyperQuantileNetwork:
        """A network of quantiles with a hypernetwork of its own, or the plain one of one task."""
        network: HyperQuantileNetwork = self._build_network(HyperQuantileNetwork, self.n_quantiles)
        return network


class QRDQNView(DQNView):
    """View of QR-DQN; its specialists are models of DQN, which acts by values too."""

    algorithm = QRDQN
    plain_algorithm = DQN
    hyper_policy = HyperQRDQNPolicy
    plain_policy = MultiInputPolicy
    sb3_policy = QRDQNPolicy
    network = "quantile_net"

    def networks(self, descriptor: Tensor) -> Mapping[str, Network]:
        """The network that acts: the means over quantiles as values of the actions."""
        network = super().networks(descriptor)["critic"]
        shape = (self.policy.n_quantiles, self.policy.action_space.n)
        means = with_last_layer(
            network.modules[0], lambda rows: rows.reshape(*shape, *rows.shape[1:]).mean(0)
        )
        return {"critic": Network(network.extractor, [means])}

    def act_outputs(self, observation: Any) -> Tensor:
        """The values of all actions, means over quantiles."""
        return super().act_outputs(observation).mean(dim=1)
