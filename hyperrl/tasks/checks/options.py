"""Which reset options a base environment asks for."""

from collections.abc import Callable, Mapping
from typing import Any


def _recording(method: Callable[..., Any]) -> Any:
    """A method of a dictionary that records the name that is looked up."""

    def look_up(self: "RecordingOptions", name: Any, *default: Any) -> Any:
        self.names[name] = None
        return method(self, name, *default)

    return look_up


def _iterating(method: Callable[..., Any]) -> Any:
    """A method of a dictionary that records that all entries were gone through."""

    def go_through(self: "RecordingOptions") -> Any:
        self.iterated = True
        return method(self)

    return go_through


class RecordingOptions(dict[str, float]):
    """Reset options that record what an environment looks up.

    Attributes:
        names: the names that were looked up, there or not, in order; several options may share them.
        iterated: whether they were gone through, which tells nothing of any name.
    """

    def __init__(self, options: Mapping[str, float], names: dict[Any, None]) -> None:
        """Take the options and where to record names."""
        super().__init__(options)
        self.names, self.iterated = names, False

    __contains__, __getitem__ = _recording(dict.__contains__), _recording(dict.__getitem__)
    get, pop, setdefault = _recording(dict.get), _recording(dict.pop), _recording(dict.setdefault)
    __iter__, keys = _iterating(dict.__iter__), _iterating(dict.keys)
    values, items, copy = _iterating(dict.values), _iterating(dict.items), _iterating(dict.copy)
