"""Policies with an index, played by other indices than the one in the middle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gymnasium as gym

from hyperrl.errors import UserError, user_syntax
from hyperrl.evaluation.policy import ModelPolicy
from hyperrl.masks import Masks

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from torch import Tensor

    from hyperrl.store import Run

INDEX_MODES = ("mean", "vote", "thompson")
"""How an agent with an index may act: by the mean of 32 indices' outputs, or of all members; by what most of
them choose; by an index that is drawn for each episode."""


class IndexedPolicy(ModelPolicy):
    """A model's policy that acts by many indices, or by one for each episode.

    Args:
        model: whose hypernetwork sees noise.
        mode: one of `INDEX_MODES`.
        seed: of the indices.
    """

    def __init__(self, model: BaseAlgorithm, mode: str, seed: int = 0) -> None:
        from hyperrl.policies.registry import view

        super().__init__(model)
        self._view, self._mode, self._seed = view(model), mode, seed
        self._indices: Tensor | None = None

    def reset(self) -> None:
        """Begin episodes: each gets an index of its own, where episodes have one."""
        super().reset()
        self._indices = None

    def _choose(self, tensors: Any, action_masks: Masks | None) -> Tensor:
        from hyperrl.policies.indices import MANY, vote, with_indices

        count = len(next(iter(tensors.values())))
        if self._mode == "thompson":
            if self._indices is None or len(self._indices) != count:
                self._indices = self._view.draw_indices_of_rows(count, self._seed)
            chosen: Tensor = self._policy._predict(with_indices(tensors, self._indices), deterministic=True)
            return chosen
        outputs = self._view.act_outputs_by_index(tensors, self._view.draw_indices(MANY, self._seed))
        if self._mode == "vote":
            return vote(outputs)
        means = outputs.mean(dim=0)
        return means.argmax(dim=1) if isinstance(self._policy.action_space, gym.spaces.Discrete) else means


def check_index(run: Run, action_space: gym.Space[Any], mode: str | None) -> None:
    """Raise a UserError where a run's agent cannot act by indices in that way."""
    if mode is None:
        return
    policy, option = run.spec.agent.policy, user_syntax("index", "--index")
    if policy.kind != "hyper" or "noise" not in policy.hypernetwork.inputs:
        raise UserError(
            f"run {str(run.path)!r}: {option} needs an agent with 'noise' in policy.hypernetwork.inputs"
        )
    discrete = isinstance(action_space, gym.spaces.Discrete)
    if (mode == "vote" and not discrete) or not isinstance(
        action_space, gym.spaces.Discrete | gym.spaces.Box
    ):
        raise UserError(f"{option}: found {mode!r} with actions of {action_space}; allowed: Discrete ones")
