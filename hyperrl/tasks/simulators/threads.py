"""Simulations in MuJoCo that advance side by side in threads."""

import os
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from queue import SimpleQueue
from typing import Any

CORES = "HYPERRL_CORES"
"""Environment variable: how many cores a process may use, where several of them share a machine."""
Jobs = SimpleQueue[Callable[[], None] | None]


class Simulations:
    """Advances simulations, each with data of its own, by MuJoCo's `mj_step`.

    MuJoCo computes without Python's global lock, so that threads advance at the same time. A simulation is
    taken by the next thread that is free: no number depends on how many threads there are. (MuJoCo's own
    `rollout` keeps no warm start of a simulation from one call to the next, which changes its numbers.)

    Attributes:
        threads: how many advance simulations, the caller's included.
    """

    def __init__(
        self, simulations: Sequence[tuple[Any, Any]], threads: int | None = None, *, forces: bool = False
    ) -> None:
        """Take the simulations; threads start at the first step.

        Args:
            simulations: of each its `MjModel` and `MjData`.
            threads: at least 1; by default one for each core that this process may use. Two simulations are
                the least for a thread of its own.
            forces: compute forces on bodies (`cfrc_ext`) after each step too.
        """
        import mujoco

        self._step, self._after = mujoco.mj_step, mujoco.mj_rnePostConstraint if forces else None
        self._models, self._data = zip(*simulations, strict=True)
        self.threads = max(1, min(threads or available_cores(), len(simulations) // 2))
        self._jobs: Jobs = SimpleQueue()
        self._done: SimpleQueue[None] = SimpleQueue()
        self._running = 0
        self._helpers: list[threading.Thread] = []
        self._stop = weakref.finalize(self, _stop, self._jobs, self.threads - 1)

    def step(self, counts: Sequence[int]) -> dict[int, Exception]:
        """Advance each simulation by its number of steps, 0 or more; what MuJoCo raised in which of them."""
        self._wait()  # for what an interrupted call has left to the others
        errors: dict[int, Exception] = {}
        work = partial(self._work, iter(range(len(counts))), counts, errors)
        if self.threads > 1:
            self._start()
            for _ in self._helpers:
                self._jobs.put(work)
                self._running += 1
        try:
            work()
        finally:
            self._wait()
        return errors

    def _work(self, rows: Iterator[int], counts: Sequence[int], errors: dict[int, Exception]) -> None:
        """Advance simulations until none is left of the iterator, which the threads share."""
        models, data, step, after = self._models, self._data, self._step, self._after
        for row in rows:
            if not counts[row]:
                continue
            try:
                step(models[row], data[row], counts[row])
                if after is not None:
                    after(models[row], data[row])
            except Exception as error:
                errors[row] = error

    def _wait(self) -> None:
        while self._running:
            self._done.get()
            self._running -= 1

    def _start(self) -> None:
        """Start the helping threads, again in a process that was forked from this one."""
        if self._helpers and all(helper.is_alive() for helper in self._helpers):
            return
        arguments = (self._jobs, self._done)
        self._helpers = [
            threading.Thread(target=_help, args=arguments, name="hyperrl-mujoco", daemon=True)
            for _ in range(self.threads - 1)
        ]
        for helper in self._helpers:
            helper.start()

    def close(self) -> None:
        """End the threads; a later step is the caller's alone."""
        self._stop()
        self.threads = 1


def _help(jobs: Jobs, done: "SimpleQueue[None]") -> None:
    while (job := jobs.get()) is not None:
        try:
            job()
        finally:
            job = None
            done.put(None)


def _stop(jobs: Jobs, count: int) -> None:
    for _ in range(count):
        jobs.put(None)


def available_cores() -> int:
    """Cores that this process may use: as many as HYPERRL_CORES says, else as the system grants."""
    granted = os.environ.get(CORES, "")
    if granted.isdecimal() and int(granted) > 0:
        return int(granted)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
