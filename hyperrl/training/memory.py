"""Refusing networks that are too large before memory is taken for them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from hyperrl.errors import UserError
from hyperrl.startup import out_of_memory

_FACTORIES = {torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn}
_COPIES, _ROOM = 8, 10_000_000
"""Building a model may take so many times its weights, for targets and such, and so many numbers more."""


class SizeLimit(TorchFunctionMode):
    """Refuses to build a model far larger than its checkpoint, before memory is taken for it.

    Within it, the numbers in new tensors are counted; UserError where they are too many.

    Args:
        weights: of the checkpoint.
        what: begins the message.
    """

    def __init__(self, weights: Mapping[str, torch.Tensor], what: str) -> None:
        super().__init__()
        count = sum(weight.numel() for weight in weights.values())
        self._left = _COPIES * count + _ROOM
        self._error = UserError(f"{what}: it has far more than the {count:,} weights of the checkpoint")

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func in _FACTORIES:
            self._left -= _numbers(args, kwargs or {})
            if self._left < 0:
                raise self._error
        return func(*args, **(kwargs or {}))


@contextmanager
def explain_lack_of_memory(agent: str, family: str) -> Iterator[None]:
    """UserError where the system lacks the memory for the networks, rollouts or replay of a recipe."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        raise UserError(f"agent {agent!r} on family {family!r}: does not fit into memory") from error


def _numbers(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> int:
    size = kwargs.get("size", args[0] if args and isinstance(args[0], Sequence) else args)
    return math.prod(length for length in size if isinstance(length, int))
