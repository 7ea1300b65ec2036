"""Plain networks that are sums of plain networks."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


def sum_of(networks: Sequence[nn.Sequential], factors: Sequence[float]) -> nn.Sequential:
    """One network whose outputs are a sum of those of several, each times a factor.

    Its hidden layers have those of all of them side by side: only the first one's inputs are shared.

    Args:
        networks: Linear layers with activations between them, as many of each in every network.
        factors: As many numbers.

    Raises:
        ValueError: Other modules.
    """
    last = len(networks[0]) - 1
    modules: list[nn.Module] = []
    for number, together in enumerate(zip(*networks, strict=True)):
        if len({type(module) for module in together}) > 1 or any(map(_has_other_parameters, together)):
            found = [type(module).__name__ for module in together]
            raise ValueError(f"networks: found {found}; allowed: linear layers with activations between them")
        layers: list[Any] = list(together)
        if not isinstance(together[0], nn.Linear):
            modules.append(together[0])
        elif number == last:
            scaled = list(zip(layers, factors, strict=True))
            weights, bias = [f * one.weight for one, f in scaled], sum(f * one.bias for one, f in scaled)
            modules.append(linear_layer(torch.cat(weights, dim=1) if last else sum(weights), bias))
        else:
            join = torch.cat if number == 0 else _block_diagonal
            weight = join([one.weight for one in layers])
            modules.append(linear_layer(weight, torch.cat([one.bias for one in layers])))
    return nn.Sequential(*modules)


def _block_diagonal(weights: Sequence[Tensor]) -> Tensor:
    blocks: Tensor = torch.block_diag(*weights)  # type: ignore[no-untyped-call]
    return blocks


def _has_other_parameters(module: nn.Module) -> bool:
    """Whether it is no linear layer, and no activation without parameters either."""
    return not isinstance(module, nn.Linear) and any(True for _ in module.parameters())


@torch.no_grad()
def linear_layer(weight: Tensor, bias: Tensor) -> nn.Linear:
    """A layer with these weights (out, in) and biases (out,), which does not learn."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], device=weight.device, dtype=weight.dtype)
    layer.weight.copy_(weight)
    layer.bias.copy_(bias)
    return layer.requires_grad_(False)
