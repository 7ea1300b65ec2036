"""Forgets what a test imports from its own folder: the next may have other files of the same names."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gymnasium as gym


@contextmanager
def forgetting_imports(folder: Path) -> Iterator[None]:
    """Forget modules below `folder`, the ids registered meanwhile and what was added to `sys.path`."""
    ids, path = set(gym.registry), list(sys.path)
    try:
        yield
    finally:
        sys.path[:] = path
        for name, module in list(sys.modules.items()):
            if str(folder) in str(getattr(module, "__file__", "")):
                del sys.modules[name]
        for name in set(gym.registry) - ids:
            del gym.registry[name]
