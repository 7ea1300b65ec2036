"""How fast commands start: `python -m benchmarks.speed.startup`.

CPU time of whole commands, user and system, children included, beyond that of `python -c 'import torch'`.
Commands and the import take turns, each in a process of its own; the run that they open is trained before,
for a few steps of `ode`, in a temporary folder. Python's compiled files are written before the first turn.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measures import Measure, Report, finish, parser

ROOT = Path(__file__).resolve().parents[2]
AGENT, FAMILY = "hyper-ppo", "ode"
BASELINE = "import torch"
RUN = "run"
BEYOND_TORCH = {
    "evaluate RUN": (["evaluate", RUN], 0.8),
    "specialize RUN": (["specialize", RUN, "--context", "c0=2", "--force"], 0.8),
    "describe AGENT FAMILY": (["describe", AGENT, FAMILY], 1.5),
    "export RUN": (["export", RUN, "--force"], 3.5),
}
"""Commands that import torch: arguments, and the most CPU seconds beyond its import."""
IN_ALL = {"list": (["list"], 0.4), "--help": (["--help"], 0.3)}
"""Commands that do not: arguments, and the most CPU seconds in all."""


def environment(folder: Path) -> dict[str, str]:
    """Variables of commands: they import this repository, have one thread, and compile into a folder once."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    path = os.pathsep.join(filter(None, (str(ROOT), inherited.get("PYTHONPATH"))))
    return {
        **inherited,
        "PYTHONPATH": path,
        "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
        "OMP_NUM_THREADS": "1",
    }


def cpu_seconds(command: Sequence[str], folder: Path) -> float:
    """CPU seconds of a process and its children; CalledProcessError with its output where it fails."""
    before = os.times()
    subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def commands() -> dict[str, list[str]]:
    """What takes turns, by name."""
    python = [sys.executable]
    listed = {name: arguments for name, (arguments, _) in {**BEYOND_TORCH, **IN_ALL}.items()}
    return {
        BASELINE: [*python, "-c", BASELINE],
        **{name: [*python, "-m", "hyperrl", *arguments] for name, arguments in listed.items()},
    }


def measures(taken: Mapping[str, Sequence[float]]) -> list[Measure]:
    """The measures of CPU seconds by command, one for each round."""
    torch = taken[BASELINE]
    beyond = [
        Measure(
            f"{name}: beyond `{BASELINE}`",
            [each - base for each, base in zip(taken[name], torch, strict=True)],
            "s",
            ("<=", most),
            {"in all": statistics.median(taken[name])},
        )
        for name, (_, most) in BEYOND_TORCH.items()
    ]
    in_all = [
        Measure(f"{name}: in all", taken[name], "s", ("<=", most)) for name, (_, most) in IN_ALL.items()
    ]
    return [*beyond, *in_all, Measure(f"`{BASELINE}`: in all", torch, "s")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    command = parser("speed.startup", __doc__)
    command.add_argument("--rounds", type=int, default=7, help="times that each command is run")
    options = command.parse_args(arguments)
    rounds = 1 if options.quick else options.rounds
    taken: dict[str, list[float]] = {name: [] for name in commands()}
    with TemporaryDirectory() as name:
        folder = Path(name)
        training = ["train", AGENT, FAMILY, "--steps", "2048", "--out", RUN]
        cpu_seconds([sys.executable, "-m", "hyperrl", *training], folder)
        for count in range(rounds + 1):
            for each, words in commands().items():
                seconds = cpu_seconds(words, folder)
                if count:  # the first round writes the compiled files
                    taken[each].append(seconds)
    setting = {"agent": AGENT, "family": FAMILY, "quick": options.quick}
    return finish(Report("speed.startup", measures(taken), setting), options.json)


if __name__ == "__main__":
    raise SystemExit(main())
