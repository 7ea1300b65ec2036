"""What is done with many runs: suites that make them, comparisons and reports."""

from hyperrl.experiments.bench import SuiteReport, run_suite
from hyperrl.experiments.engines.base import Monitor, Outcome
from hyperrl.experiments.jobs import Job, jobs_of, part_of

__all__ = ["Job", "Monitor", "Outcome", "SuiteReport", "jobs_of", "part_of", "run_suite"]
