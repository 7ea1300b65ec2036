"""Modules that list their parameters once for each time that they learn."""

from collections.abc import Iterator
from typing import Any, Self

from torch import nn


class ListedParameters(nn.Module):
    """A module that walks through its submodules for their parameters once, not at each minibatch.

    Stable-Baselines3 asks for all parameters at each minibatch, to clip their gradients or to average them.
    From the call that sets the training mode, as all algorithms do before they learn, the first list is used
    again, until the mode is set anew or the module is moved.
    """

    _lists: bool = False
    _listed: list[nn.Parameter] | None = None

    def parameters(self, recurse: bool = True) -> Iterator[nn.Parameter]:
        """The parameters, in the order in which torch lists them."""
        if not (recurse and self._lists):
            return super().parameters(recurse)
        if self._listed is None:
            self._listed = list(super().parameters())
        return iter(self._listed)

    def train(self, mode: bool = True) -> Self:
        """Sets the mode."""
        self._lists, self._listed = mode, None
        return super().train(mode)

    def _apply(self, fn: Any, recurse: bool = True) -> Self:
        self._listed = None
        moved: Self = super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return moved

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_lists": False, "_listed": None}
