"""Peak memory of an update: `python -m benchmarks.speed.memory`.

Bytes that torch's allocator holds at the worst moment of one update of a hyper agent, over those of the
concat agent with the same target networks, algorithm and batch of 256 rows. All of torch's memory counts:
parameters, target networks, gradients, the optimizer's state, activations, what is saved for the backward
pass, and what an operation needs in between. Three updates come first, so that the optimizer has its state.
What NumPy holds does not count (the rollout, the replay buffer), nor do the interpreter and its libraries,
some 300 MB: "whole process" is the same ratio of the most memory that a process of its own had resident.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import resource
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from stable_baselines3.common.logger import Logger

from benchmarks.measures import Measure, Report, finish, parser
from benchmarks.speed.replay import filled
from benchmarks.speed.throughput import Contestant
from hyperrl.policies import ContextReplayBuffer
from hyperrl.recipes import load_agent, resolve
from hyperrl.tasks import Family
from hyperrl.training.build import bare_model

GOAL = ("<=", 1.2)
ROWS = 256
UPDATES_BEFORE = 3
FAMILIES = {"ppo": "ode", "dqn": "cartpole", "sac": "pendulum", "td3": "pendulum"}

Update = Callable[[], object]


@dataclass(frozen=True)
class Case:
    """Two agents' update: their algorithm, the hidden sizes of their networks, tasks in the replay buffer."""

    algorithm: str
    size: int
    tasks: int | None = None

    @property
    def name(self) -> str:
        """The case in words."""
        tasks = "" if self.tasks is None else f", {self.tasks} tasks"
        return f"hyper-{self.algorithm} over concat-{self.algorithm}, {self.size}-{self.size}{tasks}"

    def build(self, agent: str) -> Update:
        """An agent that has what it learns from; what is returned makes one update."""
        name, family = f"{agent}-{self.algorithm}", Family.load(FAMILIES[self.algorithm])
        overrides = [f"policy.net_arch=[{self.size}, {self.size}]", f"algorithm.batch_size={ROWS}"]
        if self.tasks is not None:
            return _off_policy(name, family, self.tasks, overrides)
        contestant = Contestant(name, family, [*overrides, "algorithm.n_steps=32", "algorithm.n_epochs=1"])
        contestant.turn()
        train: Update = contestant.model.train
        return train

    def warm(self, agent: str) -> Update:
        """As :meth:`build`, some updates later."""
        update = self.build(agent)
        for _ in range(UPDATES_BEFORE):
            update()
        gc.collect()
        return update


CASES = (
    Case("ppo", 64),
    Case("ppo", 1024),
    Case("dqn", 64, 4),
    Case("sac", 256, 4),
    Case("sac", 256, 256),
    Case("sac", 1024, 4),
    Case("td3", 256, 4),
    Case("td3", 1024, 4),
)


def _off_policy(agent: str, family: Family, tasks: int, overrides: Sequence[str]) -> Update:
    recipe = resolve(load_agent(agent), family.recipe, overrides)
    model: Any = bare_model(recipe, family.observation_space, family.action_space)
    model.set_logger(Logger(None, []))
    model.replay_buffer = filled(ContextReplayBuffer, model.observation_space, model.action_space, tasks)
    return lambda: model.train(1, ROWS)


@dataclass(frozen=True)
class Allocation:
    """Bytes that torch's allocator holds as some work begins, and the most while it is done."""

    before: int
    peak: int


def allocation(prepare: Callable[[], Update]) -> Allocation:
    """What torch holds before and during some work, by the allocator's own account.

    Args:
        prepare: returns the work; what it allocates until then counts as held before.
    """
    gc.collect()
    os.environ.setdefault("KINETO_LOG_LEVEL", "6")  # else the profiler tells stderr that it starts and stops
    activities = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=activities, profile_memory=True) as profile:
        work = prepare()
        with torch.profiler.record_function("work"):
            work()
    events: list[Any] = profile.profiler.kineto_results.events()
    begun = next(event.start_ns() for event in events if event.name() == "work")
    allocated = before = peak = 0
    for event in sorted((each for each in events if each.name() == "[memory]"), key=lambda e: e.start_ns()):
        allocated += event.nbytes()
        if event.start_ns() < begun:
            before = allocated
        peak = max(peak, allocated) if event.start_ns() >= begun else before
    return Allocation(before, peak)


def resident(case: Case, agent: str) -> int:
    """The most memory that a process of its own has resident in some updates."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(_resident, case, agent).result()


def _resident(case: Case, agent: str) -> int:
    case.warm(agent)()
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # unlike ru_maxrss, which on Linux starts at what the parent had
    peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(peak.split()[1])


def measure(case: Case) -> list[Measure]:
    """The ratio of peaks, and what each of the two agents holds."""
    agents = ("hyper", "concat")
    allocations = {agent: allocation(partial(case.warm, agent)) for agent in agents}
    hyper, concat = allocations["hyper"], allocations["concat"]
    beside = {
        "held between updates": hyper.before / concat.before,
        "whole process": resident(case, "hyper") / resident(case, "concat"),
    }
    measures = [Measure(f"{case.name}: peak memory", [hyper.peak / concat.peak], "ratio", GOAL, beside)]
    for agent, each in allocations.items():
        name = case.name.split(", ", 1)[1]
        amounts = {"MB held between updates": each.before / 1e6}
        measures.append(
            Measure(f"{agent}-{case.algorithm}, {name}: peak", [each.peak / 1e6], "MB", beside=amounts)
        )
    return measures


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    options = parser("speed.memory", __doc__).parse_args(arguments)
    cases = CASES[:1] if options.quick else CASES
    measures = [each for case in cases for each in measure(case)]
    setting = {"rows": ROWS, "updates_before": UPDATES_BEFORE, "quick": options.quick}
    return finish(Report("speed.memory", measures, setting), options.json)


if __name__ == "__main__":
    raise SystemExit(main())
