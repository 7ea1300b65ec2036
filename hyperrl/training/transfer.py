"""Weights of a run for a family whose features differ: the hypernetwork's first layer, feature by feature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from hyperrl.errors import UserError
from hyperrl.nets import HyperNetwork
from hyperrl.recipes import AgentRecipe
from hyperrl.tasks.contexts import ContextSpace

Weights = Mapping[str, Tensor]


def weights_for(
    policy: Any, weights: Weights, agent: AgentRecipe, spaces: tuple[ContextSpace, ContextSpace], what: str
) -> Weights:
    """Weights of a policy that was trained on contexts of one space, for contexts of another.

    The first layer of each hypernetwork gets the weights of the features that both spaces have, by their
    names. They are rescaled where training ranges differ, so that the same value of a feature has the same
    effect. Features that are new start without any effect. Those that are gone are taken in the middle of
    their training range.

    Args:
        policy: the new one.
        weights: of the old one.
        agent: the recipe of both.
        spaces: the old contexts, and the new ones.
        what: how a message begins.

    Raises:
        UserError: other descriptors, where the agent does more with them than to feed a hypernetwork.
    """
    old, new = spaces
    recipe = agent.policy
    if _same(old, new) or recipe.kind == "blind" or agent.remembers:  # these see no descriptor
        return weights
    plain = recipe.kind == "hyper" and recipe.hypernetwork.inputs == ("context",)
    if not plain or recipe.kind != "hyper" or not _is_first_layer_alone(recipe.hypernetwork):
        if old.descriptor_names == new.descriptor_names:
            return weights  # the ranges alone differ
        names = [", ".join(space.descriptor_names) for space in spaces]
        raise UserError(
            f"{what}: descriptors {names[0]}, expected {names[1]}; allowed where they differ: an agent of"
            " kind hyper whose hypernetwork sees the context alone, as it comes"
        )
    changed = dict(weights)
    for path, module in policy.named_modules():
        name = f"{path}.generator.layers.values"
        if isinstance(module, HyperNetwork) and name in changed:
            changed[name] = _first_layer(module, changed[name], old, new)
    return changed


def _same(old: ContextSpace, new: ContextSpace) -> bool:
    """Whether descriptors mean the same."""
    return old.descriptor_names == new.descriptor_names and all(
        old.features[name].train == new.features[name].train for name in new.names
    )


def _is_first_layer_alone(config: Any) -> bool:
    """Whether a hypernetwork's first layer takes the context as it comes."""
    multilayer = config.architecture in ("mlp", "linear")
    whole = config.head_norm is None and not config.separate_head
    return bool(multilayer and whole and not config.context_dropout and not config.magnitude_invariant)


def _first_layer(module: HyperNetwork, flat: Tensor, old: ContextSpace, new: ContextSpace) -> Tensor:
    """The parameter of a generator, with a first layer for other descriptors."""
    layers = module.generator.layers
    assert layers is not None
    width = layers.places[0][0][1]
    before = flat[: old.descriptor_dim * width].view(old.descriptor_dim, width)
    rest = flat[old.descriptor_dim * width :].clone()
    weight = flat.new_zeros(new.descriptor_dim, width)
    for place, name in enumerate(new.descriptor_names):
        if name not in old.descriptor_names:
            continue
        own = before[old.descriptor_names.index(name)]
        scale, offset = _rescaling(new.names[new.owners[place]], old, new)
        weight[place] = scale * own
        rest[:width] += offset * own  # the bias lies behind the weight
    return torch.cat([weight.flatten(), rest])


def _rescaling(feature: str, old: ContextSpace, new: ContextSpace) -> tuple[float, float]:
    """Factor and offset that make a feature's old entry of a descriptor from its new one."""
    (low, high), (low_, high_) = old.features[feature].train, new.features[feature].train
    if new.features[feature].encoding != "linear":
        return 1.0, 0.0
    scale = (high_ - low_) / (high - low)
    return scale, 2.0 * (low_ - low) / (high - low) + scale - 1.0
