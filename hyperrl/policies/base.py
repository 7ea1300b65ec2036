"""The base class of policies with generated networks."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, ClassVar

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.torch_layers import (
    BaseFeaturesExtractor,
    FlattenExtractor,
    NatureCNN,
)
from stable_baselines3.common.type_aliases import PyTorchObs, Schedule
from torch import Tensor, nn

from hyperrl.arguments import Constraint
from hyperrl.config import Beyond, HypernetworkConfig
from hyperrl.policies.arguments import check_policy_arguments
from hyperrl.policies.building import NetworkBuilder
from hyperrl.policies.extractors import (
    ContextExtractor,
    HidingExtractor,
    PartsExtractor,
    PixelExtractor,
    has_context,
)
from hyperrl.policies.indices import INDEX, with_indices
from hyperrl.policies.networks import GeneratedNetworks
from hyperrl.policies.one_task import ConvolutionalExtractor, frozen_copy, is_one_task, weights_of
from hyperrl.policies.parameters import ListedParameters


class HyperPolicy(ListedParameters, NetworkBuilder):
    """Base of policies whose networks are generated; inherit from it before the policy of Stable-Baselines3.

    Takes the place of ``MultiInputPolicy`` on a dictionary with a ``"context"``. The networks see the
    observation without the context; their weights carry it.

    On an observation space without a context, or with one that has a single value, there is one task. The
    policy then *is* Stable-Baselines3's ``MlpPolicy`` or ``MultiInputPolicy``: the same plain networks, drawn
    and trained alike under the same seed, and ``hypernetwork`` is checked but has no effect. Only an input
    other than the context (``inputs=["state"]``, ``["noise"]``, ``["memory"]``) has weights generated there.

    Args:
        observation_space: Observation space.
        action_space: Action space.
        lr_schedule: Learning rate as a function of the progress remaining, from 1 to 0.
        net_arch: Hidden sizes of the target networks, as Stable-Baselines3's policy takes them.
        features_extractor_class: Extractor of the observation's features, handed the space without its
            context; by default what :class:`~hyperrl.policies.ContextExtractor` takes.
        features_extractor_kwargs: Its further arguments.
        hypernetwork: Arguments of :class:`~hyperrl.nets.HyperNetwork`: ``strategy``, ``rank``, ``hidden``,
            ``activation`` and the others; beside them ``trunk``, ``inputs``, ``embedding_dim``,
            ``noise_dim``, ``index``, ``context_dropout``, ``training_contexts``, ``max_grad_norm``,
            ``lr_scale``, see :class:`~hyperrl.config.HypernetworkConfig`.
        beyond: What the hypernetwork sees of a context with entries outside [-1, 1], the training range:
            ``"linear"``, the context as it is; ``"saturate"``, each entry at the nearest end of the range.
        layer_norm: Layer normalization in the target networks' hidden layers.
        residual: Hidden layers of the target networks add their input to their output.
        convolutions: (channels, kernel size, stride) of generated convolutions ahead of the hidden layers, on
            observations that are one image; in place of a features extractor.
        effort_coef: Weight in the loss of the mean squared effort of continuous actions, see
            :class:`~hyperrl.policies.effort.Effort`.
        policy_options: The other arguments of Stable-Baselines3's policy.

    Attributes:
        one_task: Whether there is one task, so that the networks are Stable-Baselines3's own.
    """

    extractor_class: ClassVar[type[ContextExtractor]] = ContextExtractor
    recurrent: ClassVar[bool] = False
    own_arguments: ClassVar[Mapping[str, Constraint]] = {}
    """What the arguments of this policy alone may be."""
    activation: ClassVar[type[nn.Module]] = nn.ReLU
    """Stable-Baselines3's default of ``activation_fn``."""
    arch_names: ClassVar[tuple[str, ...]] = ("pi", "vf")
    """What ``net_arch`` calls the networks, where it may tell them apart."""

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        lr_schedule: Schedule,
        net_arch: Any = None,
        *,
        features_extractor_class: type[BaseFeaturesExtractor] = BaseFeaturesExtractor,
        features_extractor_kwargs: dict[str, Any] | None = None,
        hypernetwork: Mapping[str, Any] | None = None,
        beyond: Beyond = "linear",
        layer_norm: bool = False,
        residual: bool = False,
        convolutions: Sequence[tuple[int, int, int]] | None = None,
        effort_coef: float = 0.0,
        **policy_options: Any,
    ) -> None:
        values = {**locals(), **policy_options}
        for name in ("self", "__class__", "policy_options"):
            del values[name]
        check_policy_arguments(type(self), self.arch_names, values, self.own_arguments)
        self.hypernetwork = dict(hypernetwork or {})
        self.config = HypernetworkConfig.of(self.hypernetwork)
        self.one_task = is_one_task(observation_space, self.config)
        if self.recurrent != ("memory" in self.config.inputs) and not self.one_task:
            raise ValueError(f"inputs: found {list(self.config.inputs)}; 'memory' is of recurrent policies")
        self.beyond: Beyond = beyond
        self.layer_norm, self.residual, self.effort_coef = layer_norm, residual, effort_coef
        self.convolutions = None if convolutions is None else [(c, k, s) for c, k, s in convolutions]
        if net_arch is None and features_extractor_class is NatureCNN and convolutions is None:
            net_arch = self._arch_after_images()
        arguments = dict(features_extractor_kwargs or {})
        if self.one_task:
            activation_fn = policy_options.get("activation_fn", self.activation)
            extractor, extraction = self._plain_extraction(
                observation_space, features_extractor_class, arguments, activation_fn
            )
        else:
            extractor, extraction = self._extraction(features_extractor_class, arguments)
        if issubclass(extractor, ContextExtractor) and not policy_options.get("normalize_images", True):
            extraction["images_normalized"] = True
        super().__init__(
            observation_space,
            action_space,
            lr_schedule,
            net_arch=list(net_arch) if isinstance(net_arch, tuple) else net_arch,
            features_extractor_class=extractor,
            features_extractor_kwargs=extraction,
            **policy_options,
        )

    def _extraction(self, extractor: type[BaseFeaturesExtractor], arguments: dict[str, Any]) -> Any:
        """The features extractor of networks that are generated, and its arguments."""
        if self.convolutions is not None:
            return self.extractor_class, {"inner": PixelExtractor}
        if issubclass(extractor, ContextExtractor):
            return extractor, arguments
        inner = {} if extractor is BaseFeaturesExtractor else {"inner": extractor}
        return self.extractor_class, {**arguments, **inner}

    def _plain_extraction(
        self,
        space: spaces.Space[Any],
        extractor: type[BaseFeaturesExtractor],
        arguments: dict[str, Any],
        activation_fn: type[nn.Module],
    ) -> Any:
        """The features extractor of one task's plain networks, and its arguments; a context is left out."""
        if self.convolutions is not None:
            extractor = ConvolutionalExtractor
            arguments = {"convolutions": self.convolutions, "activation_fn": activation_fn}
        elif extractor in (BaseFeaturesExtractor, FlattenExtractor):
            extractor = PartsExtractor if isinstance(space, spaces.Dict) else FlattenExtractor
        if not has_context(space):
            return extractor, arguments
        if issubclass(extractor, ContextExtractor):
            return extractor if issubclass(extractor, HidingExtractor) else HidingExtractor, arguments
        return HidingExtractor, {**arguments, "inner": extractor}

    @staticmethod
    def _arch_after_images() -> list[int]:
        """Hidden sizes that Stable-Baselines3 has after its own convolutions."""
        return []

    def _get_constructor_parameters(self) -> dict[str, Any]:
        shared = getattr(self, "share_features_extractor", None)
        return {
            **super()._get_constructor_parameters(),
            **({} if shared is None else {"share_features_extractor": shared}),
            "hypernetwork": self.hypernetwork,
            "beyond": self.beyond,
            "layer_norm": self.layer_norm,
            "residual": self.residual,
            "convolutions": self.convolutions,
            "effort_coef": self.effort_coef,
        }

    @property
    def parts(self) -> Mapping[str, GeneratedNetworks]:
        """The generated networks that are learned, each with its own hypernetwork; ``"actor"`` acts.

        There are none where there is one task.
        """
        return {} if self.one_task else self._parts()

    @abstractmethod
    def _parts(self) -> Mapping[str, GeneratedNetworks]:
        """The parts of a policy whose weights are generated."""

    @property
    @abstractmethod
    def plain_networks(self) -> Mapping[str, nn.Sequential]:
        """The networks of one task by name, from features to outputs, first the one that acts."""

    def load_from_vector(self, vector: NDArray[np.float32]) -> None:
        """Sets all parameters from one vector, as ``parameters_to_vector`` gives it."""
        super().load_from_vector(vector)
        for module in self.modules():
            if isinstance(module, GeneratedNetworks):
                module.clear_cache()

    @torch.no_grad()
    def generated_weights(self, descriptors: Tensor) -> dict[str, Tensor]:
        """The weights of given tasks: ``"actor.0.weight"`` (task, out, in), ``"critic.0.bias"`` (task, out).

        Args:
            descriptors: (task, descriptor), as in ``obs["context"]``.

        Raises:
            ValueError: Weights follow the observation.
        """
        if not self.parts:
            return weights_of(self.plain_networks, len(descriptors))
        return {
            name: tensor.detach()
            for part in self.parts.values()
            for name, tensor in part.of_tasks(descriptors).dense().items()
        }

    def specialize(self, descriptor: Tensor) -> nn.Sequential:
        """The plain network that acts on one task, from features to its outputs.

        These are the action distribution's parameters; the action before it is squashed (TD3); or the value
        of each action (DQN); or a quantile of each, then the next one of each (QR-DQN).

        Args:
            descriptor: (descriptor,), as in ``obs["context"]``.

        Raises:
            ValueError: Weights follow the observation.
        """
        return next(self.specialized(descriptor))[1]

    def specialized(self, descriptor: Tensor) -> Iterator[tuple[str, nn.Sequential]]:
        """The plain networks of one task by name, first the one that acts; as :meth:`specialize`."""
        if not self.parts:
            yield from ((name, frozen_copy(network)) for name, network in self.plain_networks.items())
        for part in self.parts.values():
            yield from part.specialized(descriptor.to(self.device))

    @property
    def dynamic(self) -> bool:
        """Whether weights follow the observation rather than the task alone."""
        return any(part.inputs.dynamic for part in self.parts.values())

    @contextmanager
    def _acting(self, deterministic: bool) -> Iterator[None]:
        """Generates weights to act by, those of deterministic actions where it is so."""
        with ExitStack() as acting:
            for part in self.parts.values():
                acting.enter_context(part.inputs.acting(deterministic))
            yield

    def obs_to_tensor(self, observation: Any) -> tuple[PyTorchObs, bool]:
        """As Stable-Baselines3's; the index of an episode, where there is one, goes behind the context."""
        if not isinstance(observation, dict) or INDEX not in observation:
            return super().obs_to_tensor(observation)
        observation = dict(observation)
        index = torch.as_tensor(observation.pop(INDEX), device=self.device)
        tensors, vectorized = super().obs_to_tensor(observation)
        return with_indices(tensors, index.reshape(-1, index.shape[-1])), vectorized  # type: ignore[arg-type]

    def is_vectorized_observation(self, observation: Any) -> bool:
        """As Stable-Baselines3's; an index is none of the observation space."""
        if isinstance(observation, dict):
            observation = {name: part for name, part in observation.items() if name != INDEX}
        return super().is_vectorized_observation(observation)

    def _predict(self, observation: PyTorchObs, deterministic: bool = False) -> Tensor:
        with self._acting(deterministic):
            predicted: Tensor = super()._predict(observation, deterministic)  # type: ignore[safe-super]
            return predicted

    @property
    def generation_seconds(self) -> float:
        """Seconds spent generating weights since the policy was made."""
        return sum(
            module.generation_seconds for module in self.modules() if isinstance(module, GeneratedNetworks)
        )
