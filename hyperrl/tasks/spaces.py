"""Which spaces of a base environment are supported, and the same spaces counted from 0."""

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from hyperrl.errors import UserError
from hyperrl.masks import Masks
from hyperrl.recipes import CONTEXT

OBSERVATIONS = (
    "Box, Discrete, MultiBinary, MultiDiscrete of one axis, or one Dict of these ('observe' keeps the keys"
    " that it names, 'flatten: true' makes one row of numbers of what has a fixed size)"
)
ACTIONS = "Box of real numbers with finite bounds, Discrete, MultiBinary or MultiDiscrete of one axis"
ACHIEVED, DESIRED = GOALS = "achieved_goal", "desired_goal"
"""Parts of an observation that are goals, as gymnasium-robotics names them."""
_SHOWN, _WIDEST = 120, 8

_MODULE_DICT_ATTRIBUTES = """
T_destination add_module apply bfloat16 buffers call_super_init children clear compile cpu cuda double
dump_patches eval extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu
items keys load_state_dict modules mtia named_buffers named_children named_modules named_parameters
parameters pop register_backward_hook register_buffer register_forward_hook register_forward_pre_hook
register_full_backward_hook register_full_backward_pre_hook register_load_state_dict_post_hook
register_load_state_dict_pre_hook register_module register_parameter register_state_dict_post_hook
register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory state_dict to to_empty
train training type update values xpu zero_grad
"""
RESERVED_KEYS = frozenset(_MODULE_DICT_ATTRIBUTES.split())
"""Keys of a dictionary that torch's `ModuleDict`, which holds one network for each, has as attributes."""


def spaces_of(env: gym.Env[Any, Any]) -> tuple[Any, Any]:
    """The observation and the action space of an environment; None for one that it does not have."""
    return getattr(env, "observation_space", None), getattr(env, "action_space", None)


def refuse_spaces(observation: gym.Space[Any], action: gym.Space[Any]) -> None:
    """Refuse a base environment whose spaces no agent here can play.

    Raises:
        UserError: names the space, and what is allowed.
    """
    for fault in (_observation_fault(observation), _action_fault(action)):
        if fault is not None:
            raise UserError(f"the base environment's {fault}")


def _observation_fault(space: gym.Space[Any]) -> str | None:
    parts = space.spaces if isinstance(space, spaces.Dict) else {"": space}
    if not parts:
        return f"observation_space is {short(space)}; allowed: at least one key"
    for key, part in parts.items():
        what = f"observation_space[{key!r}]" if isinstance(space, spaces.Dict) else "observation_space"
        if isinstance(space, spaces.Dict) and not _is_key(key):
            return (
                f"observation_space has the key {key!r}; allowed: keys without a dot that torch's ModuleDict"
                " does not use itself ('observe' keeps the keys that it names)"
            )
        match part:
            case spaces.Discrete() | spaces.MultiBinary():
                continue
            case spaces.MultiDiscrete() if len(part.shape) == 1:
                continue
            case spaces.Box() if np.dtype(part.dtype).itemsize > _WIDEST:
                fault = f", of {part.dtype}; allowed: numbers of at most {_WIDEST} bytes"
            case spaces.Box() if not np.dtype(part.dtype).isnative:
                fault = f", of {part.dtype}; allowed: numbers in this machine's byte order"
            case spaces.Box() if _is_empty(part):
                fault = f", of shape {part.shape}; allowed: at least one axis and one number"
            case spaces.Box():
                continue
            case _:
                fault = f"; allowed: {OBSERVATIONS}"
        return f"{what} is {short(part)}{fault}"
    return None


def _is_key(key: Any) -> bool:
    return (
        isinstance(key, str) and key != "" and "." not in key and key not in RESERVED_KEYS and key[:1] != "_"
    )


def _action_fault(space: gym.Space[Any]) -> str | None:
    what = f"action_space is {short(space)}"
    match space:
        case spaces.Discrete():
            return None
        case spaces.MultiDiscrete() | spaces.MultiBinary() if len(space.shape) == 1:
            return None
        case spaces.Box() if not np.issubdtype(space.dtype, np.floating):
            return f"{what}, of {space.dtype}; allowed: {ACTIONS}"
        case spaces.Box() if _is_empty(space):
            return f"{what}, of shape {space.shape}; allowed: at least one axis and one number"
        case spaces.Box():
            with np.errstate(over="ignore", invalid="ignore"):
                width = space.high.astype(np.float32) - space.low.astype(np.float32)
            if not np.isfinite(width).all():
                return f"{what}; allowed: bounds that are finite"
            return None if (width > 0).all() else f"{what}; allowed: each number's low below its high"
    return f"{what}; allowed: {ACTIONS}"


def _is_empty(space: spaces.Box) -> bool:
    return not space.shape or 0 in space.shape


def short(space: gym.Space[Any]) -> str:
    """A space in one line of a message, cut where it is long."""
    text = " ".join(str(space).split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def contextual_space(base: gym.Space[Any], context: spaces.Box) -> spaces.Dict:
    """Observation space with the descriptor added: {"obs", "context"}, or a Dict's own keys and "context".

    Raises:
        UserError: the base observation has a key "context" already.
    """
    if not isinstance(base, spaces.Dict):
        return spaces.Dict({"obs": base, CONTEXT: context})
    if CONTEXT in base.spaces:
        raise UserError("the base environment's observation has a key 'context' already; rename it there")
    return spaces.Dict({**base.spaces, CONTEXT: context})


def choices_of(space: gym.Space[Any]) -> tuple[int, ...]:
    """How many choices each part of an action has, of which a mask has an entry each; a button has two."""
    match space:
        case spaces.Discrete():
            return (int(space.n),)
        case spaces.MultiDiscrete():
            return tuple(space.nvec.tolist())
        case spaces.MultiBinary():
            return (2,) * int(np.prod(space.shape))
    return ()


def draw_valid(space: gym.Space[Any], mask: Masks, rng: np.random.Generator) -> Any:
    """Draw one of the actions that a mask leaves, choices counted from 0.

    Args:
        space: Discrete, MultiDiscrete or MultiBinary.
        mask: (choices,), with a valid choice in each part.
        rng: draws.
    """
    parts = np.split(mask, np.cumsum(choices_of(space))[:-1])
    places = [rng.choice(np.flatnonzero(part)) for part in parts]
    return np.array(places, space.dtype).reshape(space.shape or ())[()]


def is_valid(space: gym.Space[Any], mask: Masks, action: Any) -> bool:
    """Whether a mask (choices,) leaves an action, choices counted from 0."""
    sizes = choices_of(space)
    return bool(mask[np.cumsum((0, *sizes[:-1])) + np.ravel(action)].all())


def start_of(space: gym.Space[Any]) -> Any:
    """The lowest of a space's choices, one number or one for each; None where it is 0, or there are none."""
    if not isinstance(space, spaces.Discrete | spaces.MultiDiscrete):
        return None
    return space.start if np.any(space.start) else None


def zero_based(space: gym.Space[Any]) -> gym.Space[Any]:
    """The space with all choices counted from 0, as networks give and take them; itself where they are."""
    if isinstance(space, spaces.Dict):
        parts = {key: zero_based(part) for key, part in space.spaces.items()}
        same = all(parts[key] is part for key, part in space.spaces.items())
        return space if same else spaces.Dict(parts)
    if start_of(space) is None:
        return space
    if isinstance(space, spaces.Discrete):
        return spaces.Discrete(int(space.n))
    assert isinstance(space, spaces.MultiDiscrete)
    return spaces.MultiDiscrete(space.nvec)


def parts_of(space: gym.Space[Any]) -> Mapping[str, gym.Space[Any]]:
    """The parts of an observation by their keys; one that is no dictionary is called `obs`."""
    return space.spaces if isinstance(space, spaces.Dict) else {"obs": space}


def float_parts(space: gym.Space[Any]) -> list[str]:
    """The parts of a family's observations that are boxes of floating-point numbers.

    The context is none of them: it has a scale of its own. Images are boxes of integers.
    """
    return [
        name
        for name, part in parts_of(space).items()
        if name != CONTEXT and isinstance(part, spaces.Box) and np.issubdtype(part.dtype, np.floating)
    ]
