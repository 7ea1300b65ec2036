"""The gradient's norm before it is clipped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.autograd.graph import register_multi_grad_hook
from torch.utils.hooks import RemovableHandle

from hyperrl.policies.registry import view
from hyperrl.training.rollout_callback import RolloutCallback
from hyperrl.training.telemetry.output import mean

EVERY = 13


class GradientNorm(RolloutCallback):
    """Writes `gradient/norm`, the mean before clipping, and `gradient/clipped`, the share of steps clipped.

    Stable-Baselines3's on-policy algorithms clip right after `backward` and forget the norm, and the
    optimizer's hooks come later. So the norm (L2, over all parameters) is taken by a hook that autograd calls
    within `backward`, when the last parameter's gradient is there. Measuring each gradient step that way
    costs 4 to 6 % of an update; so every 13th alone is measured, a number that no usual count of minibatches
    is a multiple of, counted from the optimizer's own count (that of a resumed run goes on).

    Of algorithms that have no one loss for all, and clip nothing, see `GradientNorms`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._norms: list[torch.Tensor] = []
        self._steps = 0
        self._counting: RemovableHandle | None = None
        self._measuring: RemovableHandle | None = None

    def _on_training_start(self) -> None:
        optimizer = self.model.policy.optimizer
        self._steps = _steps_taken(optimizer)
        self._counting = optimizer.register_step_post_hook(self._after_step)
        if self._steps % EVERY == 0:
            self._measure()

    def _measure(self) -> None:
        self._measuring = register_multi_grad_hook(list(self.model.policy.parameters()), self._keep_norm)

    def _keep_norm(self, gradients: Sequence[torch.Tensor | None]) -> None:
        present = [gradient for gradient in gradients if gradient is not None]
        self._norms.append(torch.linalg.vector_norm(torch.stack(torch._foreach_norm(present))))

    def _after_step(self, *_: Any) -> None:
        self._steps += 1
        if self._measuring is not None:
            self._measuring.remove()
            self._measuring = None
        if self._steps % EVERY == 0:
            self._measure()

    def _on_rollout_start(self) -> None:
        if self._norms:
            norms = torch.stack(self._norms).tolist()
            self._norms = []
            self.logger.record_mean("gradient/norm", mean(norms))
            limit = self.model.max_grad_norm  # type: ignore[attr-defined]
            if limit is not None:
                self.logger.record_mean("gradient/clipped", mean(norm > limit for norm in norms))

    def _on_training_end(self) -> None:
        for hook in (self._counting, self._measuring):
            if hook is not None:
                hook.remove()
        self._counting = self._measuring = None


class GradientNorms(RolloutCallback):
    """Writes `gradient/actor` and `gradient/critic`, mean norms (L2) before the optimizers' steps.

    Every 13th step of each optimizer is measured, counted from its own count. Where there is but one, it is
    the critic's (TRPO).
    """

    def __init__(self) -> None:
        super().__init__()
        self._norms: dict[str, list[torch.Tensor]] = {}
        self._hooks: list[RemovableHandle] = []

    def _on_training_start(self) -> None:
        for name, optimizer in view(self.model).optimizers.items():
            if name != "ent_coef":
                self._follow("critic" if name == "policy" else name, optimizer)

    def _follow(self, name: str, optimizer: torch.optim.Optimizer) -> None:
        taken = [_steps_taken(optimizer)]
        norms = self._norms[name] = []

        def before_step(*_: Any) -> None:
            if taken[0] % EVERY == 0:
                parameters = [one for group in optimizer.param_groups for one in group["params"]]
                gradients = [one.grad for one in parameters if one.grad is not None]
                norms.append(torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients))))
            taken[0] += 1

        self._hooks.append(optimizer.register_step_pre_hook(before_step))

    def _on_rollout_start(self) -> None:
        for name, norms in self._norms.items():
            if norms:
                self.logger.record_mean(f"gradient/{name}", mean(torch.stack(norms).tolist()))
                norms.clear()

    def _on_training_end(self) -> None:
        for hook in self._hooks:
            hook.remove()
        self._hooks = []


def _steps_taken(optimizer: torch.optim.Optimizer) -> int:
    return max((int(state["step"]) for state in optimizer.state.values() if "step" in state), default=0)
