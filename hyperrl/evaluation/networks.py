"""Several networks that answer the same observations: those of an agent's indices, or of several runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError, user_syntax
from hyperrl.evaluation.policy import Observation
from hyperrl.masks import Masks
from hyperrl.tasks.spaces import choices_of

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm

    from hyperrl.evaluation.agent import Agent
    from hyperrl.policies.view import View

Floats = NDArray[np.float64]

NETWORKS = 10
"""Networks that are drawn of an agent with an index, where it has no fixed members."""


class Networks(Protocol):
    """Several networks of one agent.

    Attributes:
        count: their number M.
        source: "index", or "runs".
    """

    count: int
    source: str

    def answer(self, observation: Observation, masks: Sequence[Masks] = ()) -> tuple[NDArray[Any], Floats]:
        """The most likely actions (M, n, parts), and the values (M, n) in the unit of discounted returns.

        Actions of a Box are in half widths of its bounds, others are choices counted from 0.
        """


class IndexedNetworks:
    """The networks of one agent's indices."""

    source = "index"

    def __init__(self, model: BaseAlgorithm) -> None:
        """Draw the indices, the same for all agents; a model without an index is a ValueError."""
        self._of = _Answers(model)
        self._indices = self._of.view.draw_indices(NETWORKS)
        self.count = len(self._indices)

    def answer(self, observation: Observation, masks: Sequence[Masks] = ()) -> tuple[NDArray[Any], Floats]:
        """See `Networks.answer`."""
        of, tensors = self._of, self._of.tensors(observation)
        outputs = of.view.act_outputs_by_index(tensors, self._indices).cpu().numpy()
        values = of.view.values_by_index(tensors, self._indices).cpu().numpy()
        return of.actions(outputs, masks), of.scale * values.astype(np.float64)


class Ensemble:
    """The networks of several runs that differ in their seed."""

    source = "runs"

    def __init__(self, models: Sequence[BaseAlgorithm]) -> None:
        """Take the models, at least two."""
        self._members = [_Answers(model) for model in models]
        self.count = len(models)

    def answer(self, observation: Observation, masks: Sequence[Masks] = ()) -> tuple[NDArray[Any], Floats]:
        """See `Networks.answer`."""
        import torch

        actions, values = [], []
        for of in self._members:
            with torch.no_grad():
                tensors = of.tensors(observation)
                actions.append(of.actions(of.view.act_outputs(tensors).cpu().numpy()[None], masks)[0])
                values.append(of.scale * of.view.values(tensors).cpu().numpy().astype(np.float64))
        return np.stack(actions), np.stack(values)


class _Answers:
    """What a model's networks answer, in common units."""

    def __init__(self, model: BaseAlgorithm) -> None:
        from hyperrl.policies.registry import view

        self.view: View = view(model)
        self._policy: Any = model.policy
        self._space: Any = model.action_space
        normalization = self._normalization = self.view.normalization
        self.scale = 1.0
        if normalization is not None and normalization.returns is not None:
            self.scale = float((normalization.returns.var + normalization.settings.epsilon).sqrt())

    def tensors(self, observation: Observation) -> Any:
        """Observations as the policy takes them."""
        if self._policy.training:
            self._policy.set_training_mode(False)
        if self._normalization is not None:
            observation = self._normalization.normalize(observation)
        return self._policy.obs_to_tensor(observation)[0]

    def actions(self, outputs: NDArray[Any], masks: Sequence[Masks]) -> NDArray[Any]:
        """Actions (M, n, parts) of outputs (M, n, outputs)."""
        space = self._space
        if isinstance(space, gym.spaces.Box):
            if self._policy.squash_output:
                return outputs
            low, high = np.ravel(space.low), np.ravel(space.high)
            scaled: NDArray[Any] = 2 * (np.clip(outputs, low, high) - low) / (high - low) - 1
            return scaled
        if isinstance(space, gym.spaces.MultiBinary) and not masks:
            return (outputs > 0).astype(np.int64)
        if masks:
            outputs = np.where(masks[0], outputs, -np.inf)
        parts = np.split(outputs, np.cumsum(choices_of(space))[:-1], axis=2)
        return np.stack([part.argmax(axis=2) for part in parts], axis=2)


def networks_of(agents: Sequence[Agent]) -> Networks:
    """The networks whose disagreement tells how uncertain agents are: the agent's own, or several runs'.

    Raises:
        UserError: one run without an index, or an agent that remembers what it saw.
    """
    from hyperrl.policies.registry import view

    first, option = agents[0], user_syntax("uncertainty", "--uncertainty")
    name = first.run.spec.agent.name
    if first.run.spec.agent.remembers:
        raise UserError(
            f"{option}: found agent {name!r}, which remembers what it saw; allowed: agents without"
        )
    if view(first.model).index is not None and len(agents) == 1:
        return IndexedNetworks(first.model)
    if len(agents) == 1:
        raise UserError(
            f"{option}: found one run of agent {name!r}, which has one network; allowed: several runs, which"
            " are an ensemble, or an agent with 'noise' in policy.hypernetwork.inputs"
        )
    return Ensemble([agent.model for agent in agents])


def disagreement(actions: NDArray[Any]) -> Floats:
    """How far networks disagree on actions, (n,).

    Of numbers it is their standard deviation over networks, the root mean square over an action's parts; of
    choices the probability that two of the networks choose otherwise, the mean over parts.

    Args:
        actions: (M, n, parts), M at least 2.
    """
    if actions.dtype.kind == "f":
        variances: Floats = actions.astype(np.float64).var(axis=0, ddof=1)
        spreads: Floats = np.sqrt(variances.mean(axis=1))
        return spreads
    networks = len(actions)
    same = (actions[:, None] == actions[None]).sum(axis=(0, 1)) - networks
    different: Floats = (1.0 - same / (networks * (networks - 1))).mean(axis=1)
    return different
