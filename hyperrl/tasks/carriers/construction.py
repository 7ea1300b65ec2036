"""What a base environment's constructor makes of a feature's value, beside what setting it assigned does."""

import inspect
import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from types import ModuleType
from typing import Any

import gymnasium as gym
from gymnasium.envs.registration import load_env_creator

from hyperrl.errors import UserError
from hyperrl.recipes import Context
from hyperrl.tasks import paths
from hyperrl.tasks.adapter import close_base, closing_base, naming
from hyperrl.tasks.carriers.base import Simulator, Trial

_CHANGEABLE = 1 << 9
"""The flag of classes that are env at run time (Py_TPFLAGS_HEAPTYPE): attributes of theirs may be set."""
_OBJECTS = 10_000


def check_construction(trial: Trial, name: str, contexts: Sequence[Context], path: str, what: str) -> None:
    """Refuse an attribute whose value the base's constructor refuses, or from which it computes others.

    Args:
        trial: makes environments and plays them.
        name: the feature.
        contexts: what is compared: environments constructed with a context and set to it.
        path: of the attribute.
        what: the feature in messages.

    Raises:
        UserError: the constructor refuses a value, or an environment that is set to it plays otherwise.
    """
    if not paths.in_dictionaries(*find_owner(trial.env.base, path)):
        return
    for context in contexts:
        with trial.make() as assigned:
            assigned.apply(context)
            _compare(trial, context, path, assigned, what, f"{what} at {context[name]:g}")


def _compare(trial: Trial, context: Context, path: str, assigned: Simulator, what: str, where: str) -> None:
    value = paths.read(assigned.base, path)
    holder, rest = find_owner(assigned.base, path)
    if holder is assigned.base:
        with naming(where):
            refusal = constructor_refusal(assigned.base, path, value)
        if refusal is not None:
            raise UserError(f"{where}: the base's constructor refuses it: {refusal}")
    with ExitStack() as stack:
        with naming(where), override_attribute(type(holder), rest, value) as overridden:
            constructed = stack.enter_context(trial.make())
        inner = holder is not assigned.base
        if not overridden or (inner and not is_only_instance(constructed.base, type(holder))):
            return
        constructed.apply(context)
        stale = stale_numbers(constructed.base, assigned.base)
        if inner:
            stale += stale_numbers(find_owner(constructed.base, path)[0], holder)
        if not trial.plays_alike(constructed, assigned, context, where):
            names = " and ".join(map(repr, stale)) or "something"
            raise UserError(
                f"{what} leaves {names} stale, which the base's constructor computes from it once;"
                " list what it computes under 'derived'"
            )


@contextmanager
def override_attribute(kind: type, path: str, value: Any) -> Iterator[bool]:
    """Let all instances of a class have one value of an attribute, whatever their constructors set.

    Args:
        kind: the class, which is changed until the block ends.
        path: the attribute's name, or leads on from it to an entry of the dictionary that it is.
        value: what reading it gives until then.

    Yields:
        Whether it could be done; not where the class computes the attribute by code of its own.
    """
    attribute, _, entry = path.partition(".")
    default = inspect.getattr_static(kind, attribute, None)
    if hasattr(default, "__set__"):
        yield False
        return

    def read(instance: Any) -> Any:
        if not entry:
            return value
        dictionary = vars(instance).get(attribute, default)
        if dictionary is None:
            raise AttributeError(attribute)
        with suppress(LookupError):  # of a dictionary that is not filled yet
            paths.write(dictionary, entry, value)
        return dictionary

    def store(instance: Any, new: Any) -> None:
        vars(instance)[attribute] = new

    before = vars(kind).get(attribute)
    setattr(kind, attribute, property(read, store))
    try:
        yield True
    finally:
        if before is None:
            delattr(kind, attribute)
        else:
            setattr(kind, attribute, before)


def find_owner(base: Any, path: str) -> tuple[Any, str]:
    """The last object on the way of a path whose class can be changed, and the rest of the path from it."""
    owner, rest, here = base, path, base
    parts = path.split(".")
    for index, part in enumerate(parts[:-1]):
        here = paths.read(here, part)
        if hasattr(here, "__dict__") and type(here).__flags__ & _CHANGEABLE and not isinstance(here, Mapping):
            owner, rest = here, ".".join(parts[index + 1 :])
    return owner, rest


def is_only_instance(base: Any, kind: type) -> bool:
    """Whether an environment holds one object of a class, so that what changes the class changes that."""
    queue, visited, count = deque([base]), {id(base)}, 0
    while queue and len(visited) < _OBJECTS:
        here = queue.popleft()
        count += type(here) is kind
        inner = here.values() if isinstance(here, dict) else here
        if not isinstance(here, (dict, list, tuple)):
            inner = getattr(here, "__dict__", {}).values()
        for each in list(inner):
            holds = hasattr(each, "__dict__") or isinstance(each, (dict, list, tuple))
            if holds and not isinstance(each, (type, ModuleType)) and id(each) not in visited:
                visited.add(id(each))
                queue.append(each)
    return count == 1


def constructor_refusal(base: gym.Env[Any, Any], path: str, value: Any) -> str | None:
    """What the constructor says against a value, where one of its arguments has the attribute's name.

    Args:
        base: an environment that `gymnasium.make` made, unwrapped; of others nothing is known.
        path: the argument, or leads on from it to an entry of the dictionary that it is; nothing is known of
            a constructor that does not take the dictionary which the attribute is.
        value: of it.
    """
    kind, spec = type(base), base.spec
    attribute, _, entry = path.partition(".")
    if spec is None or spec.entry_point is None or attribute not in inspect.signature(kind).parameters:
        return None
    entry_point: Any = spec.entry_point
    if (load_env_creator(entry_point) if isinstance(entry_point, str) else entry_point) is not kind:
        return None
    if entry:
        dictionary = paths.read(base, attribute)
        with closing_base(kind(**spec.kwargs)) as plain:
            if not paths.has(plain, path):
                return None
            default = paths.read(plain, path)
        unchanged = {**spec.kwargs, attribute: _with_entry(dictionary, entry, default)}
        if _exception_of(kind, unchanged) is not None:
            return None
        value = _with_entry(dictionary, entry, value)
    return _exception_of(kind, {**spec.kwargs, attribute: value})


def _with_entry(dictionary: Mapping[Any, Any], path: str, value: Any) -> dict[Any, Any]:
    """A copy of nested dictionaries with another value in one place."""
    copy = dict(dictionary)
    first, _, rest = path.partition(".")
    paths.write(copy, first, _with_entry(paths.read(dictionary, first), rest, value) if rest else value)
    return copy


def _exception_of(kind: type, arguments: Mapping[str, Any]) -> str | None:
    try:
        env = kind(**arguments)
    except Exception as error:
        return str(error) or type(error).__name__
    close_base(env)
    return None


def stale_numbers(constructed: Any, assigned: Any) -> list[str]:
    """Names of the numbers in which an object constructed with a value differs from one set to it later."""
    numbers = [
        {name: value for name, value in vars(each).items() if isinstance(value, (int, float))}
        for each in (constructed, assigned)
    ]
    first, second = numbers
    return [
        name
        for name, value in first.items()
        if name in second and not math.isclose(value, second[name], rel_tol=1e-6)
    ]
