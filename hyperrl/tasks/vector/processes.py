"""Contextual environments in processes of their own, for slow simulators."""

import atexit
import logging
import multiprocessing
import os
import re
import signal
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector.utils import CloudpickleWrapper, iterate

from hyperrl.errors import BaseEnvironmentError
from hyperrl.masks import Masks
from hyperrl.recipes import CONTEXT
from hyperrl.tasks.sampler import TaskSampler, TaskSource
from hyperrl.tasks.vector.infos import Advance
from hyperrl.tasks.vector.sync import ContextualSyncEnv
from hyperrl.tasks.vector.worker import MakeEnv, Packet, serve, unpack_info

PATIENCE = 5.0
"""Seconds that a process has to end by itself."""

_FRAME = re.compile(r'File "([^"\n]+)", line (\d+)')
_LOG = logging.getLogger("hyperrl")


class Worker:
    """A process that plays some environments, as its parent sees it.

    Args:
        make: makes an environment, given its source of tasks.
        contexts: what tasks are indices into.
        places: the numbers of its environments in the batch.
    """

    def __init__(self, make: MakeEnv, contexts: Sequence[Mapping[str, float]], places: Sequence[int]) -> None:
        methods = multiprocessing.get_all_start_methods()
        context: Any = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
        self.places = places
        self._connection, theirs = context.Pipe()
        packed: Any = CloudpickleWrapper(make)  # type: ignore[arg-type]
        handle, name = tempfile.mkstemp(prefix="hyperrl-", suffix=".txt")
        os.close(handle)
        self._trace_file = Path(name)
        arguments = (theirs, packed, contexts, len(places), name)
        self._process = context.Process(target=serve, args=arguments, daemon=True)
        with _interrupts_blocked():
            self._process.start()
        theirs.close()
        # A process that ignores SIGTERM is ended before multiprocessing waits for it, as Python exits.
        atexit.register(_close, weakref.ref(self))

    def send(self, name: str, *arguments: Any) -> None:
        """Ask for something; `receive` gives the answer.

        Raises:
            BaseEnvironmentError: the process has ended.
        """
        try:
            self._connection.send((name, *arguments))
        except (BrokenPipeError, ConnectionResetError) as error:
            raise self._ended() from error

    def receive(self) -> Any:
        """The answer to the first question that is open, an exception where the environment raised one.

        Raises:
            BaseEnvironmentError: the process has ended.
        """
        try:
            return self._connection.recv()
        except (EOFError, ConnectionResetError) as error:
            raise self._ended() from error
        except Exception as error:  # of an answer that cannot be rebuilt here
            return TypeError(f"what was asked for cannot be read ({type(error).__name__}: {error})")

    def ask(self, name: str, *arguments: Any) -> Any:
        """Send and receive; raises what the environment raises."""
        self.send(name, *arguments)
        return _answers([self])[0]

    def _ended(self) -> BaseEnvironmentError:
        self._process.join(PATIENCE)
        trace = self._trace_file.read_text(errors="replace") if self._trace_file.exists() else ""
        which = f"the process of environments {self.places[0]} to {self.places[-1]}"
        how = f"has ended (exit status {self._process.exitcode}){_place(trace)}"
        return BaseEnvironmentError(f"the base environment failed: {which} {how}", trace)

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.join(PATIENCE)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._trace_file.unlink(missing_ok=True)


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Block Ctrl-C while a process starts: it inherits the block, until it ignores signals itself.

    One that comes meanwhile reaches this process afterwards.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _close(worker: weakref.ref[Worker]) -> None:
    alive = worker()
    if alive is not None:
        alive.close()


def _place(trace: str) -> str:
    """The line at which a process ended, as the tail of a message; empty where there is no trace."""
    frames = _FRAME.findall(trace)
    if not frames:
        return ""
    file, line = frames[0] if "most recent call first" in trace else frames[-1]
    return f" at {Path(file).name}, line {line}"


def _answers(workers: Sequence[Worker]) -> list[Any]:
    """One answer of each; the first exception among them is raised once all have answered."""
    answers = [worker.receive() for worker in workers]
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers


class RemoteEnv(gym.Env[Any, Any]):
    """One environment of a worker, as an environment of this process, which draws its tasks.

    Args:
        worker: where it lives.
        place: its number there.
        tasks: hands out tasks.
        options: the environment's own reset options.
        notes: what was logged of infos, shared by all environments of the batch.
    """

    def __init__(
        self, worker: Worker, place: int, tasks: TaskSource, options: dict[str, Any], notes: list[str]
    ) -> None:
        self._worker, self._place, self._tasks, self._options = worker, place, tasks, options
        self._notes = notes
        self.returned: Any = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode of the next task, or of `options["context"]`."""
        needs_task = CONTEXT not in {**self._options, **(options or {})}
        task = self._tasks.next() if needs_task else 0
        observation, packet = self._worker.ask("reset", self._place, task, {"seed": seed, "options": options})
        return observation, self.info(packet)

    def info(self, packet: Packet) -> dict[str, Any]:
        """The info that the worker packed; what could not travel is logged once."""
        info, missing = unpack_info(packet)
        if missing and not self._notes:
            self._notes.append(", ".join(missing))
            _LOG.warning(
                "note: the base environment's info cannot travel between processes and is left out: %s",
                self._notes[0],
            )
        return info

    def step(self, action: Any) -> Any:
        """What the batch's last step returned for it; an episode's end is reported to the sampler."""
        _, _, terminated, truncated, info = self.returned
        if terminated or truncated:
            self._tasks.update(info["task"], info["episode"]["r"])
        return self.returned

    def render(self) -> Any:
        """Render the environment."""
        return self._worker.ask("render", self._place, ())

    def get_wrapper_attr(self, name: str) -> Any:
        """The environment's attribute, which must be fit to travel between processes."""
        return self._worker.ask("get_wrapper_attr", self._place, (name,))

    def has_wrapper_attr(self, name: str) -> bool:
        """Whether the environment has an attribute."""
        return bool(self._worker.ask("has_wrapper_attr", self._place, (name,)))

    def set_wrapper_attr(self, name: str, value: Any, *, force: bool = True) -> bool:
        """Set the environment's attribute."""
        return bool(self._worker.ask("set_wrapper_attr", self._place, (name, value)))

    def close(self) -> None:
        """Nothing: the batch closes the process."""


class ProcessEnv(ContextualSyncEnv):
    """`ContextualSyncEnv` whose environments step in processes of their own, each process its share of them.

    Tasks are handed out in this process, in the order in which `ContextualSyncEnv` would: trajectories are
    the same.
    """

    def __init__(
        self,
        make: MakeEnv,
        sources: Sequence[TaskSource],
        processes: int,
        sampler: TaskSampler | None = None,
        options: dict[str, Any] | None = None,
    ) -> None:
        """Start the processes.

        Args:
            make: makes an environment, given its source of tasks; travels by cloudpickle.
            sources: one per environment.
            processes: how many, at most as many as environments.
            sampler: belongs to these environments alone: `reset(seed=...)` seeds it.
            options: the reset options that `make` gives its environments.

        Raises:
            UserError: as `make` raises it.
        """
        count = len(sources)
        shares = [range(count)[first::processes] for first in range(min(processes, count))]
        self.workers = [Worker(make, sources[0].contexts, share) for share in shares]
        try:
            for worker in self.workers:
                worker.send("make")
            answers = _answers(self.workers)
        except BaseException:
            self._end()
            raise
        remote: dict[int, RemoteEnv] = {}
        notes: list[str] = []
        for worker, share in zip(self.workers, shares, strict=True):
            for place, index in enumerate(share):
                remote[index] = RemoteEnv(worker, place, sources[index], options or {}, notes)
        for env in remote.values():
            env.observation_space, env.action_space, env.metadata, env.render_mode = answers[0]
        makers: list[Any] = [partial(remote.__getitem__, index) for index in range(count)]
        super().__init__(makers, sampler)

    def set_idle(self, environments: Sequence[int]) -> None:
        """Nothing: a process steps all of its environments."""

    def advance(self, actions: Any) -> Advance:
        """Step all environments, those of different processes at the same time."""
        split = list(iterate(self.action_space, actions))
        for worker in self.workers:
            worker.send("step", [split[index] for index in worker.places])
        for worker, answer in zip(self.workers, _answers(self.workers), strict=True):
            for index, (*values, packet) in zip(worker.places, answer, strict=True):
                env: Any = self.envs[index]
                env.returned = *values, env.info(packet)
        return super().advance(actions)

    def action_masks(self) -> Masks:
        """As of `ContextualSyncEnv`, one question to each process."""
        for worker in self.workers:
            worker.send("masks")
        masks: dict[int, Masks] = {}
        for worker, answer in zip(self.workers, _answers(self.workers), strict=True):
            masks.update(zip(worker.places, answer, strict=True))
        return np.stack([masks[index] for index in range(self.num_envs)])

    def close_extras(self, **kwargs: Any) -> None:
        """End the processes."""
        self._end()

    def _end(self) -> None:
        for worker in self.workers:
            worker.close()
