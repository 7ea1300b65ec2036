"""What a base environment's constructor makes of an attribute's value, beside what setting it later does."""

import inspect
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gymnasium as gym
from gymnasium.envs.registration import load_env_creator


@contextmanager
def pinned(kind: type, attribute: str, value: Any) -> Iterator[bool]:
    """Let all instances of a class have one value of an attribute, whatever their constructors set.

    Args:
        kind: the class, which is changed until the block ends.
        attribute: its name; instances made in the block lack it afterwards, unless the class has it.
        value: what reading it gives.

    Yields:
        Whether it could be done; not where the class computes the attribute by code of its own.
    """
    own = inspect.getattr_static(kind, attribute, None)
    if hasattr(own, "__set__"):
        yield False
        return
    before = vars(kind).get(attribute)
    setattr(kind, attribute, property(lambda _: value, lambda _, __: None))
    try:
        yield True
    finally:
        if before is None:
            delattr(kind, attribute)
        else:
            setattr(kind, attribute, before)


def refusal(base: gym.Env[Any, Any], attribute: str, value: Any) -> str | None:
    """What the constructor says against a value, where one of its arguments has the attribute's name.

    Args:
        base: an environment that `gymnasium.make` made, unwrapped; of others nothing is known.
        attribute: the argument.
        value: of it.
    """
    kind, spec = type(base), base.spec
    if spec is None or spec.entry_point is None or attribute not in inspect.signature(kind).parameters:
        return None
    entry: Any = spec.entry_point
    if (load_env_creator(entry) if isinstance(entry, str) else entry) is not kind:
        return None
    try:
        kind(**{**spec.kwargs, attribute: value}).close()
    except Exception as error:
        return str(error) or type(error).__name__
    return None


def stale_numbers(born: gym.Env[Any, Any], later: gym.Env[Any, Any]) -> list[str]:
    """Names of the numbers in which an environment made with a value differs from one set to it later."""
    numbers = {name: value for name, value in vars(born).items() if isinstance(value, (int, float))}
    return [
        name
        for name, value in numbers.items()
        if isinstance(found := vars(later).get(name), (int, float))
        and not math.isclose(value, found, rel_tol=1e-6)
    ]
