"""Which reset options a base environment asks for."""

from collections.abc import Iterator, Mapping
from typing import Any


class AskedOptions(dict[str, float]):
    """Reset options that note what an environment asks them for.

    Attributes:
        asked: names that were looked up, there or not, in order; the mapping given, which several may share.
        whole: whether they were copied or gone through, which tells nothing of any name.
    """

    def __init__(self, options: Mapping[str, float], asked: dict[Any, None]) -> None:
        """Take the options and where to note names."""
        super().__init__(options)
        self.asked, self.whole = asked, False

    def __contains__(self, name: object) -> bool:
        self.asked[name] = None
        return super().__contains__(name)

    def __getitem__(self, name: str) -> float:
        self.asked[name] = None
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """Look a name up."""
        self.asked[name] = None
        return super().get(name, default)

    def pop(self, name: str, *default: Any) -> Any:
        """Take a name out."""
        self.asked[name] = None
        return super().pop(name, *default)

    def setdefault(self, name: str, default: Any = None) -> Any:
        """Look a name up."""
        self.asked[name] = None
        return super().setdefault(name, default)

    def __iter__(self) -> Iterator[str]:
        self.whole = True
        return super().__iter__()

    def keys(self) -> Any:
        """All names."""
        self.whole = True
        return super().keys()

    def values(self) -> Any:
        """All values."""
        self.whole = True
        return super().values()

    def items(self) -> Any:
        """All names with their values."""
        self.whole = True
        return super().items()

    def copy(self) -> Any:
        """A plain copy."""
        return dict(self)
