"""Which reset options a base environment asks for."""

from collections.abc import Callable, Mapping
from typing import Any


def _asking(method: Callable[..., Any]) -> Any:
    """A method of a dictionary that notes the name it is asked for."""

    def ask(self: "AskedOptions", name: Any, *default: Any) -> Any:
        self.asked[name] = None
        return method(self, name, *default)

    return ask


def _whole(method: Callable[..., Any]) -> Any:
    """A method of a dictionary that notes that it was gone through."""

    def go_through(self: "AskedOptions") -> Any:
        self.whole = True
        return method(self)

    return go_through


class AskedOptions(dict[str, float]):
    """Reset options that note what an environment asks them for.

    Attributes:
        asked: names that were looked up, there or not, in order; the mapping given, which several may share.
        whole: whether they were gone through, which tells nothing of any name.
    """

    def __init__(self, options: Mapping[str, float], asked: dict[Any, None]) -> None:
        """Take the options and where to note names."""
        super().__init__(options)
        self.asked, self.whole = asked, False

    __contains__, __getitem__ = _asking(dict.__contains__), _asking(dict.__getitem__)
    get, pop, setdefault = _asking(dict.get), _asking(dict.pop), _asking(dict.setdefault)
    __iter__, keys = _whole(dict.__iter__), _whole(dict.keys)
    values, items, copy = _whole(dict.values), _whole(dict.items), _whole(dict.copy)
