"""Keeps torch from loading its compiler where nothing is compiled."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

import torch

_NAME = "torch._dynamo"
_SLOT = "__dynamo_disable"
"""Where `torch._disable_dynamo` keeps a function that the compiler has been told to leave alone."""


@contextmanager
def without_compiler() -> Iterator[None]:
    """Keep torch's optimizers and dispatch modes from loading its compiler, which takes longer than a second.

    They load it in order to tell it which functions it must not compile (`torch._compile`). A stand-in takes
    the place of the module meanwhile, and hands back these functions as they are. Whatever else anybody asks
    of it, the real module answers, and stays. Afterwards the process is as it was before. Where the compiler
    is loaded already, nothing is done.
    """
    if _NAME in sys.modules:
        yield
        return
    stand_in = _StandIn()
    sys.modules[_NAME] = stand_in
    torch._dynamo = stand_in
    try:
        yield
    finally:
        stand_in.leave()


class _StandIn(ModuleType):
    """What torch needs of its compiler's module while nothing is compiled."""

    def __init__(self) -> None:
        super().__init__(_NAME)
        self._functions: list[Any] = []

    def disable(self, function: Callable[..., Any], recursive: bool = True, **_: Any) -> Callable[..., Any]:
        """Hand back the function, as no compiler is there to leave it alone."""
        self._functions.append(function)
        return function

    def graph_break(self, msg: str = "") -> None:
        """Do nothing, as there is no graph."""

    def leave(self) -> None:
        """Give the place back, and have torch ask the real module again about the functions seen here."""
        for function in self._functions:
            vars(function).pop(_SLOT, None)
        self._functions.clear()
        if sys.modules.get(_NAME) is self:
            del sys.modules[_NAME]
        if vars(torch).get("_dynamo") is self:
            del torch._dynamo

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__path__":  # which the import of a part of a package asks for
            raise AttributeError(name)
        self.leave()
        return getattr(import_module(_NAME), name)
