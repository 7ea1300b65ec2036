"""Views: one class for each algorithm answers what the rest of the library asks about it and its policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import gymnasium as gym
import torch
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import BasePolicy
from torch import Tensor, nn

from hyperrl.policies import inference
from hyperrl.policies.base import HyperPolicy
from hyperrl.policies.index_view import IndexView
from hyperrl.policies.inference import ContextInference
from hyperrl.policies.networks import GeneratedNetworks
from hyperrl.policies.normalization import Normalization, normalization_of
from hyperrl.tasks.contexts import ValueReader
from hyperrl.tasks.goals import Goals

Arguments = dict[str, Any]
Space = gym.Space[Any]
State = dict[str, Any]
Expect = Callable[[str, Any, Any], None]
"""Raises ValueError where what was stored under a name (first) is not of the kind expected (the others)."""
Draw = Callable[[int], Tensor]
"""A number of outputs to (row, outputs)."""


@dataclass(frozen=True)
class Network:
    """One network of a policy on one task: the extractor of its features, and the modules that follow."""

    extractor: nn.Module
    modules: list[nn.Module]


@dataclass(frozen=True)
class Minibatches:
    """The minibatches that an algorithm learns from after each rollout.

    Attributes:
        rows: transitions in a minibatch.
        rest: transitions in the last minibatch of an epoch where the rollout does not divide; else 0.
        minibatches: full minibatches in an epoch; off policy, updates after a rollout.
        epochs: passes over a rollout; off policy 1.
    """

    rows: int
    rest: int
    minibatches: int
    epochs: int


@dataclass(frozen=True)
class Imitated:
    """A minibatch of what a teacher did.

    Attributes:
        observations: as tensors.
        actions: (row, ...), what was done, in the environment's units.
        advised: (row, ...), what the teacher would do most likely.
        rewards: (row, 1).
        next_observations: what was observed next.
        terminated: (row, 1), 1 where the episode ended there, other than by a time limit.
    """

    observations: Any
    actions: Tensor
    advised: Tensor
    rewards: Tensor
    next_observations: Any
    terminated: Tensor


class View(IndexView):
    """One interface to the policies, optimizers and state of all algorithms of Stable-Baselines3.

    Each algorithm has a subclass, in the module of its policies; ``hyperrl.policies.registry`` finds it by
    the algorithm's name, a model or a policy. The base class itself answers what holds for any policy.

    Args:
        policy: The policy, with generated or plain networks.
        model: The algorithm that trains it; None where only the policy is of interest.

    Attributes:
        hyper: The policy, where it is one with generated networks; else None.
        algorithm: Class attribute: the class of the algorithm.
        hyper_policy: Class attribute: its policy with generated networks.
        plain_policy: Class attribute: its policy for the baselines, on observations with a context.
        sb3_policy: Class attribute: the class that all of its policies have in common.
        plain_algorithm: Class attribute: the algorithm whose plain policy acts as a specialist does;
            None: its own.
        off_policy: Class attribute: whether it learns from a replay buffer.
        recurrent: Class attribute: whether its policy has an LSTM.
        masked: Class attribute: whether its policy takes action masks.
        one_loss: Class attribute: whether one optimizer steps all parameters on one loss.
        hyperparameters: Class attribute: those that may be another one for each task.
    """

    algorithm: ClassVar[type[BaseAlgorithm]]
    hyper_policy: ClassVar[type[HyperPolicy]]
    plain_policy: ClassVar[type[BasePolicy]]
    sb3_policy: ClassVar[type[BasePolicy]]
    plain_algorithm: ClassVar[type[BaseAlgorithm] | None] = None
    off_policy: ClassVar[bool] = False
    recurrent: ClassVar[bool] = False
    masked: ClassVar[bool] = False
    one_loss: ClassVar[bool] = False
    hyperparameters: ClassVar[tuple[str, ...]] = ()

    def __init__(self, policy: BasePolicy, model: BaseAlgorithm | None = None) -> None:
        self.policy: Any = policy
        self.model: Any = model
        self.hyper = policy if isinstance(policy, HyperPolicy) else None

    def _unknown(self, what: str) -> TypeError:
        return TypeError(f"{type(self.policy).__name__}: {what} of no algorithm in hyperrl.policies.registry")

    # The policy's networks.

    @property
    def parts(self) -> Mapping[str, GeneratedNetworks]:
        """The generated networks that learn, each part with its own hypernetwork; none of a plain policy."""
        return {} if self.hyper is None else self.hyper.parts

    @property
    def normalization(self) -> Normalization | None:
        """The statistics by which its observations are normalized before it sees them; None without any."""
        return normalization_of(self.policy)

    @property
    def inference(self) -> ContextInference | None:
        """What infers the contexts from the last transitions; None where they are observed."""
        return inference.inference_of(self.policy)

    def set_inference(self, inferring: ContextInference) -> None:
        """Makes what infers contexts a part of the policy."""
        inference.register(self.policy, inferring)

    @property
    def remembers(self) -> bool:
        """Whether it acts on more than the present observation and the context."""
        return self.recurrent or self.inference is not None

    def modules(self) -> Mapping[str, list[nn.Module]]:
        """The modules of plain networks by name, from features to outputs, first those of what acts."""
        raise self._unknown("networks")

    def networks(self, descriptor: Tensor) -> Mapping[str, Network]:
        """The plain networks of one task by name; the first acts, and ends with its deterministic action.

        Args:
            descriptor: (descriptor,), as in ``obs["context"]``.
        """
        raise self._unknown("networks")

    def specialized(self, descriptor: Tensor) -> Mapping[str, list[nn.Module]]:
        """The modules of one task's networks by name; generated ones are copies that do not learn."""
        if self.hyper is None:
            return self.modules()
        return {name: [network] for name, network in self.hyper.specialized(descriptor)}

    @property
    def targets(self) -> Mapping[str, tuple[nn.Module, nn.Module]]:
        """Networks that others follow by Polyak averaging, by name: the one that learns, and its target."""
        return {}

    @property
    def acting(self) -> nn.Module:
        """The smallest module that acts."""
        module: nn.Module = self.policy
        return module

    def act_outputs(self, observation: Any) -> Tensor:
        """The outputs that determine the deterministic action, (batch, outputs).

        They are the mean action, squashed where actions are, or the values of all actions (means over
        quantiles).

        Args:
            observation: As tensors.
        """
        raise self._unknown("networks")

    def outputs(self, observation: Any, draw: Draw) -> list[Tensor]:
        """The outputs of all networks, (batch, outputs) each, before any squashing.

        Args:
            observation: As tensors.
            draw: Draws the actions that critics see, before they are squashed.
        """
        raise self._unknown("networks")

    @property
    def action_dist(self) -> Any:
        """The distribution that actions are drawn from; it holds gSDE's noise."""
        return self.policy.action_dist

    @property
    def generation_seconds(self) -> float | None:
        """Seconds spent generating weights since the policy was made; None where nothing is generated."""
        return None if self.hyper is None else self.hyper.generation_seconds

    # How the algorithm learns.

    @classmethod
    def arguments(cls, fields: Arguments, observations: Space, actions: Space, to_learn: bool) -> Arguments:
        """The algorithm's arguments.

        Args:
            fields: Those of the recipe's algorithm, which carry Stable-Baselines3's names.
            observations: Observation space of one environment.
            actions: Action space of one environment.
            to_learn: False: rollouts and replay have no room, and no entropy's weight is learned.
        """
        raise NotImplementedError

    @property
    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """The optimizers by name: that of the ``"policy"``, or of ``"actor"``, ``"critic"`` and more."""
        return {"policy": self.policy.optimizer}

    @property
    def rollout_steps(self) -> int:
        """Environment steps between two updates, all environments together."""
        raise NotImplementedError

    @property
    def learning_starts(self) -> int:
        """Environment steps before learning starts."""
        return 0

    @property
    def minibatches(self) -> Minibatches:
        """The minibatches that it learns from after each rollout."""
        raise NotImplementedError

    def learning(self, observations: Mapping[str, NDArray[Any]]) -> tuple[Callable[[], object], int]:
        """A function that trains the algorithm on a minibatch of these observations, and its updates.

        It is one, or as many as there are for one of the actor where that is updated less often.
        """
        raise NotImplementedError

    def imitation(self, batch: Imitated, gamma: float | Tensor) -> dict[str, Tensor]:
        """The losses of a student that imitates a teacher: of the ``"actor"`` and of the ``"critic"``.

        An optimizer of that name steps on each, or that of the ``"policy"`` on both.

        Args:
            batch: What the teacher did.
            gamma: Discount factor of the critic, or that of each row, (row, 1).
        """
        raise self._unknown("losses of imitation")

    # What a checkpoint holds beside the policy, the optimizers and Stable-Baselines3's counters.

    def extra_state(self) -> State:
        """The state of training that only this algorithm has."""
        return {}

    def load_extra_state(self, state: State, expect: Expect) -> None:
        """Restores what :meth:`extra_state` returned; ``expect`` checks the type of each entry."""

    def set_goals(self, goals: Goals) -> None:
        """Sets the goals of the family, by which an algorithm with a replay buffer relabels experience."""
        raise NotImplementedError

    def set_hyperparameters(self, readers: Mapping[str, ValueReader]) -> None:
        """Has the algorithm learn each task with hyperparameters of its own.

        Args:
            readers: Read them from contexts, by name; each is one of :attr:`hyperparameters`.
        """

    def end_episodes(self) -> None:
        """Notes that the environments were reset in the middle of their episodes."""

    def learned(self) -> State:
        """The learned parameters outside of the policy."""
        return {}

    def load_learned(self, state: State) -> None:
        """Sets the learned parameters outside of the policy to those in a checkpoint's state."""

    # Its counterpart with plain networks.

    def plain_arguments(self, actions: Space) -> tuple[Arguments, Arguments]:
        """Arguments of the plain algorithm and of its policy, for a specialist; sizes of networks aside."""
        return ({"use_sde": True} if self.model.use_sde else {}), {}

    def continue_from(self, other: View) -> None:
        """Prepares a specialist's model to learn on, with what the model it comes from has learned."""
