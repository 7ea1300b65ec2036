"""Norms of gradients, before they are clipped."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch.autograd.graph import register_multi_grad_hook
from torch.utils.hooks import RemovableHandle

from hyperrl.training.rollout_callback import RolloutCallback
from hyperrl.training.telemetry.output import mean

EVERY = 13
"""Each so many gradient steps one is measured."""


class _Norms(RolloutCallback):
    """Measures norms (L2) by name, and removes its hooks when training ends."""

    def __init__(self) -> None:
        super().__init__()
        self._norms: dict[str, list[torch.Tensor]] = {}
        self._hooks: list[RemovableHandle] = []

    def _measure(self, name: str, gradients: Iterable[torch.Tensor | None]) -> None:
        present = [gradient for gradient in gradients if gradient is not None]
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(present)))
        self._norms.setdefault(name, []).append(norm)

    def _record(self, name: str, norms: list[float]) -> None:
        self.logger.record_mean(f"gradient/{name}", mean(norms))

    def _on_rollout_start(self) -> None:
        for name, norms in self._norms.items():
            self._record(name, torch.stack(norms).tolist())
        self._norms = {}

    def _on_training_end(self) -> None:
        for hook in self._hooks:
            hook.remove()
        self._hooks = []


class GradientNorm(_Norms):
    """Writes `gradient/norm`, the mean before clipping, and `gradient/clipped`, the share of steps clipped.

    Stable-Baselines3's on-policy algorithms clip right after `backward` and forget the norm, and the
    optimizer's hooks come later. So the norm (L2, over all parameters) is taken by a hook that autograd calls
    within `backward`, when the last parameter's gradient is there. Measuring each gradient step that way
    costs 4 to 6 % of an update; so only every 13th is measured, a number that no usual count of minibatches
    is a multiple of, counted from the optimizer's own count (that of a resumed run goes on).

    `GradientNorms` is for algorithms that have no one loss for all, and clip nothing.
    """

    def _on_training_start(self) -> None:
        optimizer = self.model.policy.optimizer
        self._steps = _steps_taken(optimizer)
        self._hooks.append(optimizer.register_step_pre_hook(self._before_step))
        self._hooks.append(optimizer.register_step_post_hook(self._after_step))
        self._before_backward()

    def _before_backward(self) -> None:
        if self._steps % EVERY == 0:
            parameters = [each for each in self.model.policy.parameters() if each.requires_grad]
            measure = register_multi_grad_hook(parameters, lambda grads: self._measure("norm", grads))
            self._hooks.append(measure)

    def _before_step(self, *_: Any) -> None:
        """Stop measuring: what differentiates from now on is not the algorithm's loss."""
        for measured in self._hooks[2:]:
            measured.remove()
        del self._hooks[2:]

    def _after_step(self, *_: Any) -> None:
        self._steps += 1
        self._before_backward()

    def _record(self, name: str, norms: list[float]) -> None:
        super()._record(name, norms)
        limit = self.model.max_grad_norm  # type: ignore[attr-defined]
        if limit is not None:
            self.logger.record_mean("gradient/clipped", mean(norm > limit for norm in norms))


class GradientNorms(_Norms):
    """Writes `gradient/actor` and `gradient/critic`, mean norms (L2) before the optimizers' steps.

    Every 13th step of each optimizer is measured, counted from its own count. Where there is but one, it is
    the critic's (TRPO).
    """

    def _on_training_start(self) -> None:
        for name, optimizer in self._view.optimizers.items():
            if name != "ent_coef":
                self._follow("critic" if name == "policy" else name, optimizer)

    def _follow(self, name: str, optimizer: torch.optim.Optimizer) -> None:
        steps = _steps_taken(optimizer)

        def before_step(*_: Any) -> None:
            nonlocal steps
            if steps % EVERY == 0:
                self._measure(name, (one.grad for group in optimizer.param_groups for one in group["params"]))
            steps += 1

        self._hooks.append(optimizer.register_step_pre_hook(before_step))


def _steps_taken(optimizer: torch.optim.Optimizer) -> int:
    return max((int(state["step"]) for state in optimizer.state.values() if "step" in state), default=0)
