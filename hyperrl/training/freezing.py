"""Fine-tuning with a part of the weights frozen: what generates weights, or what all tasks share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn

from hyperrl.errors import UserError, user_syntax
from hyperrl.policies import GeneratedNetworks
from hyperrl.policies.registry import view
from hyperrl.recipes import AgentRecipe

FROZEN_PARTS: dict[str, tuple[str, ...]] = {"generator": ("generator", "heads"), "shared": ("shared",)}
"""What may be frozen, and the groups of a hypernetwork's parameters that it has, as in `lr_scale`."""


def check_freeze(agent: AgentRecipe) -> None:
    """Refuse what an agent cannot freeze, before anything is built.

    Raises:
        UserError: an agent that generates no weights, an algorithm that differentiates all parameters of the
            actor, or weights that follow a memory, which would learn on.
    """
    policy, where = agent.policy, f"agent {agent.name!r}: {user_syntax('freeze', '--freeze')}"
    if policy.kind != "hyper":
        raise UserError(
            f"{where}: found policy.kind {policy.kind!r}; allowed: 'hyper', which generates weights"
        )
    if agent.algorithm.name == "trpo":
        raise UserError(f"{where}: found the algorithm 'trpo', which steps all of the actor; allowed: others")
    if agent.remembers:
        raise UserError(f"{where}: found weights that follow episodes; allowed: agents that see the context")


def freeze(model: BaseAlgorithm, agent: AgentRecipe, part: str) -> None:
    """Freeze a part of a freshly built model: it has no gradient, and no optimizer steps it.

    Args:
        model: whose optimizers have not stepped yet.
        agent: its recipe, which `check_freeze` allows.
        part: "generator", whatever makes the weights' differences between tasks from a context; or "shared",
            what all tasks share: the weights that a strategy shares, and the extractor of features.

    Raises:
        UserError: the model has no such part, or nothing else.
    """
    frozen, others = _parts(model, part)
    where = f"agent {agent.name!r}: {user_syntax('freeze', '--freeze')}"
    if not frozen or not others:
        strategy = agent.policy.hypernetwork.strategy if agent.policy.kind == "hyper" else "none"
        raise UserError(
            f"{where}: found {part!r} with the strategy {strategy!r}, of which no weights are shared between"
            " tasks; allowed: a strategy that has both parts, such as 'modulation' or 'low-rank'"
        )
    for parameter in frozen:
        parameter.requires_grad_(False)
    for optimizer in view(model).optimizers.values():
        _leave_out(optimizer, frozen)


def _parts(model: BaseAlgorithm, part: str) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """The parameters of a part of all hypernetworks, those of targets too, and those of the other part."""
    groups = FROZEN_PARTS[part]
    frozen: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for module in _generated(model):
        for group in module.hyper.parameter_groups():
            name = str(group["name"]).rpartition(".")[2]
            (frozen if name in groups else others).extend(group["params"])
    if frozen and part == "shared":
        frozen += _extractors(model)
    return frozen, others


def _generated(model: BaseAlgorithm) -> Iterator[Any]:
    return (module for module in model.policy.modules() if isinstance(module, GeneratedNetworks))


def _extractors(model: BaseAlgorithm) -> list[nn.Parameter]:
    found = (module for module in model.policy.modules() if isinstance(module, BaseFeaturesExtractor))
    return list(dict.fromkeys(parameter for module in found for parameter in module.parameters()))


def _leave_out(optimizer: torch.optim.Optimizer, frozen: list[nn.Parameter]) -> None:
    """Take parameters out of an optimizer, and groups that have none left."""
    left_out = set(map(id, frozen))
    for group in optimizer.param_groups:
        group["params"] = [each for each in group["params"] if id(each) not in left_out]
    optimizer.param_groups = [group for group in optimizer.param_groups if group["params"]]
