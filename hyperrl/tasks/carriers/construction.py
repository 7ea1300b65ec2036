"""What a base environment's constructor makes of a feature's value, beside what setting it later does."""

import inspect
import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from types import ModuleType
from typing import Any

import gymnasium as gym
from gymnasium.envs.registration import load_env_creator

from hyperrl.errors import UserError
from hyperrl.recipes import Context
from hyperrl.tasks import paths
from hyperrl.tasks.adapter import close_base, naming
from hyperrl.tasks.carriers.base import Playable, Trial

_CHANGEABLE = 1 << 9
"""The flag of classes that are made at run time (Py_TPFLAGS_HEAPTYPE): attributes of theirs may be set."""
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
    if not paths.in_dictionaries(*owner(trial.env.base, path)):
        return
    for context in contexts:
        with trial.make() as later:
            later.apply(context)
            _compare(trial, context, path, later, what, f"{what} at {context[name]:g}")


def _compare(trial: Trial, context: Context, path: str, later: Playable, what: str, where: str) -> None:
    value = paths.read(later.base, path)
    holder, rest = owner(later.base, path)
    if holder is later.base:
        with naming(where):
            refused = refusal(later.base, path, value)
        if refused is not None:
            raise UserError(f"{where}: the base's constructor refuses it: {refused}")
    with ExitStack() as stack:
        with naming(where), pinned(type(holder), rest, value) as possible:
            born = stack.enter_context(trial.make())
        if not possible or (holder is not later.base and not is_alone(born.base, type(holder))):
            return
        born.apply(context)
        numbers = stale_numbers(born.base, later.base)
        if holder is not later.base:
            numbers += stale_numbers(owner(born.base, path)[0], holder)
        if not trial.plays_alike(born, later, context, where):
            left = " and ".join(map(repr, numbers)) or "something"
            raise UserError(
                f"{what} leaves {left} stale, which the base's constructor computes from it once;"
                " list what it computes under 'derived'"
            )


@contextmanager
def pinned(kind: type, path: str, value: Any) -> Iterator[bool]:
    """Let all instances of a class have one value of an attribute, whatever their constructors set.

    Args:
        kind: the class, which is changed until the block ends.
        path: the attribute's name, or leads on from it to an entry of the dictionary that it is.
        value: what reading it gives until then.

    Yields:
        Whether it could be done; not where the class computes the attribute by code of its own.
    """
    attribute, _, entry = path.partition(".")
    own = inspect.getattr_static(kind, attribute, None)
    if hasattr(own, "__set__"):
        yield False
        return

    def read(instance: Any) -> Any:
        if not entry:
            return value
        held = vars(instance).get(attribute, own)
        if held is None:
            raise AttributeError(attribute)
        with suppress(LookupError):  # of a dictionary that is not filled yet
            paths.write(held, entry, value)
        return held

    def keep(instance: Any, given: Any) -> None:
        vars(instance)[attribute] = given

    before = vars(kind).get(attribute)
    setattr(kind, attribute, property(read, keep))
    try:
        yield True
    finally:
        if before is None:
            delattr(kind, attribute)
        else:
            setattr(kind, attribute, before)


def owner(base: Any, path: str) -> tuple[Any, str]:
    """The last object on the way of a path whose class can be changed, and the rest of the path from it."""
    found, rest, here = base, path, base
    parts = path.split(".")
    for index, part in enumerate(parts[:-1]):
        here = paths.read(here, part)
        if hasattr(here, "__dict__") and type(here).__flags__ & _CHANGEABLE and not isinstance(here, Mapping):
            found, rest = here, ".".join(parts[index + 1 :])
    return found, rest


def is_alone(base: Any, kind: type) -> bool:
    """Whether an environment holds one object of a class, so that what changes the class changes that."""
    queue, seen, count = deque([base]), {id(base)}, 0
    while queue and len(seen) < _OBJECTS:
        here = queue.popleft()
        count += type(here) is kind
        inner = here.values() if isinstance(here, dict) else here
        if not isinstance(here, (dict, list, tuple)):
            inner = getattr(here, "__dict__", {}).values()
        for each in list(inner):
            holds = hasattr(each, "__dict__") or isinstance(each, (dict, list, tuple))
            if holds and not isinstance(each, (type, ModuleType)) and id(each) not in seen:
                seen.add(id(each))
                queue.append(each)
    return count == 1


def refusal(base: gym.Env[Any, Any], path: str, value: Any) -> str | None:
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
    creator: Any = spec.entry_point
    if (load_env_creator(creator) if isinstance(creator, str) else creator) is not kind:
        return None
    if entry:
        kept = paths.read(base, attribute)
        with closing(kind(**spec.kwargs)) as plain:
            if not paths.has(plain, path):
                return None
            own = paths.read(plain, path)
        if _raised(kind, {**spec.kwargs, attribute: _replaced(kept, entry, own)}) is not None:
            return None
        value = _replaced(kept, entry, value)
    return _raised(kind, {**spec.kwargs, attribute: value})


def _replaced(kept: Mapping[Any, Any], path: str, value: Any) -> dict[Any, Any]:
    """A copy of nested dictionaries with another value in one place."""
    changed = dict(kept)
    first, _, rest = path.partition(".")
    paths.write(changed, first, _replaced(paths.read(kept, first), rest, value) if rest else value)
    return changed


def _raised(kind: type, arguments: Mapping[str, Any]) -> str | None:
    try:
        made = kind(**arguments)
    except Exception as error:
        return str(error) or type(error).__name__
    close_base(made)
    return None


def stale_numbers(born: Any, later: Any) -> list[str]:
    """Names of the numbers in which an object made with a value differs from one set to it later."""
    numbers = {name: value for name, value in vars(born).items() if isinstance(value, (int, float))}
    return [
        name
        for name, value in numbers.items()
        if isinstance(found := vars(later).get(name), (int, float))
        and not math.isclose(value, found, rel_tol=1e-6)
    ]
