"""Made-up results of suites."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.report.learned import PAPER
from benchmarks.report.results import Site
from hyperrl.evaluation import TaskResult
from hyperrl.experiments import Job, jobs_of
from hyperrl.experiments.results import FORMAT, task_rows, write_result
from hyperrl.recipes import SPLITS, load_suite
from hyperrl.tasks import Family


@cache
def _planned(suite: str) -> list[Job]:
    return jobs_of(load_suite(suite), Path(), Path())


def jobs(site: Site, family: str, agent: str, suite: str = PAPER) -> list[Job]:
    """The suite's runs of an agent on a family."""
    root = site.data / "suites" / suite
    return [
        job.model_copy(update={"result": root / job.result})
        for job in _planned(suite)
        if (job.family.name, job.name) == (family, agent)
    ]


def put_suite(
    site: Site,
    family: str,
    levels: Mapping[str, float | Mapping[str, float]],
    seeds: int,
    suite: str = PAPER,
    **fields: object,
) -> None:
    """Results of so many seeds: returns are an agent's level, on all splits or on each, and some noise."""
    tasks = Family.load(family)
    splits = [split for split in SPLITS if tasks.tasks(split)]
    for agent, level in levels.items():
        means = level if isinstance(level, Mapping) else dict.fromkeys(splits, level)
        for job in jobs(site, family, agent, suite)[:seeds]:
            rng = np.random.default_rng([job.seed, *agent.encode()])
            results = [
                TaskResult(dict(task), split, [means[split] + float(rng.normal())], [200], tasks.oracle(task))
                for split in splits
                for task in tasks.tasks(split)
            ]
            write_result(job, {**_result(job, tasks, splits, results, means), **fields})


def _result(
    job: Job,
    family: Family,
    splits: Sequence[str],
    results: Sequence[TaskResult],
    means: Mapping[str, float],
) -> dict[str, object]:
    rows = {split: task_rows([each for each in results if each.split == split]) for split in splits}
    return {
        "format": FORMAT, "suite": job.suite, "agent": job.name, "family": family.name, "seed": job.seed,
        "steps": 3000, "planned_steps": 3000, "digest": job.digest, "parameters": 1234,
        "versions": {"torch": "2"}, "seconds": {"wall": 60.0, "cpu": 36.0},
        "features": list(family.space.names), "splits": rows,
        "curve": {"0": dict.fromkeys(splits, 0.0), "3000": {split: means[split] for split in splits}},
    }  # fmt: skip
