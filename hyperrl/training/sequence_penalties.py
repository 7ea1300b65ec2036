"""What keeps an agent from forgetting earlier tasks: terms that are added to the loss of what acts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from torch import Tensor, nn

from hyperrl.evaluation.demonstrations import record
from hyperrl.policies.effort import without_price
from hyperrl.policies.registry import view
from hyperrl.recipes import CONTEXT, AgentRecipe, Context
from hyperrl.tasks import Family
from hyperrl.training.isolation import preserve_training_state


class Penalty(ABC):
    """A term of the loss that grows as a model departs from what it was after the tasks before.

    Args:
        model: which learns.
        agent: its recipe; `agent.sequence` has the strength.
        family: the tasks, with environments as the agent has them.
        seed: of the starts of episodes from which observations are kept.
    """

    def __init__(self, model: BaseAlgorithm, agent: AgentRecipe, family: Family, seed: int) -> None:
        self.model, self.agent, self.family, self.seed = model, agent, family, seed
        self.strength = agent.sequence.weight

    @abstractmethod
    def keep(self, tasks: Sequence[Context]) -> None:
        """Note what is to stay, when the last of these tasks has been learned."""

    @abstractmethod
    def value(self) -> Tensor:
        """The term, a scalar that is differentiable in the policy's parameters."""

    def add_gradient(self, parameters: Sequence[nn.Parameter]) -> bool:
        """Add the term's gradient to that of these parameters.

        Returns:
            Whether the term depends on any of them.
        """
        with torch.enable_grad(), without_price(self.model.policy):
            gradients = torch.autograd.grad(self.value(), parameters, allow_unused=True)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            if gradient is not None:
                parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient
        return any(gradient is not None for gradient in gradients)

    @abstractmethod
    def get_state(self) -> dict[str, Any]:
        """What was noted, as tensors and plain data; empty before the first task has been learned."""

    @abstractmethod
    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `get_state` gave."""

    def _observations(self, task: Context) -> dict[str, np.ndarray[Any, Any]]:
        """Observations of a task, at most `samples`, spread over episodes that the agent plays now."""
        with preserve_training_state(self.model):
            played = record(self.model, self.family, [task], self.agent.n_envs, self.seed)
        count = min(self.agent.sequence.samples, len(played))
        rows = np.linspace(0, len(played) - 1, count).astype(np.int64)
        parts = {name: part[rows] for name, part in played.observations.items()}
        context = self.family.space.descriptors([task])
        return {**parts, CONTEXT: np.repeat(context, count, axis=0)}


class OutputsPenalty(Penalty):
    """The output regularizer of von Oswald et al. (ICLR 2020), eq. 2: weights of earlier tasks stay.

    The strength times the mean over earlier tasks of |W(c) - W*(c)|^2. W(c) are all weights of the acting
    network that are generated from the context c of a task (or from its embedding), and W*(c) those that were
    generated before the current task. The step that the optimizer is about to take is not looked ahead at.
    """

    _targets: Tensor | None = None

    def keep(self, tasks: Sequence[Context]) -> None:
        """Note the weights of all tasks so far, (task, weights)."""
        self._descriptors = torch.as_tensor(self.family.space.descriptors(tasks), device=self.model.device)
        with torch.no_grad():
            self._targets = self._weights()

    def _weights(self) -> Tensor:
        part = next(iter(view(self.model).parts.values()))
        network = next(iter(part.target.named()))[0]
        weights = part.of_tasks(self._descriptors).dense()
        own = [each.flatten(1) for name, each in weights.items() if name.split(".")[0] == network]
        return torch.cat(own, dim=1)

    def value(self) -> Tensor:
        """See `Penalty.value`."""
        assert self._targets is not None
        return self.strength * (self._weights() - self._targets).square().sum(dim=1).mean()

    def get_state(self) -> dict[str, Any]:
        """See `Penalty.get_state`."""
        if self._targets is None:
            return {}
        return {"descriptors": self._descriptors, "targets": self._targets}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """See `Penalty.set_state`; ValueError where the weights have other shapes."""
        self._descriptors = state["descriptors"].to(self.model.device)
        self._targets = state["targets"].to(self.model.device)
        if self._weights().shape != self._targets.shape:
            raise ValueError("the weights of earlier tasks are of another network")


class ElasticPenalty(Penalty):
    """Elastic weight consolidation (Kirkpatrick et al., PNAS 2017, eq. 3) of the parameters that act.

    Half the strength times the sum over earlier tasks and parameters of F (p - p*)^2, with p* as they were
    when the task had been learned. F is the diagonal of the Fisher information: the mean over observations of
    the squared derivatives of the outputs that determine the action, as if these were the means of normal
    distributions with standard deviation 1.
    """

    _names: tuple[str, ...] = ()

    def keep(self, tasks: Sequence[Context]) -> None:
        """Measure how much each parameter matters for the last task."""
        observations = self._observations(tasks[-1])
        with preserve_training_state(self.model), without_price(self.model.policy):
            self.model.policy.set_training_mode(False)
            if not self._names:
                self._names = self._acting(observations)
                empty = torch.zeros(0, len(self._parameters()), device=self.model.device)
                self._fisher, self._anchors = empty, empty
            fisher = self._measure(observations)
        self._fisher = torch.cat([self._fisher, fisher.unsqueeze(0)])
        self._anchors = torch.cat([self._anchors, self._parameters().detach().unsqueeze(0)])

    def _acting(self, observations: Mapping[str, Any]) -> tuple[str, ...]:
        """The names of the parameters on which actions depend."""
        named = {name: each for name, each in self.model.policy.named_parameters() if each.requires_grad}
        outputs = self._outputs(observations, slice(0, 1)).sum()
        gradients = torch.autograd.grad(outputs, [*named.values()], allow_unused=True)
        return tuple(name for name, each in zip(named, gradients, strict=True) if each is not None)

    def _outputs(self, observations: Mapping[str, Any], rows: slice) -> Tensor:
        chosen = {name: part[rows] for name, part in observations.items()}
        return view(self.model).act_outputs(self.model.policy.obs_to_tensor(chosen)[0])

    def _measure(self, observations: Mapping[str, Any]) -> Tensor:
        named = dict(self.model.policy.named_parameters())
        parameters = [named[name] for name in self._names]
        count = len(observations[CONTEXT])
        total = torch.zeros_like(self._parameters())
        for row in range(count):
            outputs = self._outputs(observations, slice(row, row + 1))[0]
            for index, output in enumerate(outputs):
                more = index + 1 < len(outputs)
                gradients = torch.autograd.grad(output, parameters, retain_graph=more)
                total += torch.cat([each.flatten() for each in gradients]).square()
        return total / count

    def _parameters(self) -> Tensor:
        named = dict(self.model.policy.named_parameters())
        return torch.cat([named[name].flatten() for name in self._names])

    def value(self) -> Tensor:
        """See `Penalty.value`."""
        return self.strength / 2 * (self._fisher * (self._parameters() - self._anchors).square()).sum()

    def get_state(self) -> dict[str, Any]:
        """See `Penalty.get_state`."""
        if not self._names:
            return {}
        return {"names": list(self._names), "fisher": self._fisher, "anchors": self._anchors}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """See `Penalty.set_state`; ValueError where the parameters are of other sizes."""
        self._names = tuple(state["names"])
        self._fisher, self._anchors = (state[name].to(self.model.device) for name in ("fisher", "anchors"))
        if not self._fisher.shape == self._anchors.shape == (len(self._fisher), len(self._parameters())):
            raise ValueError("the parameters of earlier tasks are of another network")


class CloningPenalty(Penalty):
    """What the agent did is kept: observations of earlier tasks, with the outputs that determine its actions.

    The strength times the mean over a minibatch of them of the squared distance of the outputs from those
    that were kept, as behavioral cloning in CLEAR (Rolnick et al., NeurIPS 2019) and ClonEx-SAC (Wolczyk et
    al., NeurIPS 2022).
    """

    _memory: dict[str, Any] | None = None

    def keep(self, tasks: Sequence[Context]) -> None:
        """Keep observations of the last task."""
        observations = self._observations(tasks[-1])
        with preserve_training_state(self.model), torch.no_grad():
            self.model.policy.set_training_mode(False)
            observed = self.model.policy.obs_to_tensor(observations)[0]
            outputs = view(self.model).act_outputs(observed).cpu().numpy()
        new = {"observations": observations, "outputs": outputs}
        if self._memory is None:
            self._memory = new
            return
        old = self._memory
        parts = old["observations"]
        self._memory = {
            "observations": {name: np.concatenate([parts[name], observations[name]]) for name in parts},
            "outputs": np.concatenate([old["outputs"], outputs]),
        }

    def value(self) -> Tensor:
        """See `Penalty.value`; torch's global generator draws the minibatch."""
        assert self._memory is not None
        stored = self._memory["outputs"]
        rows = torch.randint(len(stored), (min(view(self.model).minibatches.rows, len(stored)),)).numpy()
        parts = {name: part[rows] for name, part in self._memory["observations"].items()}
        outputs = view(self.model).act_outputs(self.model.policy.obs_to_tensor(parts)[0])
        distance = outputs - torch.as_tensor(stored[rows], device=outputs.device)
        return self.strength * distance.square().sum(dim=1).mean()

    def get_state(self) -> dict[str, Any]:
        """See `Penalty.get_state`."""
        return {} if self._memory is None else dict(self._memory)

    def set_state(self, state: Mapping[str, Any]) -> None:
        """See `Penalty.set_state`; ValueError where the rows are not as many."""
        outputs, parts = state["outputs"], dict(state["observations"])
        space: Any = self.model.observation_space
        if parts.keys() != space.spaces.keys() or {len(part) for part in parts.values()} != {len(outputs)}:
            raise ValueError("the observations of earlier tasks are of another family")
        self._memory = {"observations": parts, "outputs": outputs}


PENALTIES: dict[str, type[Penalty]] = {
    "outputs": OutputsPenalty,
    "ewc": ElasticPenalty,
    "cloning": CloningPenalty,
}
"""The regularizers of a recipe that add anything."""
