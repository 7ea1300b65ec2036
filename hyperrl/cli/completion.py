"""What a shell offers after the tab key: the names that begin with what was typed."""

from glob import escape, glob
from typing import Literal


def agents(incomplete: str) -> list[str]:
    """Agents of the suite, and YAML files."""
    return [*_shipped("agents", incomplete), *_files(incomplete)]


def families(incomplete: str) -> list[str]:
    """Families of the suite, and YAML files."""
    return [*_shipped("envs", incomplete), *_files(incomplete)]


def recipes(incomplete: str) -> list[str]:
    """Agents and families of the suite, and YAML files."""
    return [*_shipped("agents", incomplete), *_shipped("envs", incomplete), *_files(incomplete)]


def _shipped(kind: Literal["agents", "envs"], incomplete: str) -> list[str]:
    from hyperrl.shipped import shipped

    return [name for name in shipped(kind) if name.startswith(incomplete)]


def _files(incomplete: str) -> list[str]:
    return sorted(glob(f"{escape(incomplete)}*.yaml"))


def splits(incomplete: str) -> list[str]:
    """Splits, which are the same for every family."""
    from hyperrl.recipes import SPLITS

    return [name for name in SPLITS if name.startswith(incomplete)]
