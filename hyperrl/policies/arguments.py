"""What the arguments of policies may be, Stable-Baselines3's own among them."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

from hyperrl import arguments
from hyperrl.arguments import (
    CONVOLUTIONS,
    FLAG,
    MAPPING,
    SIZES,
    Constraint,
    finite,
    integer,
    refuse_unknown,
)
from hyperrl.nets.activations import ACTIVATION


def _subclass(of: type, text: str) -> Constraint:
    return Constraint(text, lambda found: inspect.isclass(found) and issubclass(found, of))


_SPACE = Constraint("a space of gymnasium", lambda found: isinstance(found, spaces.Space))

ARGUMENTS: dict[str, Constraint] = {
    "observation_space": _SPACE,
    "action_space": _SPACE,
    "lr_schedule": Constraint("a function of the progress remaining, from 1 to 0", callable),
    "activation_fn": ACTIVATION,
    "hypernetwork": MAPPING.or_none(),
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
"""What each argument may be; `net_arch` depends on the networks that the policy has."""


def check_arguments(
    policy: type, networks: Sequence[str], given: Mapping[str, Any], own: Mapping[str, Constraint]
) -> None:
    """ValueError for an argument that a policy does not take, or one that is not of its kind.

    Args:
        policy: The class.
        networks: What `net_arch` calls its networks: ``("pi", "vf")``; none where there is one network.
        given: All arguments by name.
        own: What arguments of this policy alone may be.
    """
    refuse_unknown(policy.__name__, given, _taken(policy))
    arguments.check_arguments({**ARGUMENTS, **own, "net_arch": _net_arch(networks)}, given)


def _taken(policy: type) -> set[str]:
    """The names of arguments of a class and of those that it hands further arguments on to."""
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
        return Constraint(f"{SIZES.allowed}, or None", lambda found: found is None or SIZES.holds(found))

    def holds(found: Any) -> bool:
        if isinstance(found, list) and len(found) == 1 and isinstance(found[0], Mapping):
            found = found[0]  # as Stable-Baselines3 had it before 1.8, and still takes it
        by_network = isinstance(found, Mapping) and set(found) <= set(networks)
        sizes = found.values() if by_network else [found]
        return found is None or all(map(SIZES.holds, sizes))

    example = ", ".join(f"{name}=[64]" for name in networks)
    return Constraint(f"a list of whole numbers of at least 1, dict({example}), or None", holds)
