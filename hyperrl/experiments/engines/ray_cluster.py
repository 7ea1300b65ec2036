"""Runs as tasks of a Ray cluster: on other machines, too, and again where a machine or a worker is lost."""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hyperrl.errors import EngineError, is_on_command_line
from hyperrl.evaluation.progress import Reporter
from hyperrl.experiments.digest import source_files
from hyperrl.experiments.engines.base import Monitor, Outcome, Settings, check_cores
from hyperrl.experiments.engines.depot import Depot, Site
from hyperrl.experiments.engines.processes import PATIENCE, failure
from hyperrl.experiments.engines.ray_connection import brief, connected
from hyperrl.experiments.engines.remote import Call, make_run
from hyperrl.experiments.engines.worker import relay
from hyperrl.experiments.jobs import Job
from hyperrl.store import report_write_errors
from hyperrl.store.trust import remember

RETRIES = 10
"""How often a run begins again whose worker or machine was lost."""
_POLL = 0.5
"""Seconds between two looks at the messages of runs."""


@dataclass
class _Task:
    """A run that was handed to Ray."""

    job: Job
    reference: Any
    reporter: Reporter | None = None


@dataclass
class RayEngine:
    """Makes each run in a task of a Ray cluster, which starts it where its cores are free.

    Attributes:
        ray: the module, connected to a cluster.
        site: this machine, as workers know it.
        jobs: runs that Ray has at a time, at most; None: as many as the cluster's cores are enough for.
    """

    ray: Any
    site: Site
    jobs: int | None
    _depot: Any = None
    _tasks: dict[int, _Task] = field(default_factory=dict)
    _count: int = 0

    @classmethod
    @contextmanager
    def opened(cls, jobs: Sequence[Job], settings: Settings) -> Iterator[RayEngine]:
        """An engine for these runs, on the cluster at an address or on one of this machine.

        Raises:
            UserError: Ray is not installed, no cluster answers at the address, or a run takes more cores
                than any of its machines has.
        """
        with connected(settings.ray_address) as ray, ExitStack() as marks:
            check_cores(jobs, int(max(_cores(ray), default=0)), "the largest machine of the Ray cluster")
            marked = {path.absolute(): secrets.token_hex() for path in map(_mark, settings.folders)}
            marks.callback(_remove, marked)
            yield cls(ray, Site(Path.cwd(), marked, is_on_command_line()), settings.jobs)

    def run(self, jobs: Iterator[Job], monitor: Monitor) -> Generator[tuple[Job, Outcome], None, None]:
        """Make runs, as `Engine.run` says.

        Raises:
            UserError: the folder of a run cannot be written.
            EngineError: the cluster is lost.
        """
        self._start()
        following: Job | None = None
        try:
            while True:
                while following := following or next(jobs, None):
                    if not self._has_room(following):
                        break
                    self._submit(following)
                    following = None
                if not self._tasks:
                    return
                for number in self._poll(monitor):
                    task = self._tasks.pop(number)
                    if task.reporter is None:
                        monitor.started(task.job)
                    yield task.job, self._outcome(task)
        finally:
            if self._tasks:
                monitor.stopping(len(self._tasks))
                self._stop()

    def _start(self) -> None:
        """Put the marks by which workers see this machine's folders, and start the depot on this machine."""
        for path, text in self.site.marks.items():
            with report_write_errors("folder", path.parent):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        if self._depot is None:
            from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

            here = NodeAffinitySchedulingStrategy(self.ray.get_runtime_context().get_node_id(), soft=False)
            actor = self.ray.remote(Depot)
            self._depot = actor.options(
                num_cpus=0, scheduling_strategy=here, runtime_env=_environment()
            ).remote()
        if not self._ask("sees", self.site):
            raise EngineError(
                f"the Ray node of this machine does not see {str(next(iter(self.site.marks)).parent)!r};"
                " start it where the folders of the suite are visible"
            )

    def _has_room(self, job: Job) -> bool:
        if self.jobs is not None:  # Ray starts them as cores become free, or as machines join
            return len(self._tasks) < self.jobs
        taken = sum(task.job.cores for task in self._tasks.values())
        return not self._tasks or taken + job.cores <= sum(_cores(self.ray))

    def _submit(self, job: Job) -> None:
        self._count += 1
        task = self.ray.remote(_task).options(
            num_cpus=job.cores, max_retries=RETRIES, name=job.label, runtime_env=_environment()
        )
        absolute = job.model_copy(update={"folder": job.folder.absolute(), "result": job.result.absolute()})
        text = absolute.model_dump_json(by_alias=True)
        self._tasks[self._count] = _Task(job, task.remote(text, self._count, self.site, self._depot))

    def _poll(self, monitor: Monitor | None) -> list[int]:
        """Wait a moment, and pass on what runs report; the numbers of those that have ended."""
        numbers = {task.reference: number for number, task in self._tasks.items()}
        ended, _ = self.ray.wait(list(numbers), timeout=_POLL)
        for number, message in self._ask("take"):
            task = self._tasks.get(number)
            if task is None or monitor is None:
                continue
            if task.reporter is None:
                task.reporter = monitor.started(task.job)
            relay(message, task.reporter)
        return [numbers[reference] for reference in ended]

    def _outcome(self, task: _Task) -> Outcome:
        """How a run ended whose task has."""
        try:
            outcome = Outcome(**self.ray.get(task.reference))
        except self.ray.exceptions.TaskCancelledError:
            outcome = Outcome("interrupted")
        except self.ray.exceptions.RayError as error:
            self._ask("release", task.job.folder.absolute())
            is_lost = not isinstance(error, self.ray.exceptions.RayTaskError)
            what = f"its worker was lost {RETRIES + 1} times" if is_lost else "its Ray task failed"
            return failure(task.job, f"{what}: {brief(error)}", str(error))
        for source in source_files(task.job.agent, task.job.family):
            if source is not None:  # the machine that trained the run has a record of its own
                remember(source)
        return outcome

    def _ask(self, method: str, *args: Any) -> Any:
        try:
            return caller(self.ray, self._depot)(method, *args)
        except self.ray.exceptions.RayError as error:
            raise EngineError(f"the Ray cluster is lost ({brief(error)})") from error

    def _stop(self) -> None:
        """Stop all runs with a checkpoint; once more interrupted, at once."""
        for task in self._tasks.values():
            if task.reporter is None:  # it has not begun, or is about to
                self.ray.cancel(task.reference)
        must_ask, deadline = True, float("inf")
        while self._tasks and time.monotonic() < deadline:
            try:
                if must_ask:
                    self._ask("stop")
                    must_ask = False
                for number in self._poll(None):
                    del self._tasks[number]
            except KeyboardInterrupt:
                must_ask, deadline = True, min(deadline, time.monotonic() + 2 * PATIENCE)
            except EngineError:  # nothing is left of the cluster that could be stopped
                return


def _task(text: str, number: int, site: Site, depot: Any) -> dict[str, Any]:
    """Make a run: the task that Ray starts, on any machine."""
    import ray

    return asdict(make_run(Job.model_validate_json(text), number, site, caller(ray, depot)))


def caller(ray: Any, depot: Any) -> Call:
    """Calls methods of a depot that is an actor of Ray's, and raises what they raise of OSError."""

    def call(method: str, *args: Any) -> Any:
        try:
            return ray.get(getattr(depot, method).remote(*args))
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, OSError):
                raise error.cause from error
            raise

    return call


def _environment() -> dict[str, Any]:
    """What workers need of this process's environment: where its modules lie, but not those of Python."""
    prefixes = tuple(os.path.join(prefix, "") for prefix in {sys.prefix, sys.base_prefix})
    own = [os.path.abspath(path) for path in sys.path if not os.path.abspath(path).startswith(prefixes)]
    return {"env_vars": {"PYTHONPATH": os.pathsep.join(dict.fromkeys(own))}}


def _cores(ray: Any) -> list[float]:
    """The cores of each machine of the cluster."""
    return [node["Resources"].get("CPU", 0.0) for node in ray.nodes() if node["Alive"]]


def _mark(folder: Path) -> Path:
    return folder / f".visible-{secrets.token_hex(4)}"


def _remove(marks: Mapping[Path, str]) -> None:
    for path in marks:
        with suppress(OSError):
            path.unlink(missing_ok=True)
