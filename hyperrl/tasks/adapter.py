"""The one door where a base environment's values come in, and where actions go out to it."""

import logging
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, SupportsFloat

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from hyperrl.errors import NOT_A_FAILURE, BaseEnvironmentError, UserError
from hyperrl.masks import Masks, read_masks
from hyperrl.recipes import CONTEXT
from hyperrl.tasks.spaces import choices_of, parts_of, refuse_spaces, start_of, zero_based

OUR_KEYS = ("task", CONTEXT, "episode")
"""Keys of an info that HyperRL adds."""

RESERVED = frozenset((*OUR_KEYS, "final_obs", "final_info", "terminal_observation", "TimeLimit.truncated"))
"""Keys of an info that are ours, Gymnasium's vector environments' or Stable-Baselines3's."""

_BASE_PREFIX = "base."
"""Stands before a key of the base's info that is reserved."""

_LONGEST = 300
"""Characters of an exception's own message."""


_LOG = logging.getLogger("hyperrl")


class InterfaceError(Exception):
    """A base environment returned what its spaces or Gymnasium's interface do not allow."""


class BaseAdapter:
    """Copies, checks and shifts what a base environment returns, and shifts actions back.

    Whatever leaves it belongs to the caller: arrays that the base writes again later are copied here, and
    nowhere else. Categorical (`Discrete`, `MultiDiscrete`) are counted from 0 on this side.

    Attributes:
        observation_space: the base's, counted from 0.
        action_space: the base's, counted from 0.
        starts: the base's lowest choices, for the parts of its observation where they are not 0; an
            observation that is no dictionary is the part `obs`.
        action_start: the same for its action; None where it is 0.
        choices: how many choices each part of an action has; none where actions are numbers.
    """

    def __init__(self, observation_space: gym.Space[Any], action_space: gym.Space[Any]) -> None:
        """Take the base's spaces; raises UserError where they are not supported."""
        refuse_spaces(observation_space, action_space)
        self.observation_space, self.action_space = zero_based(observation_space), zero_based(action_space)
        self.action_start = start_of(action_space)
        self.choices = choices_of(action_space)
        parts = parts_of(observation_space)
        self.starts = {key: start_of(part) for key, part in parts.items() if start_of(part) is not None}
        self._nested = isinstance(observation_space, spaces.Dict)
        self._parts = {
            key: _Part(f"the observation {key!r}" if self._nested else "the observation", part)
            for key, part in parts.items()
        }
        self._only = next(iter(self._parts.values()))

    def observation(self, value: Any) -> dict[str, Any]:
        """The parts of an observation by their keys, as new arrays (whole numbers where they are Discrete).

        Raises:
            InterfaceError: an observation that is not of its space's form, shape or type, or a choice out of
                range.
        """
        if not self._nested:
            return {"obs": self._only(value)}
        if not isinstance(value, Mapping):
            raise InterfaceError(
                f"the observation is {_describe(value)}; allowed: a dictionary, as its space says"
            )
        try:
            return {key: part(value[key]) for key, part in self._parts.items()}
        except KeyError as error:
            raise InterfaceError(
                f"the observation has no key {error}; allowed: {', '.join(self._parts)}, as its space says"
            ) from error

    def action(self, action: Any) -> Any:
        """The base's action, in an array of its own."""
        if self.action_start is not None:
            shifted = np.asarray(action) + self.action_start
            return shifted if shifted.ndim else np.int64(shifted)
        return action.copy() if isinstance(action, np.ndarray) else action

    def mask(self, value: Any) -> Masks:
        """The base's mask of its present choices, (sum of `choices`,), as a new array; raises InterfaceError.

        An entry belongs to the choice in its place, whichever number the base counts from.
        """
        try:
            return read_masks(value, self.choices).reshape(sum(self.choices))
        except ValueError as error:
            raise InterfaceError(f"its action mask: {error}") from error

    def start(self, returned: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the base's `reset` returned: observation and info; raises InterfaceError."""
        if type(returned) is not tuple or len(returned) != 2:
            raise InterfaceError(
                f"its reset returned {_describe(returned)}; allowed: an observation and an info"
            )
        return self.observation(returned[0]), info_of(returned[1])

    def step(self, returned: Any) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """What the base's `step` returned, all five; raises InterfaceError."""
        observation, reward, terminated, truncated, info = step_parts(returned)
        return (
            self.observation(observation),
            reward if type(reward) is float else to_number(reward),
            terminated if type(terminated) is bool else _flag("terminated", terminated),
            truncated if type(truncated) is bool else _flag("truncated", truncated),
            info_of(info),
        )


def step_parts(returned: Any) -> tuple[Any, Any, Any, Any, Any]:
    """What a base's `step` returned, all five, as they are; raises InterfaceError where they are not five."""
    if type(returned) is not tuple or len(returned) != 5:
        raise InterfaceError(
            f"its step returned {_describe(returned)}; allowed: an observation, a reward, terminated,"
            " truncated and an info"
        )
    return returned


class _Part:
    """Copies one part of an observation and holds it to its space."""

    def __init__(self, what: str, space: gym.Space[Any]) -> None:
        self._what, self._shape, self._dtype = what, space.shape, np.dtype(space.dtype)
        self._choices: NDArray[np.int64] | None = None
        self._start: Any = 0
        if isinstance(space, spaces.Discrete | spaces.MultiDiscrete):
            self._choices = np.asarray(space.n if isinstance(space, spaces.Discrete) else space.nvec)
            self._start, self._dtype = space.start, np.dtype(np.int64)
        self._own_dtype = self._dtype if self._choices is None else None

    def __call__(self, value: Any) -> Any:
        """A new array, or a whole number."""
        if type(value) is np.ndarray and value.dtype is self._own_dtype and value.shape == self._shape:
            return value.copy()  # nearly all are such
        array = value if type(value) is np.ndarray else self._array(value)
        if array.shape != self._shape:
            raise InterfaceError(
                f"{self._what} has shape {array.shape}; allowed: {self._shape}, as its space says for every"
                " task"
            )
        array = array.copy() if array.dtype == self._dtype else self._convert(array)
        return array if self._choices is None else self._choice(array)

    def _choice(self, array: NDArray[Any]) -> Any:
        choice = array - self._start
        if ((choice < 0) | (choice >= self._choices)).any():
            raise InterfaceError(f"{self._what} is {array}; allowed: the choices that its space has")
        return choice if choice.ndim else np.int64(choice)

    def _array(self, value: Any) -> NDArray[Any]:
        try:
            return np.asarray(value)
        except (TypeError, ValueError) as error:
            raise InterfaceError(f"{self._what} is {_describe(value)}; allowed: an array") from error

    def _convert(self, array: NDArray[Any]) -> NDArray[Any]:
        """The array in the type of its space, where nothing is lost but precision."""
        try:
            if array.dtype.kind not in "biuf":
                raise TypeError
            with np.errstate(invalid="ignore", over="ignore"):
                converted = array.astype(self._dtype)
            if self._dtype.kind == "f" or (converted == array).all():
                return converted
        except (TypeError, ValueError, OverflowError):
            pass
        raise InterfaceError(f"{self._what} is of {array.dtype}; allowed: {self._dtype}, as its space says")


def info_of(info: Any) -> dict[str, Any]:
    """The base's info under keys that are text and none of ours; raises InterfaceError where it is none."""
    if type(info) is dict and not info:
        return {}
    if not isinstance(info, Mapping):
        raise InterfaceError(f"its info is {_describe(info)}; allowed: a dictionary")
    renamed: dict[str, Any] = {}
    for key, value in info.items():
        name = str(key)
        while name in RESERVED or name in renamed:
            name = _BASE_PREFIX + name
        renamed[name] = value
    return renamed


def _scalar(value: Any) -> Any:
    """A Python number where a value is one number, in an array or alone; else None."""
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        return None
    return array.item() if array.size == 1 and array.dtype.kind in "biuf" else None


def to_number(reward: Any) -> float:
    """A base's reward as a float; raises InterfaceError where it is not one number."""
    number = _scalar(reward)
    if number is None and isinstance(reward, SupportsFloat) and not isinstance(reward, np.ndarray):
        with suppress(TypeError, ValueError, OverflowError):
            number = float(reward)
    if number is not None:
        return float(number)
    with suppress(TypeError, ValueError):
        array = np.asarray(reward)
        if array.ndim and array.dtype.kind in "biuf":
            raise InterfaceError(
                f"the reward has shape {array.shape}; allowed: one number, or features that weigh reward.0,"
                " reward.1, ..."
            )
    raise InterfaceError(f"the reward is {_describe(reward)}; allowed: one number")


def _flag(name: str, value: Any) -> bool:
    flag = _scalar(value)
    if flag in (0, 1):
        return bool(flag)
    raise InterfaceError(f"{name} is {_describe(value)}; allowed: true or false")


def _describe(value: Any) -> str:
    """A value's type, and how many entries or which shape it has."""
    kind = type(value).__name__
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} and shape {value.shape}"
    if isinstance(value, tuple | list):
        return f"a {kind} of {len(value)}"
    return "None" if value is None else f"of type {kind}"


def failure_of(
    error: BaseException, where: str = "", what: str = "the base environment"
) -> BaseEnvironmentError:
    """What to raise where `what` raised an exception, or returned what it must not."""
    at = f" ({where})" if where else ""
    trace = "".join(traceback.format_exception(error))
    return BaseEnvironmentError(f"{what} failed: {reason_of(error)}{at}", trace)


@contextmanager
def naming(where: str) -> Iterator[None]:
    """Raise whatever a base environment raises, and divisions by zero, as a UserError that says where."""
    try:
        with np.errstate(divide="raise", invalid="raise", over="raise"):
            yield
    except (UserError, BaseEnvironmentError) as error:
        raise UserError(f"{where}: {error}") from error
    except Exception as error:
        raise UserError(f"{where}: {failure_of(error)}") from error


def close_base(env: gym.Env[Any, Any]) -> None:
    """Close a base environment; a failure of that is logged and not raised, as nothing is lost by it."""
    try:
        env.close()
    except NOT_A_FAILURE:
        raise
    except BaseException as error:
        _LOG.info("the base environment cannot be closed: %s", reason_of(error))


@contextmanager
def closing_base(env: gym.Env[Any, Any]) -> Iterator[gym.Env[Any, Any]]:
    """Close a base environment at the block's end, as `close_base` does."""
    try:
        yield env
    finally:
        close_base(env)


def reason_of(error: BaseException) -> str:
    """An exception of a base environment in a few words, with the line that raised it."""
    if isinstance(error, InterfaceError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    try:
        message = str(error)
    except Exception:  # whatever a stranger's exception does
        message = ""
    message = message if len(message) <= _LONGEST else f"{message[:_LONGEST]}..."
    return f"{type(error).__name__}{': ' if message else ''}{message}{where}"
