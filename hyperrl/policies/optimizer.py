"""Learning rates and clipping of a hypernetwork's own, under algorithms that know of one rate alone.

Stable-Baselines3 writes the same rate into every parameter group before each update, and clips the gradient
of all parameters together. Both stay as they are; what is done here is done in the step and undone after.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import nn

FUSED: tuple[type[torch.optim.Optimizer], ...] = (torch.optim.Adam, torch.optim.AdamW)
"""Optimizers that can step all of a parameter in one loop over its entries."""

IMPLEMENTATION = ("foreach", "fused")
"""Settings of an optimizer that choose how it steps, and not where to."""


def fused_options(optimizer_class: type[torch.optim.Optimizer], options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of an optimizer, which steps in one loop where it can and nothing else is chosen."""
    chosen = any(options.get(name) is not None for name in (*IMPLEMENTATION, "capturable", "differentiable"))
    return dict(options) if chosen or optimizer_class not in FUSED else {**options, "fused": True}


class _Scaled(torch.optim.Optimizer):
    """A step that takes each group's ``"lr_scale"`` and ``"max_grad_norm"`` into account."""

    base: type[torch.optim.Optimizer]

    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """Clips together the gradients of all groups that name a norm, then steps at scaled rates."""
        limits = {group["max_grad_norm"] for group in self.param_groups if group.get("max_grad_norm")}
        for limit in limits:
            clipped = [
                parameter
                for group in self.param_groups
                if group.get("max_grad_norm") == limit
                for parameter in group["params"]
            ]
            nn.utils.clip_grad_norm_(clipped, limit)
        rates = [group["lr"] for group in self.param_groups]
        try:
            for group, rate in zip(self.param_groups, rates, strict=True):
                group["lr"] = rate * group.get("lr_scale", 1.0)
            # torch wraps the steps of both classes in hooks, which are to be called once
            step: Any = self.base.step
            return (step.__wrapped__ if getattr(step, "hooked", False) else step)(self, closure)
        finally:
            for group, rate in zip(self.param_groups, rates, strict=True):
                group["lr"] = rate

    def __reduce__(self) -> Any:
        return _restored, (self.base, self.__getstate__())


def with_scaled_rates(base: type[torch.optim.Optimizer]) -> Callable[..., torch.optim.Optimizer]:
    """A subclass of the optimizer whose groups may have ``"lr_scale"`` and ``"max_grad_norm"``."""
    return type(f"Scaled{base.__name__}", (_Scaled, base), {"base": base})


def _restored(base: type[torch.optim.Optimizer], state: dict[str, Any]) -> torch.optim.Optimizer:
    scaled: Any = with_scaled_rates(base)
    optimizer: torch.optim.Optimizer = scaled.__new__(scaled)
    optimizer.__setstate__(state)
    return optimizer


def parameter_groups(
    generated: Iterable[dict[str, Any]],
    parameters: Iterable[nn.Parameter],
    max_grad_norm: float | None,
    lr_scale: float = 1.0,
) -> list[dict[str, Any]]:
    """Parameters in groups.

    Args:
        generated: Groups of the hypernetwork's parameters, with ``"name"`` and ``"lr_scale"``.
        parameters: All; those of no such group, as the actions' standard deviation, go at the plain rate.
        max_grad_norm: For the groups of the hypernetwork; not for what all tasks share.
        lr_scale: Of all rates.
    """
    named = [{**group, "lr_scale": group["lr_scale"] * lr_scale} for group in generated]
    for group in named:
        if max_grad_norm is not None and not group["name"].endswith("shared"):
            group["max_grad_norm"] = max_grad_norm
    in_groups = {parameter for group in named for parameter in group["params"]}
    rest = [parameter for parameter in parameters if parameter not in in_groups]
    return [*named, {"params": rest, "name": "rest", "lr_scale": lr_scale}] if rest else named
