"""Studies of runs that nobody makes: a fake engine plays the validation returns that a test wants."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hyperrl.evaluation.progress import ValidationReporter
from hyperrl.experiments import Job, Monitor, Outcome
from hyperrl.experiments.engines.base import Stopping
from hyperrl.experiments.results import FORMAT, write_result
from hyperrl.experiments.tuning import PrunerName
from hyperrl.experiments.tuning.plan import Plan
from hyperrl.experiments.tuning.storage import opened_storage, quiet_optuna
from hyperrl.experiments.tuning.study import TuningStudy
from hyperrl.experiments.tuning.tuner import Tuner
from hyperrl.recipes import AgentRecipe, load_agent, load_family, parse_agent
from tests.experiments.suites import Record
from tests.runs import SMALL

EVERY = 32
OVERRIDES = (*SMALL, f"evaluate_every={EVERY}")
"""Two rollouts of 32 steps for each two evaluations."""
RATES = {"algorithm.learning_rate": {"low": 1e-4, "high": 1e-2, "log": True}}


def narrow(search: Any = RATES, **changes: Any) -> AgentRecipe:
    """`concat-ppo` with another space."""
    data = load_agent("concat-ppo").model_dump(mode="json", exclude_unset=True)
    return parse_agent({**data, "search": search, **changes}, "narrow.yaml")


def plan(folder: Path, **changes: Any) -> Plan:
    """Runs of four evaluations each on `ode`, one for each trial."""
    given: dict[str, Any] = {
        "agent": narrow(), "family": load_family("ode"), "overrides": OVERRIDES, "recipe": "narrow.yaml",
        "steps": 4 * EVERY, "seeds": 1, "out": folder,
    }  # fmt: skip
    return Plan(**{**given, **changes})


@contextmanager
def opened(
    made: Plan, pruner: PrunerName = "none", home: str = "here", storage: str | None = None
) -> Iterator[TuningStudy]:
    with quiet_optuna(), opened_storage(storage or str(made.out / "journal.log")) as place:
        yield TuningStudy(made, place, pruner, home)


Returns = Callable[[Job], Sequence[float] | Outcome]
"""The best validation return so far after each evaluation of a run, or how it ends without any."""


class Killed(BaseException):
    """Ends a process without any of its handlers for exceptions."""


class Fake:
    """An engine whose runs report what they are told to, and leave a result unless they are stopped.

    Args:
        returns: of each run.
        die_after: reports after which the whole process dies.
    """

    def __init__(self, returns: Returns, die_after: int | None = None) -> None:
        self.returns, self.left = returns, die_after
        self.finished: list[Job] = []
        self.stopped: list[tuple[Job, int]] = []

    def run(self, jobs: Iterator[Job], monitor: Monitor) -> Generator[tuple[Job, Outcome], None, None]:
        for job in jobs:
            reporter, found = monitor.started(job), self.returns(job)
            yield job, found if isinstance(found, Outcome) else self._played(job, reporter, found)

    def _played(self, job: Job, reporter: Any, returns: Sequence[float]) -> Outcome:
        assert isinstance(reporter, ValidationReporter)
        assert isinstance(reporter, Stopping)
        for number, best in enumerate(returns, start=1):
            reporter.validated(best, number * EVERY)
            if self.left is not None:
                self.left -= 1
                if self.left < 0:
                    raise Killed
            if reporter.stop:
                self.stopped.append((job, number))
                return Outcome("interrupted")
        finish(job, returns[-1])
        self.finished.append(job)
        return Outcome("finished")


def finish(job: Job, validation: float | None) -> None:
    """Write the result of a run."""
    which = {"format": FORMAT, "digest": job.digest, "seed": job.seed, "steps": 64}
    write_result(job, {**which, "features": [], "splits": {}, "checkpoint": {"validation": validation}})


def rate(job: Job) -> float:
    return float(job.agent.model_dump()["algorithm"]["learning_rate"])


def better_rates(job: Job) -> list[float]:
    """Returns that grow with the learning rate, and over the evaluations."""
    return [100 * rate(job) * number for number in (1, 2, 3, 4)]


def tune(study: TuningStudy, engine: Fake, trials: int, **options: Any) -> Record:
    record = Record()
    Tuner(study.plan, study, trials, record, **options).run(engine)
    return record
