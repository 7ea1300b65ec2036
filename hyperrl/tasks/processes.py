"""Contextual environments in processes of their own, for physics that is heavy."""

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import gymnasium as gym
from gymnasium.vector.utils import CloudpickleWrapper, iterate

from hyperrl.tasks.env import ContextualEnv
from hyperrl.tasks.sampler import TaskSampler, TaskSource
from hyperrl.tasks.sync import ContextualSyncEnv

PATIENCE = 5.0
"""Seconds that a process has to end by itself."""

MakeEnv = Callable[[TaskSource], ContextualEnv]


class Handed:
    """What an environment of a worker asks: the task that the parent process has handed over."""

    def __init__(self, contexts: list[dict[str, float]]) -> None:
        """Take the contexts that tasks are indices into."""
        self.contexts, self.task = contexts, 0

    def next(self) -> int:
        """Index of the task that was handed over."""
        return self.task

    def update(self, task: int, episode_return: float) -> None:
        """The parent process tells its sampler."""


class Worker:
    """A process that plays some environments, as its parent sees it.

    Args:
        make: makes an environment, given its source of tasks.
        contexts: what tasks are indices into.
        places: the numbers of its environments in the batch.
    """

    def __init__(self, make: MakeEnv, contexts: list[dict[str, float]], places: Sequence[int]) -> None:
        methods = multiprocessing.get_all_start_methods()
        context: Any = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
        self.places = places
        self._connection, theirs = context.Pipe()
        packed: Any = CloudpickleWrapper(make)  # type: ignore[arg-type]
        given = (theirs, packed, contexts, len(places))
        self._process = context.Process(target=_serve, args=given, daemon=True)
        self._process.start()
        theirs.close()

    def send(self, name: str, *arguments: Any) -> None:
        """Ask for something; `receive` gives the answer.

        Raises:
            RuntimeError: the process has ended.
        """
        try:
            self._connection.send((name, *arguments))
        except (BrokenPipeError, ConnectionResetError) as error:
            raise self._ended() from error

    def receive(self) -> Any:
        """The answer to the first question that is open, an exception where the environment raised one.

        Raises:
            RuntimeError: the process has ended.
        """
        try:
            answer = self._connection.recv()
        except (EOFError, ConnectionResetError) as error:
            raise self._ended() from error
        return answer

    def ask(self, name: str, *arguments: Any) -> Any:
        """Send and receive; raises what the environment raises."""
        self.send(name, *arguments)
        return _answers([self])[0]

    def _ended(self) -> RuntimeError:
        self._process.join(PATIENCE)
        return RuntimeError(
            f"the process of environments {self.places[0]} to {self.places[-1]} has ended"
            f" (exit status {self._process.exitcode})"
        )

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.join(PATIENCE)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join()


def _answers(workers: Sequence[Worker]) -> list[Any]:
    """One answer of each; the first exception among them is raised once all have answered."""
    answers = [worker.receive() for worker in workers]
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers


def _serve(connection: Connection, make: Any, contexts: list[dict[str, float]], count: int) -> None:
    """Answer the parent until it closes the connection. An interrupt is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sources = [Handed(contexts) for _ in range(count)]
    envs: list[ContextualEnv] = []

    def reset(place: int, task: int, **given: Any) -> Any:
        sources[place].task = task
        return envs[place].reset(**given)

    def answer(name: str, *arguments: Any) -> Any:
        if name == "make":
            envs.extend(make.fn(source) for source in sources)
            first = envs[0]
            return first.observation_space, first.action_space, first.metadata, first.render_mode
        if name == "step":
            return [env.step(action) for env, action in zip(envs, arguments[0], strict=True)]
        if name == "reset":
            place, task, given = arguments
            return reset(place, task, **given)
        place, given = arguments
        return getattr(envs[place], name)(*given)

    try:
        with suppress(EOFError, BrokenPipeError, ConnectionResetError):
            while True:
                question = connection.recv()
                try:
                    found = answer(*question)
                except Exception as error:
                    found = error
                connection.send(found)
    finally:
        for env in envs:
            env.close()


class RemoteEnv(gym.Env[Any, Any]):
    """One environment of a worker: what it returned is handed out, its tasks come from this process.

    Args:
        worker: where it lives.
        place: its number there.
        tasks: hands out tasks.
        options: the environment's own reset options.
    """

    def __init__(self, worker: Worker, place: int, tasks: TaskSource, options: dict[str, Any]) -> None:
        self._worker, self._place, self._tasks, self._options = worker, place, tasks, options
        self.returned: Any = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode of the next task, or of `options["context"]`."""
        own = "context" in {**self._options, **(options or {})}
        task = 0 if own else self._tasks.next()
        found: tuple[Any, dict[str, Any]] = self._worker.ask(
            "reset", self._place, task, {"seed": seed, "options": options}
        )
        return found

    def step(self, action: Any) -> Any:
        """What the step that the batch asked for returned; an episode's end is reported to the sampler."""
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

    def set_wrapper_attr(self, name: str, value: Any, *, force: bool = True) -> bool:
        """Set the environment's attribute."""
        return bool(self._worker.ask("set_wrapper_attr", self._place, (name, value)))

    def close(self) -> None:
        """The process is the batch's to close."""


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
        for worker, share in zip(self.workers, shares, strict=True):
            for place, index in enumerate(share):
                remote[index] = RemoteEnv(worker, place, sources[index], options or {})
        for env in remote.values():
            env.observation_space, env.action_space, env.metadata, env.render_mode = answers[0]
        made: list[Any] = [partial(remote.__getitem__, index) for index in range(count)]
        super().__init__(made, sampler)

    def step(self, actions: Any) -> Any:
        """Step all environments, those of different processes at the same time."""
        each = list(iterate(self.action_space, actions))
        for worker in self.workers:
            worker.send("step", [each[index] for index in worker.places])
        for worker, answer in zip(self.workers, _answers(self.workers), strict=True):
            for index, returned in zip(worker.places, answer, strict=True):
                self.envs[index].returned = returned  # type: ignore[attr-defined]
        return super().step(actions)

    def close_extras(self, **kwargs: Any) -> None:
        """End the processes."""
        self._end()

    def _end(self) -> None:
        for worker in self.workers:
            worker.close()
