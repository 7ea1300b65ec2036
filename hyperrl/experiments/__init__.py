"""What is done with many runs: suites that make them, comparisons and reports."""

from hyperrl.experiments.bench import SuiteReport, run_suite
from hyperrl.experiments.engines.base import Monitor, Outcome, Settings
from hyperrl.experiments.engines.registry import ENGINES, open_engine
from hyperrl.experiments.jobs import Job, jobs_of, part_of

__all__ = [
    "ENGINES",
    "Job",
    "Monitor",
    "Outcome",
    "Settings",
    "SuiteReport",
    "jobs_of",
    "open_engine",
    "part_of",
    "run_suite",
]
