"""DQN: its policy with generated networks, and its view."""

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from gymnasium import spaces
from stable_baselines3 import DQN
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import PyTorchObs, Schedule
from stable_baselines3.dqn.policies import DQNPolicy, MultiInputPolicy, QNetwork
from torch import Tensor, nn

from hyperrl.policies.base import HyperPolicy
from hyperrl.policies.building import NetworkSpec
from hyperrl.policies.extractors import inputs_of
from hyperrl.policies.indices import MANY, draw_indices, for_each_index, vote
from hyperrl.policies.networks import GeneratedNetworks
from hyperrl.policies.off_policy import NO_LAYERS
from hyperrl.policies.off_policy_view import OffPolicyView
from hyperrl.policies.one_task import add_blocks, unless_one_task
from hyperrl.policies.task_rows import known_tasks
from hyperrl.policies.view import Draw, Network


class GeneratedValues(BasePolicy):
    """The values of all actions, of a generated network; the class to mix in ahead of theirs.

    Args:
        generated: A network ``"critic"``, with outputs for each action.
        arguments: Those of the network that it is mixed into.
    """

    layers: ClassVar[str]
    """Attribute in which the network that it is mixed into has its layers."""

    def __init__(self, generated: GeneratedNetworks, **arguments: Any) -> None:
        super().__init__(**{**arguments, "net_arch": NO_LAYERS})
        self.net_arch = arguments["net_arch"]
        setattr(self, self.layers, nn.Sequential())
        self.generated = generated

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {**super()._get_constructor_parameters(), "generated": self.generated}

    def forward(self, obs: PyTorchObs) -> Tensor:
        """The values (batch, actions)."""
        values: Tensor = self.generated(inputs_of(self, obs), "critic", known=known_tasks(obs))[0]
        return values


class HyperQNetwork(GeneratedValues, QNetwork):
    """The Q-network of DQN."""

    layers = "q_net"


class HyperGreedyPolicy(HyperPolicy):
    """What the policies of DQN and QR-DQN share: a generated network of values, and its target."""

    arch_names = ()
    network: ClassVar[str]
    """Attribute of the policy that is this network; with ``_target``, its target."""

    @unless_one_task
    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)  # type: ignore[misc]
        own: nn.Module = getattr(self, self.network)
        self.optimizer = self._build_optimizer(self.parts["critic"], list(own.parameters()), lr_schedule)
        getattr(self, f"{self.network}_target").generated.caching = False

    def _parts(self) -> Mapping[str, GeneratedNetworks]:
        """The network of values, by which the policy acts."""
        return {"critic": getattr(self, self.network).generated}

    def _predict(self, observation: PyTorchObs, deterministic: bool = True) -> Tensor:
        if deterministic or self.one_task or self.config.index.act != "vote":
            return super()._predict(observation, deterministic)
        indices = draw_indices(self.config, MANY)
        values = getattr(self, self.network)(for_each_index(dict(observation), indices))
        values = values.view(len(indices), -1, *values.shape[1:])
        return vote(values if values.dim() == 3 else values.mean(dim=2))

    @property
    def plain_networks(self) -> Mapping[str, nn.Sequential]:
        """The network of values."""
        return {"critic": nn.Sequential(getattr(getattr(self, self.network), self.network))}

    def add_blocks(self, values: Any) -> Any:
        """A plain network of values with the options of its hidden layers."""
        add_blocks(getattr(values, self.network), len(values.net_arch), self.layer_norm, self.residual)
        return values

    def _build_network(self, network_class: type[GeneratedValues], outputs: int = 1) -> Any:
        """A network with a hypernetwork of its own, with so many outputs for each action."""
        own: dict[str, Any] = self.net_args  # type: ignore[assignment]
        arguments = self._update_features_extractor(own, features_extractor=None)
        assert isinstance(self.action_space, spaces.Discrete)
        heads = {"critic": NetworkSpec(outputs * int(self.action_space.n), arguments["net_arch"])}
        generated = self._copy_for_target(self.network)
        if generated is None:
            generated = self._generated_from(arguments["features_extractor"], heads, "critic")
        return network_class(generated, **arguments).to(self.device)


class HyperDQNPolicy(HyperGreedyPolicy, DQNPolicy):
    """Stable-Baselines3's policy of DQN, every layer of its Q-network generated from the context.

    The target network follows by Polyak averaging of the hypernetwork's parameters. Arguments are those of
    :class:`~hyperrl.policies.base.HyperPolicy` and of Stable-Baselines3's ``DQNPolicy``. Actions
    are Discrete; the network's name is ``"critic"``.
    """

    q_net: HyperQNetwork
    q_net_target: HyperQNetwork
    network = "q_net"

    @partial(unless_one_task, then=HyperGreedyPolicy.add_blocks)
    def make_q_net(self) -> HyperQNetwork:
        """A Q-network with a hypernetwork of its own, or the plain one of one task."""
        network: HyperQNetwork = self._build_network(HyperQNetwork)
        return network


class DQNView(OffPolicyView):
    """View of DQN; base of that of QR-DQN."""

    algorithm: ClassVar[type[BaseAlgorithm]] = DQN
    hyper_policy: ClassVar[type[HyperPolicy]] = HyperDQNPolicy
    plain_policy: ClassVar[type[BasePolicy]] = MultiInputPolicy
    sb3_policy: ClassVar[type[BasePolicy]] = DQNPolicy
    one_loss = True
    attributes = ("_n_calls", "exploration_rate")
    network: ClassVar[str] = "q_net"
    """Attribute of the policy that is the network of values, and of that network that is its layers."""

    @property
    def acting(self) -> nn.Module:
        """The network of values."""
        network: nn.Module = getattr(self.policy, self.network)
        return network

    def modules(self) -> Mapping[str, list[nn.Module]]:
        """The modules of the network of values."""
        return {"critic": [getattr(self.acting, self.network)]}

    def networks(self, descriptor: Tensor) -> Mapping[str, Network]:
        """The network of values, which acts."""
        extractor: Any = self.acting.features_extractor
        return {"critic": Network(extractor, self.specialized(descriptor)["critic"])}

    @property
    def targets(self) -> Mapping[str, tuple[nn.Module, nn.Module]]:
        """The network of values and its target."""
        return {"critic": (self.acting, getattr(self.policy, f"{self.network}_target"))}

    def act_outputs(self, observation: Any) -> Tensor:
        """The values of all actions."""
        values: Tensor = self.acting(observation)
        return values

    def values(self, observation: Any) -> Tensor:
        """The highest value of all actions, (row,)."""
        return self.act_outputs(observation).amax(dim=1)

    def outputs(self, observation: Any, draw: Draw) -> list[Tensor]:
        """The values of all actions."""
        return [self.acting(observation)]
