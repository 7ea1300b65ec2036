"""`bench`: all runs of a suite, many at a time."""

from __future__ import annotations

from pathlib import Path

from hyperrl.api.arguments import checked
from hyperrl.arguments import JOBS, to_int, to_path
from hyperrl.errors import user_syntax
from hyperrl.evaluation.progress import Progress, Reporter, SilentReporter
from hyperrl.experiments import (
    Job,
    Monitor,
    Outcome,
    Settings,
    SuiteReport,
    jobs_of,
    open_engine,
    part_of,
    run_suite,
)
from hyperrl.interrupts import raising
from hyperrl.recipes import SuiteRecipe, load_suite
from hyperrl.store import report_write_errors, try_writing


@checked
def bench(
    suite: str | Path | SuiteRecipe,
    *,
    jobs: int | None = None,
    out: str | Path | None = None,
    results: str | Path | None = None,
    shard: tuple[int, int] | None = None,
    engine: str = "processes",
    ray_address: str | None = None,
    progress: Progress | Monitor | None = None,
) -> SuiteReport:
    """Make the runs of a suite that have no result yet, as `hyperrl bench` does.

    Each run has a process of its own, on this machine or on one of a cluster, and is an ordinary run
    directory. Its result is a small file, by which it counts as finished. Runs that were stopped or killed go
    on from their checkpoints. A run that fails leaves `error.txt` in its directory, and the others go on.

    Args:
        suite: a name, a YAML file, or a recipe.
        jobs: runs at a time; None: as many as there are cores for. They never take more cores than there
            are, whatever their recipes say of threads.
        out: folder of the runs, `FAMILY/AGENT/seed-N` each; None: `runs/bench/SUITE`.
        results: folder of the results, `FAMILY/AGENT/seed-N.json` each; None: `results` in `out`.
        shard: (i, n) makes the i-th of n parts of the suite, i from 1 to n.
        engine: what makes them: `processes` of this machine, or `ray`, tasks of a Ray cluster.
        ray_address: HOST:PORT of the cluster; None: one of this machine is started for as long as the suite
            runs.
        progress: called with the runs that ended and those that there are; a `Monitor` gets to know more.

    Returns:
        All results that there are, and the runs that failed.

    Raises:
        UserError: an unknown or wrong suite, agent or family, an argument that is not allowed, a run that
            needs more cores than there are, a folder that cannot be written, or an address where no cluster
            answers.
        EngineError: the cluster does not start, or is lost.
        KeyboardInterrupt: Ctrl-C, SIGTERM or SIGHUP came, in the main thread; all runs were stopped, with
            checkpoints to go on from. A second one stops them at once.
    """
    recipe = suite if isinstance(suite, SuiteRecipe) else load_suite(str(suite))
    name_of_out, name_of_results = user_syntax("out", "--out"), user_syntax("results", "--results")
    folder = to_path(name_of_out, Path("runs", "bench", recipe.name) if out is None else out)
    files = to_path(name_of_results, folder / "results" if results is None else results)
    at_a_time = None if jobs is None else to_int(user_syntax("jobs", "--jobs"), jobs, JOBS)
    planned = jobs_of(recipe, folder, files)
    mine = planned if shard is None else part_of(planned, *shard, key=recipe.name)
    settings = Settings(at_a_time, (folder, files), ray_address)
    with raising(), open_engine(engine, mine, settings) as runner:
        for what, path in (("runs", folder), ("results", files)):
            with report_write_errors(what, path):
                try_writing(path / "seed-0")
        failures = run_suite(mine, runner, monitor_of(progress))
    return SuiteReport(recipe.name, folder, files, tuple(planned), tuple(failures))


def monitor_of(progress: Progress | Monitor | None) -> Monitor:
    """A monitor as it is; around a progress hook, one that calls it."""
    return progress if isinstance(progress, Monitor) else _Counter(progress)


class _Counter:
    """A monitor that calls a progress hook with the runs that ended and those that there are."""

    def __init__(self, hook: Progress | None) -> None:
        self._hook = hook
        self._done = self._runs = 0

    def planned(self, runs: int, finished: int) -> None:
        self._runs, self._done = runs, finished
        self._call()

    def started(self, job: Job) -> Reporter:
        return SilentReporter()

    def ended(self, job: Job, outcome: Outcome) -> None:
        self._done += outcome.state in ("finished", "failed")
        self._call()

    def waiting(self, jobs: int) -> None: ...

    def stopping(self, jobs: int) -> None: ...

    def _call(self) -> None:
        if self._hook is not None:
            self._hook(self._done, self._runs)
