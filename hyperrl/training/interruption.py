"""Ending a training between two rollouts when a signal asks for it."""

from __future__ import annotations

from collections.abc import Callable


class Interruption:
    """Handles Ctrl-C, SIGTERM and a closed terminal during a training.

    Between `wait` and `done`, when work could be lost, the first signal only sets `requested`, and the
    training ends with a checkpoint at its next safe point. A second signal, and any signal at other times,
    raises KeyboardInterrupt at once.

    Attributes:
        requested: whether a first signal waits for a safe point.
    """

    def __init__(self, on_request: Callable[[], None]) -> None:
        """Call `on_request` when a first signal starts to wait."""
        self.requested = False
        self._on_request = on_request
        self._waits = False

    def wait(self) -> None:
        """Have a first signal wait for a safe point from now on."""
        self._waits = True

    def done(self) -> None:
        """Have no signal wait, as everything is stored; raise KeyboardInterrupt if one has waited."""
        self._waits = False
        if self.requested:
            raise KeyboardInterrupt

    def handle(self, *_: object) -> None:
        """Handle a signal (see `hyperrl.interrupts.handling`)."""
        if not self._waits or self.requested:
            raise KeyboardInterrupt
        self.requested = True
        self._on_request()
