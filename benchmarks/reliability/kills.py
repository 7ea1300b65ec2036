"""Killed runs end as runs never killed do: `python -m benchmarks.reliability.kills`.

`hyperrl train` is killed with SIGKILL, at random times and in the midst of writing a file, and gone on with
by `hyperrl train --resume`, five times a run. What the run ends with is compared with an undisturbed run of
the same seed: every tensor of its checkpoints, its evaluation, and all of `progress.csv` and of TensorBoard's
scalars but what is read off a clock. Every attempt is a process of its own, forked from one that has imported
all.
"""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmarks.measures import Measure, Report, finish, parser
from benchmarks.reliability.forked_run import Ended, Moment, attempt
from benchmarks.reliability.run_diff import PARTS, differences

Kind = Literal["at a random time", "in the midst of writing a file"]
KILLS, PER_RUN = 20, 5
STAGES = ("made", "half", "written", "renamed")


@dataclass(frozen=True)
class Case:
    """What is trained."""

    agent: str
    family: str
    steps: int
    overrides: Sequence[str]

    @property
    def command(self) -> list[str]:
        """The command line that trains it in the folder `run`."""
        options = [part for override in self.overrides for part in ("--set", override)]
        return ["train", self.agent, self.family, "--steps", str(self.steps), "--out", "run", *options]

    def next_command(self, folder: Path) -> list[str]:
        """The command line that goes on in a folder, or starts again where there is no run yet."""
        return ["train", "--resume", "run"] if (folder / "run" / "run.yaml").exists() else self.command

    def reference(self, folder: Path) -> Ended:
        """Train in a folder without disturbance; RuntimeError where that fails."""
        ended = attempt(self.command, folder, None)
        if ended.status != 0:
            raise RuntimeError(f"the undisturbed run ended with status {ended.status}: {ended.output}")
        return ended


COMMON = ("n_envs=8", "policy.net_arch=[16, 16]", "evaluate_every=2000", "checkpoint_every=512")
CASES = (
    Case(
        "hyper-ppo",
        "ode",
        6144,
        ("algorithm.n_steps=64", "algorithm.batch_size=128", "algorithm.n_epochs=4", *COMMON),
    ),
    Case(
        "hyper-sac",
        "pendulum",
        4096,
        (
            "algorithm.train_freq=8",
            "algorithm.gradient_steps=4",
            "algorithm.learning_starts=512",
            "algorithm.batch_size=32",
            "algorithm.buffer_size=3072",
            *COMMON,
        ),
    ),
)


@dataclass(frozen=True)
class Found:
    """What came of a case: kills by kind, those while a checkpoint was written, differences, and runs."""

    kills: Counter[Kind]
    checkpoints: int
    different: Counter[str]
    runs: int


def kill_and_compare(case: Case, kills: int, seed: int, folder: Path, tell: Callable[[str], None]) -> Found:
    """Train without disturbance, then kill other runs of the same kind so many times in all, and compare."""
    drawn = random.Random(f"{seed} {case.agent} {case.family}")
    straight = folder / "reference"
    reference = case.reference(straight)
    counted: Counter[Kind] = Counter()
    different: Counter[str] = Counter()
    runs = checkpoints = 0
    while counted.total() < kills:
        runs += 1
        killed = folder / f"killed-{runs}"
        for kind, ended in _kill(case, killed, min(PER_RUN, kills - counted.total()), drawn, reference):
            counted[kind] += 1
            checkpoints += ended.killed_at.endswith(".safetensors")
            tell(f"{case.agent} on {case.family}, kill {counted.total()}: {ended.killed_at}")
        found = differences(straight / "run", killed / "run")
        different.update({part: len(names) for part, names in found.items()})
        for part, names in found.items():
            if names:
                tell(f"{case.agent} on {case.family}, run {runs}: {part} differ: {', '.join(names[:5])}")
    return Found(counted, checkpoints, different, runs)


def _kill(
    case: Case, folder: Path, most: int, drawn: random.Random, reference: Ended
) -> Iterator[tuple[Kind, Ended]]:
    """Kill one run up to `most` times, going on after each, and let it end."""
    for number in range(most):
        kind: Kind = "in the midst of writing a file" if number % 2 else "at a random time"
        ended = attempt(case.next_command(folder), folder, _moment(kind, drawn, reference))
        if not ended.killed_at:
            break
        yield kind, ended
    else:
        ended = attempt(case.next_command(folder), folder, None)
    if ended.status != 0:
        raise RuntimeError(f"a resumed run in {folder} ended with status {ended.status}: {ended.output}")


def _moment(kind: Kind, drawn: random.Random, reference: Ended) -> Moment:
    if kind == "at a random time":
        return Moment(after_seconds=drawn.uniform(0.0, reference.seconds / 3))
    return Moment(in_write=drawn.randint(1, max(1, reference.writes // 2)), stage=drawn.choice(STAGES))


def measures(case: Case, found: Found) -> Iterator[Measure]:
    """A case's lines of the table."""
    name = f"{case.agent} on {case.family}"
    yield Measure(f"{name}: SIGKILLs", [found.kills.total()], "kills")
    for kind, count in sorted(found.kills.items()):
        yield Measure(f"{name}: of these {kind}", [count], "kills")
    yield Measure(f"{name}: of these a checkpoint's", [found.checkpoints], "kills")
    yield Measure(f"{name}: runs that were killed and compared", [found.runs], "runs")
    for part in PARTS:
        yield Measure(f"{name}: {part} that differ", [found.different[part]], "of all", ("<=", 0))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    command = parser("reliability.kills", __doc__)
    command.add_argument("--kills", type=int, default=KILLS, help="of each run's kind")
    command.add_argument("--seed", type=int, default=0, help="of the moments")
    command.add_argument("--keep", type=Path, metavar="DIR", help="leave the runs there")
    options = command.parse_args(arguments)
    kills = 2 if options.quick else options.kills
    began = time.perf_counter()
    found: list[Measure] = []
    with tempfile.TemporaryDirectory() as scratch:
        root = options.keep or Path(scratch)
        for case in CASES:
            folder = root / f"{case.agent}-{case.family}"
            found += measures(case, kill_and_compare(case, kills, options.seed, folder, tell))
    seconds = round(time.perf_counter() - began)
    setting = {"seed": options.seed, "kills": kills, "seconds": seconds, "quick": options.quick}
    return finish(Report("reliability.kills", found, setting), options.json)


def tell(line: str) -> None:
    """Print a line of progress at once."""
    print(line, flush=True)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    raise SystemExit(main())
