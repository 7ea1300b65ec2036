"""Runs that a signal stops end as undisturbed ones do: `python -m benchmarks.reliability.interrupts`.

`hyperrl train` gets a signal at random moments, and is gone on with by `hyperrl train --resume`, up to five
times a run. After each signal its status must say `interrupted`, its one line must give the command that goes
on, and its checkpoint must hold what was taken before the signal, but for one rollout at most. What the runs
end with is compared with an undisturbed run of the same seed, as in `benchmarks.reliability.kills`.
"""

from __future__ import annotations

import json
import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks.measures import Measure, Report, finish, parser
from benchmarks.reliability.forked_run import INTERRUPTED, Ended, Moment, attempt
from benchmarks.reliability.kills import CASES, PER_RUN, Case, tell
from benchmarks.reliability.run_diff import PARTS, differences
from hyperrl.store import Run

SIGNALS = (signal.SIGINT, signal.SIGTERM)
MOMENTS = 20
ROLLOUT = {"hyper-ppo": 512, "hyper-sac": 64}
"""Environment steps of one rollout of the cases of `kills`."""


@dataclass
class Found:
    """What came of a case.

    Attributes:
        sent: how many signals ended an attempt, by signal.
        lost: of each, the rollouts that were taken and not kept, a part of one as one.
        waited: how many came while a rollout was under way.
        wrong: what was not as it should be: exit status, state, line.
        different: of the runs' ends, by part.
        runs: how many were compared.
    """

    sent: Counter[str] = field(default_factory=Counter)
    lost: list[int] = field(default_factory=list)
    waited: int = 0
    wrong: list[str] = field(default_factory=list)
    different: Counter[str] = field(default_factory=Counter)
    runs: int = 0


def stop_and_compare(case: Case, moments: int, seed: int, folder: Path, tell: Callable[[str], None]) -> Found:
    """Train without disturbance, then stop other such runs by so many of each signal, and compare."""
    drawn = random.Random(f"{seed} {case.agent} {case.family} interrupts")
    straight = folder / "reference"
    reference = case.reference(straight)
    found = Found()
    while found.sent.total() < moments * len(SIGNALS):
        found.runs += 1
        stopped = folder / f"stopped-{found.runs}"
        _stop(case, stopped, moments, drawn, reference.seconds, found, tell)
        for part, names in differences(straight / "run", stopped / "run").items():
            found.different[part] += len(names)
            if names:
                tell(
                    f"{case.agent} on {case.family}, run {found.runs}: {part} differ: {', '.join(names[:5])}"
                )
    return found


def _stop(
    case: Case,
    folder: Path,
    moments: int,
    drawn: random.Random,
    seconds: float,
    found: Found,
    tell: Callable[[str], None],
) -> None:
    """Stop one run up to five times, going on after each, and let it end."""
    for _ in range(PER_RUN):
        left = [number for number in SIGNALS if found.sent[number.name] < moments]
        if not left:
            break
        number = drawn.choice(left)
        moment = Moment(after_seconds=drawn.uniform(0.0, seconds / 3), signal=number)
        note = folder.resolve() / "signal.json"
        note.unlink(missing_ok=True)
        ended = attempt(case.next_command(folder), folder, moment, partial(_note_signals, note))
        if ended.status == 0:
            return
        found.sent[number.name] += 1
        _judge(case, folder, note, ended, found)
        tell(
            f"{case.agent} on {case.family}, {number.name} {found.sent[number.name]}: {ended.output.strip()}"
        )
    ended = attempt(case.next_command(folder), folder, None)
    if ended.status != 0:
        raise RuntimeError(f"a resumed run in {folder} ended with status {ended.status}: {ended.output}")


def _judge(case: Case, folder: Path, note: Path, ended: Ended, found: Found) -> None:
    """Note what the signal cost, and what is not as it should be."""
    last = ended.output.splitlines()[-1] if ended.output else ""
    if ended.status != INTERRUPTED or not last.startswith("hyperrl: interrupted"):
        found.wrong.append(f"status {ended.status}: {last}")
    if not (folder / "run" / "run.yaml").exists():
        return
    run = Run.open(folder / "run")
    if run.state != "interrupted" or not last.endswith("with: hyperrl train --resume run"):
        found.wrong.append(f"{run.state}: {last}")
    progress = json.loads(note.read_text()) if note.exists() else {"steps": 0, "waits": False}
    found.waited += progress["waits"]
    lost = progress["steps"] - (run.latest_steps() or 0)
    found.lost.append(max(-(-lost // ROLLOUT[case.agent]), 0))


def _note_signals(file: Path) -> None:
    """Write down, when a signal comes, the steps taken until then and whether a rollout was under way.

    Shells start what runs in the background with SIGINT ignored, which commands respect: here it is not.
    """
    from hyperrl.training.callbacks import ProgressHook
    from hyperrl.training.interruption import Interruption

    signal.signal(signal.SIGINT, signal.default_int_handler)
    taken = 0
    on_step, handle = ProgressHook._on_step, Interruption.handle

    def counting(self: ProgressHook) -> bool:
        nonlocal taken
        taken = self.model.num_timesteps
        return on_step(self)

    def noting(self: Interruption, *given: object) -> None:
        file.write_text(json.dumps({"steps": taken, "waits": self._waits}))
        handle(self, *given)

    ProgressHook._on_step = counting  # type: ignore[method-assign]
    Interruption.handle = noting  # type: ignore[method-assign]


def measures(case: Case, found: Found) -> Iterator[Measure]:
    """A case's lines of the table."""
    name = f"{case.agent} on {case.family}"
    for number, count in sorted(found.sent.items()):
        yield Measure(f"{name}: {number} that ended it", [count], "signals")
    yield Measure(f"{name}: of these while a rollout was under way", [found.waited], "signals")
    yield Measure(
        f"{name}: not reported as interrupted by state, status or line",
        [len(found.wrong)],
        "signals",
        ("<=", 0),
    )
    yield Measure(f"{name}: most rollouts lost to one", [max(found.lost, default=0)], "rollouts", ("<=", 1))
    yield Measure(f"{name}: runs that were stopped and compared", [found.runs], "runs")
    for part in PARTS:
        yield Measure(f"{name}: {part} that differ", [found.different[part]], "of all", ("<=", 0))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    command = parser("reliability.interrupts", __doc__)
    command.add_argument("--moments", type=int, default=MOMENTS, help="of each signal and of each run's kind")
    command.add_argument("--seed", type=int, default=0, help="of the moments")
    command.add_argument("--keep", type=Path, metavar="DIR", help="leave the runs there")
    options = command.parse_args(arguments)
    moments = 1 if options.quick else options.moments
    began = time.perf_counter()
    measured: list[Measure] = []
    with tempfile.TemporaryDirectory() as scratch:
        root = options.keep or Path(scratch)
        for case in CASES:
            folder = root / f"{case.agent}-{case.family}"
            found = stop_and_compare(case, moments, options.seed, folder, tell)
            for wrong in found.wrong:
                tell(f"{case.agent} on {case.family}: {wrong}")
            measured += measures(case, found)
    seconds = round(time.perf_counter() - began)
    setting = {"seed": options.seed, "moments": moments, "seconds": seconds, "quick": options.quick}
    return finish(Report("reliability.interrupts", measured, setting), options.json)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    raise SystemExit(main())
