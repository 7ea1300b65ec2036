"""Cost of generated weights: `python -m benchmarks.speed.generation`.

CPU time of a forward and a backward pass of a generated network, hypernetwork included, over that of a plain
MLP of the same size, timed in turns with it: B = 256 rows that belong to G tasks in random order, one thread.
The network learns as a policy's do: from rows whose tasks the buffer knows, and in one step of
differentiation where it has that form. Beside it every row's weights formed on their own (per sample), the
per-row products that papers' code takes, and the packages hypnettorch and hyperlight on the work of full
generation. Peak memory is what a pass has allocated at most, gradients included, over what was there before
it. With `--device cuda` all of it runs there, by the clock.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from benchmarks.measures import Measure, Report, Spent, alternate, finish, on_the_clock, parser, ratios, spent
from benchmarks.speed import generation_rivals as rivals
from benchmarks.speed.memory import allocation
from hyperrl.nets import MLP, STRATEGIES, HyperNetwork, Rows, group
from hyperrl.policies.networks import GeneratedNetworks
from hyperrl.policies.task_rows import TaskRows

ROWS = 256
TASKS = (1, 4, 16, 64, 256)
OBSERVATION, DESCRIPTOR, ACTION = 8, 4, 4
Hidden = tuple[int, int]
HIDDEN: tuple[Hidden, ...] = ((64, 64), (256, 256))
Goal = tuple[str, float]
GOALS: dict[tuple[str, Hidden], Goal] = {
    ("low-rank", (64, 64)): ("<=", 2.0),
    ("low-rank", (256, 256)): ("<=", 1.5),
    ("modulation", (64, 64)): ("<=", 2.5),
}
"""Of strategies whose cost does not depend on the number of tasks, for every number of them."""

FULL_GOALS: dict[tuple[Hidden, int], Goal] = {((64, 64), 16): ("<=", 3.0)}
"""Of full generation."""

FASTER_THAN = "hypnettorch, a call a task"
FASTER_GOALS: dict[tuple[Hidden, int], Goal] = {
    ((64, 64), 16): (">=", 8.0),
    ((64, 64), 256): (">=", 80.0),
    ((256, 256), 16): (">=", 12.0),
    ((256, 256), 256): (">=", 250.0),
}
"""How many times faster the low-rank strategy is than that package used as its examples do."""

MEGABYTES = "peak MB"
BLOCK_SECONDS = 0.002
"""Turns are short: on a machine with neighbors most of them then pass reference."""

Pass = Callable[[], None]
"""One forward and backward pass."""


@dataclass(frozen=True)
class Batch:
    """Observations (B, in), descriptors (B, D) of G distinct tasks in random order, and dy (B, out)."""

    x: Tensor
    descriptors: Tensor
    gradient: Tensor

    @classmethod
    def of(cls, tasks: int, device: str = "cpu") -> Batch:
        """The same batch for the same number of tasks."""
        draw = torch.Generator().manual_seed(tasks)
        distinct = torch.rand(tasks, DESCRIPTOR, generator=draw) * 2 - 1
        rows = torch.randperm(ROWS, generator=draw) % tasks
        x = torch.randn(ROWS, OBSERVATION, generator=draw)
        tensors = x, distinct[rows], torch.randn(ROWS, ACTION, generator=draw)
        return cls(*(tensor.to(device) for tensor in tensors))

    @property
    def device(self) -> torch.device:
        """Where its tensors are."""
        return self.x.device


def plain(hidden: Sequence[int], batch: Batch) -> tuple[nn.Module, Pass]:
    """A plain MLP of the target's size."""
    sizes = [OBSERVATION, *hidden]
    layers: list[nn.Module] = []
    for size, following in zip(sizes, hidden, strict=False):
        layers += [nn.Linear(size, following), nn.Tanh()]
    network = nn.Sequential(*layers, nn.Linear(sizes[-1], ACTION)).to(batch.device)
    forget = rivals.forgetting(network)

    def run() -> None:
        forget()
        network(batch.x).backward(batch.gradient)

    return network, run


def generated(
    hidden: Sequence[int], strategy: str, batch: Batch, trunk: int = rivals.TRUNK
) -> tuple[GeneratedNetworks, Pass]:
    """A generated MLP that learns as in the update of a policy, from rows whose tasks the buffer knows."""
    one = torch.ones(DESCRIPTOR)
    choices = {"strategy": strategy, "hidden": (trunk,)}
    networks = {"network": MLP(OBSERVATION, ACTION, hidden)}
    module = GeneratedNetworks(networks, DESCRIPTOR, (-one, one), choices).to(batch.device)
    tasks, index = group(batch.descriptors)
    known = TaskRows({}, tasks, Rows.of(index, len(tasks)))
    features = torch.cat([batch.x, batch.descriptors], dim=1)
    forget = rivals.forgetting(module)

    def run() -> None:
        forget()
        module(features, "network", known=known)[0].backward(batch.gradient)

    return module, run


def per_sample(hidden: Sequence[int], strategy: str, batch: Batch) -> tuple[nn.Module, Pass]:
    """The naive way: a weight matrix for every row, and one small product a row."""
    target = MLP(OBSERVATION, ACTION, hidden)
    hyper = HyperNetwork(DESCRIPTOR, target, strategy).to(batch.device)
    forget = rivals.forgetting(hyper)

    def run() -> None:
        forget()
        target(batch.x, hyper(batch.descriptors).materialize()).backward(batch.gradient)

    return hyper, run


def others(
    hidden: Sequence[int],
    make: rivals.Maker,
    batch: Batch,
) -> tuple[nn.Module, Pass]:
    """Full generation as others do it."""
    module, forward = make(DESCRIPTOR, (OBSERVATION, *hidden, ACTION))
    forget = rivals.forgetting(module.to(batch.device))

    def run() -> None:
        forget()
        torch.autograd.backward(forward(batch.x, batch.descriptors), batch.gradient)

    return module, run


def peak_megabytes(module: nn.Module, run: Pass, device: str = "cpu") -> float:
    """Most memory that one pass holds at any time, by the allocator's own account."""
    run()
    module.zero_grad()
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        run()
        return (torch.cuda.max_memory_allocated() - before) / 1e6
    return allocation(lambda: run).peak / 1e6


@dataclass(frozen=True)
class Case:
    """Something to compare: its name, what makes the module and its pass, and its goal."""

    name: str
    make: Callable[[], tuple[nn.Module, Pass]]
    goal: Goal | None = None


def cases(hidden: Hidden, numbers: Sequence[int] = TASKS, device: str = "cpu") -> Iterator[Case]:
    """Everything that is compared with a plain MLP of these hidden sizes, for these numbers of tasks."""
    size = spell(hidden)
    batches = {tasks: Batch.of(tasks, device) for tasks in {*numbers, ROWS}}
    for strategy in STRATEGIES:
        for tasks in numbers:
            goal = FULL_GOALS.get((hidden, tasks)) if strategy == "full" else GOALS.get((strategy, hidden))
            execution = partial(generated, hidden, strategy, batches[tasks])
            yield Case(f"{strategy}, {size}, G = {tasks}", execution, goal)
        yield Case(
            f"{strategy} per sample, {size}, any G", partial(per_sample, hidden, strategy, batches[ROWS])
        )
    made_others = partial(others, hidden, rivals.per_sample_products, batches[ROWS])
    yield Case(f"per-row products of papers' code, {size}, any G", made_others)
    for name in rivals.installed():
        for tasks in numbers:
            yield Case(
                f"{name}, {size}, G = {tasks}", partial(others, hidden, rivals.PACKAGES[name], batches[tasks])
            )


def spell(hidden: Hidden) -> str:
    """Hidden sizes in a few letters."""
    return "-".join(map(str, hidden))


def timed(run: Pass, device: str = "cpu") -> Callable[[], Spent]:
    """The time of one pass, averaged over about `BLOCK_SECONDS` of them, at least one.

    Where the work is done by a device, this process's own time means nothing and the clock counts as both.
    """

    def passes(count: int) -> Spent:
        def several() -> None:
            for _ in range(count):
                run()
            if device != "cpu":
                torch.cuda.synchronize()

        took = spent(several)
        return Spent(took.wall / count, (took.cpu if device == "cpu" else took.wall) / count)

    passes(1)
    return partial(passes, max(1, round(BLOCK_SECONDS / min(passes(1).wall for _ in range(3)))))


@dataclass(frozen=True)
class Effort:
    """How often to measure: medians of which the range is shown, and seconds for each."""

    rounds: int
    seconds: float

    def compare(
        self, one: Callable[[], Spent], other: Callable[[], Spent]
    ) -> list[list[tuple[Spent, Spent]]]:
        """Both in turns."""
        pair = min(spent(lambda: (one(), other())).wall for _ in range(2))
        return alternate(one, other, self.rounds, max(1, round(self.seconds / pair)))


def measure(
    hidden: Hidden, effort: Effort, numbers: Sequence[int] = TASKS, device: str = "cpu"
) -> Iterator[Measure]:
    """All measures on targets of these hidden sizes."""
    module, run = plain(hidden, Batch.of(1, device))
    base, base_memory, times = timed(run, device), peak_megabytes(module, run, device), list[float]()
    measures = []
    for case in cases(hidden, numbers, device):
        module, run = case.make()
        measured = effort.compare(timed(run, device), base)
        beside = {**on_the_clock(measured), MEGABYTES: peak_megabytes(module, run, device)}
        name = f"{case.name}, over a plain MLP"
        measures.append(Measure(name, ratios(measured), "ratio", case.goal, beside))
        times.append(1e3 * statistics.median(pair[1].cpu for each in measured for pair in each))
    name = f"plain MLP, {spell(hidden)}: forward and backward"
    yield Measure(name, times, "ms", beside={MEGABYTES: base_memory})
    yield from measures
    if FASTER_THAN in rivals.installed():
        yield from faster(hidden, effort, numbers, device)


def faster(hidden: Hidden, effort: Effort, numbers: Sequence[int], device: str) -> Iterator[Measure]:
    """How many times faster the low-rank strategy is than `FASTER_THAN`, in turns."""
    for tasks in numbers:
        goal = FASTER_GOALS.get((hidden, tasks))
        if goal is not None:
            batch = Batch.of(tasks, device)
            theirs = timed(others(hidden, rivals.PACKAGES[FASTER_THAN], batch)[1], device)
            measured = effort.compare(theirs, timed(generated(hidden, "low-rank", batch)[1], device))
            name = f"{FASTER_THAN}, over low-rank, {spell(hidden)}, G = {tasks}"
            yield Measure(name, ratios(measured), "ratio", goal, on_the_clock(measured))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    command = parser("speed.generation", __doc__)
    command.add_argument("--rounds", type=int, default=5, help="medians of which the range is shown")
    command.add_argument("--seconds", type=float, default=0.6, help="of one round of one row of the table")
    command.add_argument("--device", default="cpu", choices=("cpu", "cuda"), help="where all of it runs")
    options = command.parse_args(arguments)
    if options.device == "cuda" and not torch.cuda.is_available():
        command.error("--device cuda: torch finds no CUDA device here")
    effort = Effort(1, 0.0) if options.quick else Effort(options.rounds, options.seconds)
    if rivals.missing():
        note = f"{' and '.join(rivals.missing())} left out: pip install -c constraints.txt -e '.[bench]'"
        print(f"generation: {note}", file=sys.stderr)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    sizes, numbers = (HIDDEN[:1], (1, 16)) if options.quick else (HIDDEN, TASKS)
    measures = [each for hidden in sizes for each in measure(hidden, effort, numbers, options.device)]
    setting = {
        "rows": ROWS, "observation": OBSERVATION, "descriptor": DESCRIPTOR, "action": ACTION,
        "rank": 8, "trunk": [rivals.TRUNK], "device": device_name(options.device),
        "seconds_per_round": effort.seconds, "quick": options.quick,
    }  # fmt: skip
    return finish(Report("speed.generation", measures, setting), options.json)


def device_name(device: str) -> str:
    """What the machine calls it."""
    return device if device == "cpu" else torch.cuda.get_device_name()


if __name__ == "__main__":
    raise SystemExit(main())
