"""Puts the wrappers that an agent chose around a base environment."""

import inspect
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, get_args

import gymnasium as gym
import numpy as np

from hyperrl.errors import NOT_A_FAILURE, UserError
from hyperrl.recipes import WrapperRecipe
from hyperrl.recipes.wrappers import argument_fault
from hyperrl.tasks.adapter import close_base, reason_of
from hyperrl.tasks.modules import class_of, import_code

AnyWrapper = gym.Wrapper[Any, Any, Any, Any]


def wrapper_class(wrapper: WrapperRecipe, where: str) -> type[AnyWrapper]:
    """The class of a wrapper; its module or file is imported.

    Args:
        wrapper: as a recipe has it.
        where: how messages begin.

    Raises:
        UserError: as `import_code`; there is no such class; or it has no such arguments.
    """
    code = wrapper.code
    if code.imports is None:
        found: type[AnyWrapper] = getattr(gym.wrappers, code.name)
        return found
    where = f"{where}: wrapper {wrapper.name!r}"
    kind = class_of(import_code(code, where), code.name, gym.Wrapper, where)
    fault = argument_fault(kind, wrapper.arguments)
    if fault is not None:
        raise UserError(f"{where}: {fault}")
    return kind


def check_wrappers(wrappers: Sequence[WrapperRecipe], where: str) -> None:
    """Import what wrappers name; raises as `wrapper_class`."""
    for wrapper in wrappers:
        wrapper_class(wrapper, where)


def wrap(env: gym.Env[Any, Any], wrappers: Sequence[WrapperRecipe], where: str) -> gym.Env[Any, Any]:
    """Put wrappers around an environment, the first innermost; it is closed where that fails.

    Args:
        env: the environment.
        wrappers: as a recipe has them. Gymnasium's get lists as arrays or tuples, as they say.
        where: how messages begin.

    Raises:
        UserError: as `wrapper_class`, or a constructor refuses the environment or its arguments.
    """
    innermost = env
    try:
        for wrapper in wrappers:
            kind = wrapper_class(wrapper, where)
            arguments: Mapping[str, Any] = deepcopy(wrapper.arguments)
            if wrapper.code.imports is None:
                arguments = _as_annotated(kind, arguments)
            env = _construct(kind, env, arguments, f"{where}: wrapper {wrapper}")
    except BaseException:
        close_base(innermost)
        raise
    return env


def _construct(
    kind: type[AnyWrapper], env: gym.Env[Any, Any], arguments: Mapping[str, Any], where: str
) -> gym.Env[Any, Any]:
    try:
        return kind(env, **arguments)
    except (UserError, *NOT_A_FAILURE):
        raise
    except BaseException as error:
        plain = isinstance(error, (gym.error.Error, TypeError, ValueError, AssertionError)) and str(error)
        raise UserError(f"{where} cannot be made: {plain or reason_of(error)}") from error


def _as_annotated(kind: type[AnyWrapper], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments with lists as single-precision arrays where a constructor takes those, else as tuples."""
    parameters = inspect.signature(kind, eval_str=True).parameters
    return {
        name: _of_list(value, np.ndarray in get_args(parameters[name].annotation))
        for name, value in arguments.items()
    }


def _of_list(value: Any, array: bool) -> Any:
    if not isinstance(value, list):
        return value
    return np.array(value, np.float32) if array else tuple(_of_list(each, array) for each in value)
