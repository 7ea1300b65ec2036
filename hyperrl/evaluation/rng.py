"""Torch's random state, by which actions are drawn and networks initialized."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hyperrl.garbage import collection_paused


@contextmanager
def isolated_rng(seed: int | None = None) -> Iterator[None]:
    """Seed torch if a seed is given, and restore its random state afterwards."""
    with collection_paused():
        import torch

    with torch.random.fork_rng():
        if seed is not None:
            torch.manual_seed(seed)
        yield
