"""Suites of tiny runs."""

from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

from hyperrl.evaluation.progress import Reporter
from hyperrl.experiments import Job, Monitor, Outcome, jobs_of
from hyperrl.experiments.work import attempt
from hyperrl.recipes import SuiteRecipe
from tests.runs import SMALL

NARROW = {"agent": "concat-ppo", "name": "concat narrow", "overrides": ["policy.net_arch=[4]"]}

BROKEN = """
import gymnasium as gym
import numpy as np

class Broken(gym.Env):
    observation_space = action_space = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)
    mass = 1.0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(1, np.float32), {}

    def step(self, action):
        WHAT
"""


def suite(folder: Path, *blocks: Mapping[str, Any], **fields: Any) -> SuiteRecipe:
    """A suite in a folder: by default `hyper-ppo` and a narrow `concat-ppo` on `ode`, two rollouts each."""
    block = {"agents": ["hyper-ppo", NARROW], "families": ["ode"], "seeds": [0], "steps": 64}
    data = {"name": "tiny", "about": "", "overrides": SMALL, "folder": str(folder), **fields}
    return SuiteRecipe.parse({**data, "runs": [{**block, **each} for each in blocks or ({},)]}, "tiny.yaml")


def jobs(folder: Path, *blocks: Mapping[str, Any], **fields: Any) -> list[Job]:
    return jobs_of(suite(folder, *blocks, **fields), folder / "out", folder / "results")


def broken_family(folder: Path, what: str = 'raise RuntimeError("no oil")') -> str:
    """The path of a family whose environment fails at its first step."""
    (folder / "broken_env.py").write_text(BROKEN.replace("WHAT", what))
    (folder / "broken.yaml").write_text(
        "about: fails\nbase: broken_env.py:Broken\nfeatures:\n  mass: {about: m, default: 1, train: [1, 2]}\n"
    )
    return "./broken.yaml"


class Record:
    """A monitor, and a reporter of every run, that writes down what it is told."""

    def __init__(self) -> None:
        self.events: list[tuple[Any, ...]] = []

    def planned(self, runs: int, finished: int) -> None:
        self.events.append(("planned", runs, finished))

    def started(self, job: Job) -> Reporter:
        self.events.append(("started", job.label))
        return self

    def ended(self, job: Job, outcome: Outcome) -> None:
        self.events.append(("ended", job.label, outcome.state))

    def waiting(self, jobs: int) -> None:
        self.events.append(("waiting", jobs))

    def stopping(self, jobs: int) -> None:
        self.events.append(("stopping", jobs))

    def __call__(self, done: int, total: int) -> None:
        self.events.append(("steps", done, total))

    def phase(self, name: str, share: float | None = None) -> None:
        self.events.append(("phase", name))

    def reached(self, mean_return: float) -> None:
        self.events.append(("return", mean_return))

    def validated(self, best: float, steps: int) -> None:
        self.events.append(("validation", best, steps))

    def of(self, *kinds: str) -> list[tuple[Any, ...]]:
        """The events of some kinds."""
        return [event for event in self.events if event[0] in kinds]


class Serial:
    """An engine that makes one run after the other in this process."""

    def run(self, jobs: Iterator[Job], monitor: Monitor) -> Generator[tuple[Job, Outcome], None, None]:
        for job in jobs:
            yield job, attempt(job, monitor.started(job))
