"""Constraints on the arguments of policies, those of Stable-Baselines3's policies among them."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, get_args

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

from hyperrl.arguments import (
    CONVOLUTIONS,
    FLAG,
    MAPPING,
    SIZES,
    Constraint,
    check_arguments,
    finite,
    integer,
    is_instance,
    one_of,
    refuse_unknown,
)
from hyperrl.config import Beyond
from hyperrl.nets.activations import ACTIVATION


def _subclass(of: type, text: str) -> Constraint:
    return Constraint(text, lambda value: inspect.isclass(value) and issubclass(value, of))


_SPACE = Constraint("a space of gymnasium", is_instance(spaces.Space))

ARGUMENTS: dict[str, Constraint] = {
    "observation_space": _SPACE,
    "action_space": _SPACE,
    "lr_schedule": Constraint("a function of the progress remaining, from 1 to 0", callable),
    "activation_fn": ACTIVATION,
    "hypernetwork": MAPPING.or_none(),
    "beyond": one_of(get_args(Beyond)),
    "layer_norm": FLAG,
    "residual": FLAG,
    "convolutions": CONVOLUTIONS.or_none(),
    "effort_coef": finite(0),
    "critic_lr_scale": finite(0),
    "features_extractor_class": _subclass(
        BaseFeaturesExtractor, "a subclass of stable_baselines3.common.torch_layers.BaseFeaturesExtractor"
    ),
    "features_extractor_kwargs": MAPPING.or_none(),
    "share_features_extractor": FLAG,
    "normalize_images": FLAG,
    "optimizer_class": _subclass(torch.optim.Optimizer, "a class of torch.optim's, such as torch.optim.Adam"),
    "optimizer_kwargs": MAPPING.or_none(),
    "ortho_init": FLAG,
    "use_sde": FLAG,
    "full_std": FLAG.or_none(),
    "use_expln": FLAG.or_none(),
    "squash_output": FLAG.or_none(),
    "log_std_init": finite(),
    "clip_mean": finite(0),
    "n_critics": integer(1),
    "n_quantiles": integer(1),
    "lstm_hidden_size": integer(1),
    "n_lstm_layers": integer(1),
    "shared_lstm": FLAG,
    "enable_critic_lstm": FLAG,
    "lstm_kwargs": MAPPING.or_none(),
}
"""By the arguments' names; `net_arch` depends on the networks of the policy."""


def check_policy_arguments(
    policy: type, networks: Sequence[str], values: Mapping[str, Any], own: Mapping[str, Constraint]
) -> None:
    """Raise ArgumentError for an argument that a policy does not take, or whose value is not allowed.

    Args:
        policy: The class.
        networks: What `net_arch` calls its networks: ``("pi", "vf")``; empty if there is one network.
        values: All arguments by name.
        own: Constraints of arguments that only this policy has.
    """
    refuse_unknown(policy.__name__, values, _accepted_names(policy))
    check_arguments({**ARGUMENTS, **own, "net_arch": _net_arch(networks)}, values)


def _accepted_names(policy: type) -> set[str]:
    """The names of a class's arguments, and of those that it passes on to its base classes."""
    names: set[str] = set()
    for each in policy.__mro__:
        if "__init__" not in vars(each):
            continue
        parameters = inspect.signature(vars(each)["__init__"]).parameters.values()
        names |= {one.name for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)}
        if not any(one.kind is one.VAR_KEYWORD for one in parameters):
            break
    return names - {"self"}


def _net_arch(networks: Sequence[str]) -> Constraint:
    """Sizes for all networks, or by network."""
    if not networks:
        return SIZES.or_none()

    def holds(value: Any) -> bool:
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], Mapping):
            value = value[0]  # the form before Stable-Baselines3 1.8, which it still takes
        by_network = isinstance(value, Mapping) and set(value) <= set(networks)
        return all(map(SIZES.holds, value.values() if by_network else [value]))

    example = ", ".join(f"{name}=[64]" for name in networks)
    return Constraint(f"a list of whole numbers of at least 1, dict({example})", holds).or_none()
