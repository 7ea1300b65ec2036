"""Refusing networks that are too large before memory is taken for them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from hyperrl.errors import UserError

FACTORIES = {torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn}
COPIES, ROOM = 8, 10_000_000
"""Numbers that building a model may take: so many times its weights, for targets and such, and some more."""


class _BudgetError(Exception):
    """More numbers than there is room for."""


class _Budget(TorchFunctionMode):
    """Counts the numbers that tensors are made for, and stops the one that is too many."""

    def __init__(self, numbers: int) -> None:
        super().__init__()
        self._left = numbers

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func in FACTORIES:
            self._left -= _numbers(args, kwargs or {})
            if self._left < 0:
                raise _BudgetError
        return func(*args, **(kwargs or {}))


@contextmanager
def room_for(weights: Mapping[str, torch.Tensor], what: str) -> Iterator[None]:
    """Build a model for these weights; UserError, beginning with `what`, where it is far larger."""
    held = sum(weight.numel() for weight in weights.values())
    try:
        with _Budget(COPIES * held + ROOM):
            yield
    except _BudgetError as error:
        raise UserError(f"{what}: it has far more than the {held:,} weights of the checkpoint") from error


@contextmanager
def telling_of_memory(agent: str, family: str) -> Iterator[None]:
    """UserError where the system has not the memory for what a recipe asks for."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "allocate memory" not in str(error):
            raise
        raise UserError(f"agent {agent!r} on family {family!r}: does not fit into memory") from error


def _numbers(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> int:
    size = kwargs.get("size", args[0] if args and isinstance(args[0], Sequence) else args)
    return math.prod(length for length in size if isinstance(length, int))
