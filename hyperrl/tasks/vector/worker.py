"""The process that plays contextual environments for its parent."""

import faulthandler
import os
import pickle
import signal
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from hyperrl.errors import NOT_A_FAILURE, BaseEnvironmentError, UserError
from hyperrl.startup import SIGNALS
from hyperrl.tasks.adapter import OUR_KEYS, failure_of
from hyperrl.tasks.env import ContextualEnv
from hyperrl.tasks.sampler import TaskSource

MakeEnv = Callable[[TaskSource], ContextualEnv]


class ParentTask:
    """The task source of a worker's environment: its next task is the one that the parent has sent."""

    def __init__(self, contexts: Sequence[Mapping[str, float]]) -> None:
        """Take the contexts that tasks are indices into."""
        self.contexts, self.task = contexts, 0

    def next(self) -> int:
        """Index of the task that the parent has sent."""
        return self.task

    def update(self, task: int, episode_return: float) -> None:
        """Nothing: the parent updates its sampler."""


def serve(
    connection: Connection, make: Any, contexts: Sequence[Mapping[str, float]], count: int, trace_file: str
) -> None:
    """Answer the parent until it closes the connection. Signals are the parent's to handle.

    A terminal, a scheduler and `timeout` send them to all processes of a command, and the parent still needs
    these environments for its last checkpoint.

    Args:
        connection: to the parent.
        make: a wrapper whose `fn` makes an environment, given its source of tasks.
        contexts: what tasks are indices into.
        count: how many environments to make.
        trace_file: a file for the traceback of what ends the process at once.
    """
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    _write_traces(Path(trace_file))
    player = _Player(make, contexts, count)
    try:
        with suppress(EOFError, BrokenPipeError, ConnectionResetError):
            while True:
                request = connection.recv()
                try:
                    answer = player.answer(*request)
                except NOT_A_FAILURE:
                    raise
                except BaseException as error:
                    answer = sendable_error(error)
                _send(connection, answer)
    finally:
        player.close()


def _write_traces(file: Path) -> None:
    """Write to a file where the process was when a base environment ended it, by a crash or `os._exit`."""
    stream = file.open("a")  # stays open for the process's whole life
    faulthandler.enable(stream)
    exit_at_once: Callable[[int], Any] = os._exit

    def exit_with_trace(status: int) -> Any:
        stream.write("".join(traceback.format_stack()[:-1]))
        stream.flush()
        return exit_at_once(status)

    os._exit = exit_with_trace


class _Player:
    """The environments of a worker."""

    def __init__(self, make: Any, contexts: Sequence[Mapping[str, float]], count: int) -> None:
        self._make = make
        self._sources = [ParentTask(contexts) for _ in range(count)]
        self._envs: list[ContextualEnv] = []

    def answer(self, name: str, *arguments: Any) -> Any:
        """The answer to one request of the parent's."""
        if name == "make":
            self._envs += [self._make.fn(source) for source in self._sources]
            first = self._envs[0]
            return first.observation_space, first.action_space, first.metadata, first.render_mode
        if name == "step":
            return [self._step(env, action) for env, action in zip(self._envs, arguments[0], strict=True)]
        if name == "masks":
            return [env.action_masks() for env in self._envs]
        if name == "reset":
            place, task, options = arguments
            self._sources[place].task = task
            observation, info = self._envs[place].reset(**options)
            return observation, pack_info(info)
        place, rest = arguments
        return getattr(self._envs[place], name)(*rest)

    def _step(self, env: ContextualEnv, action: Any) -> tuple[Any, ...]:
        *values, info = env.step(action)
        return *values, pack_info(info)

    def close(self) -> None:
        """Close the environments."""
        for env in self._envs:
            env.close()


class Packet(NamedTuple):
    """An info on its way to the parent: our entries, the base's as bytes, and keys that are left out."""

    own: dict[str, Any]
    others: bytes
    missing: tuple[str, ...]


def pack_info(info: Mapping[str, Any]) -> Packet:
    """The info, without what cannot travel between processes."""
    own = {key: info[key] for key in OUR_KEYS if key in info}
    others = {key: value for key, value in info.items() if key not in own}
    if not others:
        return Packet(own, b"", ())
    try:
        return Packet(own, pickle.dumps(others), ())
    except Exception:
        sendable = {key: value for key, value in others.items() if _travels(value)}
        return Packet(own, pickle.dumps(sendable), tuple(key for key in others if key not in sendable))


def unpack_info(packet: Packet) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The info that was packed, and what was left out: all that the base said where that is unreadable."""
    if not packet.others:
        return packet.own, packet.missing
    try:
        return {**pickle.loads(packet.others), **packet.own}, packet.missing
    except Exception:
        return packet.own, (*packet.missing, "all that it holds")


def _travels(value: Any) -> bool:
    try:
        pickle.loads(pickle.dumps(value))
    except Exception:
        return False
    return True


def sendable_error(error: BaseException) -> Exception:
    """The exception where the parent can rebuild it, else what it says and its traceback."""
    if isinstance(error, UserError | BaseEnvironmentError):
        return error
    if isinstance(error, Exception) and type(error).__module__ == "builtins" and _travels(error):
        return error
    return failure_of(error)


def _send(connection: Connection, answer: Any) -> None:
    try:
        connection.send(answer)
    except (BrokenPipeError, ConnectionResetError):
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        connection.send(TypeError(f"what was asked for cannot travel between processes ({reason})"))
