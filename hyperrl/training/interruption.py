"""Ending a training between two rollouts when a signal asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hyperrl import interrupts
from hyperrl.store import Run


class Interruption:
    """What Ctrl-C, SIGTERM or a closed terminal asks of a training.

    While there is something to lose (`wait` to `done`), the first signal is noted, and the training ends with
    a checkpoint at its next safe point; a second one raises KeyboardInterrupt at once, as every one does
    outside of that time.

    Attributes:
        requested: whether a first signal waits.
        tell: called when it comes.
    """

    def __init__(self) -> None:
        self.requested = False
        self.tell: Callable[[], None] = lambda: None
        self._waits = False

    @contextmanager
    def handling(self) -> Iterator[None]:
        """Handle signals for as long as the block runs."""
        with interrupts.handling(self._handle):
            yield

    def wait(self) -> None:
        """From now on a first signal waits for a safe point."""
        self._waits = True

    def done(self) -> None:
        """Everything is stored: nothing waits any more, and what has waited ends the training."""
        self._waits = False
        if self.requested:
            raise KeyboardInterrupt

    def _handle(self, *_: object) -> None:
        if not self._waits or self.requested:
            raise KeyboardInterrupt
        self.requested = True
        self.tell()


@contextmanager
def noting_interruption(run: Run) -> Iterator[None]:
    """Write into the run's status that its training was interrupted, where KeyboardInterrupt ends it."""
    try:
        yield
    except KeyboardInterrupt:
        run.write_status("interrupted", run.kept_steps() or 0)
        raise
