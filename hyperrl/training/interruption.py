"""Ending a training between two rollouts when a signal asks for it."""

from __future__ import annotations

from collections.abc import Callable


class Interruption:
    """Handles Ctrl-C, SIGTERM and a closed terminal while a training goes on.

    While there is something to lose (`wait` to `done`), the first signal is noted, and the training ends with
    a checkpoint at its next safe point; a second one raises KeyboardInterrupt at once, as every one does
    outside of that time.

    Attributes:
        requested: whether a first signal waits.
    """

    def __init__(self, on_request: Callable[[], None]) -> None:
        """Call `on_request` when a first signal comes that waits."""
        self.requested = False
        self._on_request = on_request
        self._waits = False

    def wait(self) -> None:
        """From now on a first signal waits for a safe point."""
        self._waits = True

    def done(self) -> None:
        """Everything is stored: nothing waits any more, and a signal that waited ends the training."""
        self._waits = False
        if self.requested:
            raise KeyboardInterrupt

    def handle(self, *_: object) -> None:
        """Handle a signal (see `hyperrl.interrupts.handling`)."""
        if not self._waits or self.requested:
            raise KeyboardInterrupt
        self.requested = True
        self._on_request()
