"""Cost of generated weights: `python -m benchmarks.generation`.

CPU time of a forward and a backward pass of a generated network, hypernetwork and grouping of rows
included, over that of a plain MLP of the same size, timed in turns with it: B = 256 rows that belong to G
tasks in random order, one thread. Beside it the naive way, per sample: every row's weights formed on their
own. Peak memory is what a pass has allocated at most, gradients included, over what was there before it.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.report import Measure, Report, Spent, alternate, finish, on_the_clock, parser, ratios, spent
from hyperrl.nets import MLP, HyperNetwork, group

ROWS = 256
TASKS = (1, 16, 64, 256)
OBSERVATION, DESCRIPTOR, ACTION = 8, 4, 4
Hidden = tuple[int, int]
HIDDEN: tuple[Hidden, ...] = ((64, 64), (256, 256))
Goal = tuple[str, float]
GOALS: dict[Hidden, Goal] = {(64, 64): ("<=", 2.5), (256, 256): ("<=", 1.9)}
"""Of the low-rank strategy, for every number of tasks."""

MEGABYTES = "peak MB"
BLOCK_SECONDS = 0.002
"""Turns are short: on a machine with neighbours most of them then pass undisturbed."""

Pass = Callable[[], None]
"""One forward and backward pass."""


@dataclass(frozen=True)
class Batch:
    """Observations (B, in), descriptors (B, D) of G distinct tasks in random order, and dy (B, out)."""

    x: Tensor
    descriptors: Tensor
    gradient: Tensor

    @classmethod
    def of(cls, tasks: int) -> Batch:
        """The same batch for the same number of tasks."""
        draw = torch.Generator().manual_seed(tasks)
        distinct = torch.rand(tasks, DESCRIPTOR, generator=draw) * 2 - 1
        rows = torch.randperm(ROWS, generator=draw) % tasks
        x = torch.randn(ROWS, OBSERVATION, generator=draw)
        return cls(x, distinct[rows], torch.randn(ROWS, ACTION, generator=draw))


def plain(hidden: Sequence[int], batch: Batch) -> tuple[nn.Module, Pass]:
    """A plain MLP of the target's size."""
    sizes = [OBSERVATION, *hidden]
    layers: list[nn.Module] = []
    for size, following in zip(sizes, hidden, strict=False):
        layers += [nn.Linear(size, following), nn.Tanh()]
    network = nn.Sequential(*layers, nn.Linear(sizes[-1], ACTION))

    def run() -> None:
        network.zero_grad()
        network(batch.x).backward(batch.gradient)

    return network, run


def generated(hidden: Sequence[int], strategy: str, batch: Batch) -> tuple[nn.Module, Pass]:
    """A generated MLP, executed as the policies do in an update."""
    target = MLP(OBSERVATION, ACTION, hidden)
    hyper = HyperNetwork(DESCRIPTOR, target, strategy)

    def run() -> None:
        hyper.zero_grad()
        tasks = (batch.descriptors,) if hyper.factored else group(batch.descriptors)
        target(batch.x, hyper(*tasks)).backward(batch.gradient)

    return hyper, run


def per_sample(hidden: Sequence[int], strategy: str, batch: Batch) -> tuple[nn.Module, Pass]:
    """The naive way: a weight matrix for every row, and one small product a row."""
    target = MLP(OBSERVATION, ACTION, hidden)
    hyper = HyperNetwork(DESCRIPTOR, target, strategy)

    def run() -> None:
        hyper.zero_grad()
        target(batch.x, hyper(batch.descriptors).formed()).backward(batch.gradient)

    return hyper, run


def peak_megabytes(module: nn.Module, run: Pass) -> float:
    """Most memory that one pass holds at any time, by the allocator's own account."""
    os.environ.setdefault("KINETO_LOG_LEVEL", "6")  # else the profiler tells stderr that it starts and stops
    run()
    module.zero_grad()
    activities = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=activities, profile_memory=True) as profile:
        run()
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace.json"
        profile.export_chrome_trace(str(trace))
        events = json.loads(trace.read_text())["traceEvents"]
    held = peak = 0
    for event in sorted((e for e in events if e.get("name") == "[memory]"), key=lambda e: e["ts"]):
        held += event["args"]["Bytes"]
        peak = max(peak, held)
    return peak / 1e6


@dataclass(frozen=True)
class Case:
    """Something to compare: its name, what makes the module and its pass, and its goal."""

    name: str
    make: Callable[[], tuple[nn.Module, Pass]]
    goal: Goal | None


def cases(hidden: Hidden, numbers: Sequence[int] = TASKS) -> list[Case]:
    """Everything that is compared with a plain MLP of these hidden sizes, for these numbers of tasks."""
    size = "-".join(map(str, hidden))
    found: list[Case] = []
    for strategy, goal in (("low-rank", GOALS[hidden]), ("full", None)):
        for tasks in numbers:
            made = partial(generated, hidden, strategy, Batch.of(tasks))
            found.append(Case(f"{strategy}, {size}, G = {tasks}", made, goal))
        made = partial(per_sample, hidden, strategy, Batch.of(ROWS))
        found.append(Case(f"{strategy} per sample, {size}, any G", made, None))
    return found


def timed(run: Pass) -> Callable[[], Spent]:
    """The time of one pass, averaged over about `BLOCK_SECONDS` of them, at least one."""
    run()
    count = max(1, round(BLOCK_SECONDS / min(spent(run).wall for _ in range(3))))

    def several() -> None:
        for _ in range(count):
            run()

    def each() -> Spent:
        took = spent(several)
        return Spent(took.wall / count, took.cpu / count)

    return each


def measure(hidden: Hidden, rounds: int, seconds: float, numbers: Sequence[int] = TASKS) -> list[Measure]:
    """All measures on targets of these hidden sizes, each round of a case taking about so many seconds."""
    module, run = plain(hidden, Batch.of(1))
    base, base_memory, times = timed(run), peak_megabytes(module, run), list[float]()
    measures = []
    for case in cases(hidden, numbers):
        module, run = case.make()
        one = timed(run)
        pair = min(spent(lambda one=one: (one(), base())).wall for _ in range(2))  # type: ignore[misc]
        measured = alternate(one, base, rounds, max(1, round(seconds / pair)))
        beside = {**on_the_clock(measured), MEGABYTES: peak_megabytes(module, run)}
        measures.append(
            Measure(f"{case.name}, over a plain MLP", ratios(measured), "ratio", case.goal, beside)
        )
        times.append(1e3 * statistics.median(pair[1].cpu for each in measured for pair in each))
    name = f"plain MLP, {'-'.join(map(str, hidden))}: forward and backward"
    return [Measure(name, times, "ms", beside={MEGABYTES: base_memory}), *measures]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    asked = parser("generation", __doc__)
    asked.add_argument("--rounds", type=int, default=5, help="medians of which the range is shown")
    asked.add_argument("--seconds", type=float, default=0.8, help="of one round of one row of the table")
    options = asked.parse_args(arguments)
    rounds, seconds = (1, 0.0) if options.quick else (options.rounds, options.seconds)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    numbers = TASKS[:2] if options.quick else TASKS
    measures = [each for hidden in HIDDEN for each in measure(hidden, rounds, seconds, numbers)]
    setting = {
        "rows": ROWS, "observation": OBSERVATION, "descriptor": DESCRIPTOR, "action": ACTION,
        "rank": 8, "trunk": [64], "seconds_per_round": seconds, "quick": options.quick,
    }  # fmt: skip
    return finish(Report("generation", measures, setting), options.json)


if __name__ == "__main__":
    raise SystemExit(main())
