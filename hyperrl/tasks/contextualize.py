"""Families of environments that have no Gymnasium id."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np

from hyperrl.arguments import MAPPING, STEPS, TEXT, Constraint, short_repr, to_int, validate_arguments
from hyperrl.errors import UserError
from hyperrl.recipes import Derived, Feature, Splits, parse_family
from hyperrl.tasks import paths
from hyperrl.tasks.adapter import close_base
from hyperrl.tasks.family import Family

_OPTIONAL = Constraint("a dictionary, or None", lambda found: found is None or MAPPING.holds(found))
_ARGUMENTS = {
    "make_env": Constraint("a function that makes an environment, or its class", callable),
    "features": Constraint(
        "a dictionary of features by name, such as {'mass': {'train': [1, 2]}}", MAPPING.holds
    ),
    "name": TEXT,
    "about": TEXT,
    "derived": _OPTIONAL,
    "evaluation": _OPTIONAL,
}


@validate_arguments(_ARGUMENTS)
def contextualize(
    make_env: Callable[..., gym.Env[Any, Any]],
    features: Mapping[str, Mapping[str, Any] | Feature],
    *,
    name: str = "custom",
    about: str = "a family made by hyperrl.contextualize",
    derived: Mapping[str, Mapping[str, Sequence[str]] | Derived] | None = None,
    splits: Mapping[str, Any] | Splits | None = None,
    max_steps: int | None = None,
    evaluation: Mapping[str, Any] | None = None,
    check: Mapping[str, Any] | None = None,
) -> Family:
    """Make a family of any environment that Python can construct.

    Args:
        make_env: makes a new base environment at each call; called without arguments, with `render_mode`
            where a picture is wanted, and with what features choose by `argument`. A class will do.
        features: as in a family's file. `about` may be left out (the name is taken), and so may `default`
            (the present value of the environment's attribute is taken).
        name: of the family.
        about: what it is, in words.
        derived: attributes to compute again after each change of task, as in a family's file.
        splits: as in a family's file; by default sampled in the features' ranges.
        max_steps: episodes are truncated after so many steps; None: the environment ends them itself.
        evaluation: `episodes` and reset `options`, as in a family's file.
        check: `actions` and `steps` of `check_family`, as in a family's file.

    Raises:
        UserError: wrong features or splits, or an attribute that the environment lacks.
    """
    if max_steps is not None:
        max_steps = to_int("max_steps", max_steps, STEPS)

    def make_base(**kwargs: Any) -> gym.Env[Any, Any]:
        env = make_env(**kwargs)
        if not isinstance(env, gym.Env):
            raise UserError(f"make_env: made {short_repr(env)}; allowed: an environment of gymnasium")
        return env if max_steps is None else gym.wrappers.TimeLimit(env, max_steps)

    probe = make_base()
    try:
        data = {
            "name": name,
            "about": about,
            "base": f"hyperrl-custom/{name}-v0",
            "features": {
                each: _feature(each, feature, probe.unwrapped) for each, feature in features.items()
            },
            "derived": dict(derived or {}),
            "splits": {} if splits is None else splits,
            "evaluation": dict(evaluation or {}),
            "check": dict(check or {}),
        }
        family = Family(parse_family(data, "contextualize"), make_base)
        family.make_default().close()
    finally:
        close_base(probe)
    return family


def _feature(name: str, feature: Mapping[str, Any] | Feature, base: gym.Env[Any, Any]) -> Any:
    if not isinstance(feature, Mapping):
        return feature
    filled = {"about": name, **feature}
    attribute = filled.get("attribute") or name
    if "default" not in filled:
        if not paths.has(base, attribute):
            raise UserError(
                f"contextualize: feature {name!r}: {type(base).__name__} has no attribute {attribute!r}"
            )
        value = paths.read(base, attribute)
        filled["default"] = float(value) if isinstance(value, (bool, np.bool_)) else value
    return filled
