"""What checkpoints cost: `python -m benchmarks.speed.checkpoints`.

The time that the demo's training (`hyper-ppo` on `ode`) spends on its checkpoints, the latest and the best
alike, over the time of the whole training with its evaluations and logs: on the clock, as a write waits for
the disk, and in CPU time.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.measures import Measure, Report, Spent, finish, parser, spent
from hyperrl.recipes import load_agent, resolve
from hyperrl.tasks import Family
from hyperrl.training import callbacks, train

AGENT, FAMILY = "hyper-ppo", "ode"
GOAL = ("<=", 0.02)
SAVES = ((callbacks.Checkpoints, "_save"), (callbacks.BestWeights, "__call__"))


@contextmanager
def stopwatch(taken: list[Spent]) -> Iterator[None]:
    """Note what each checkpoint takes while the block runs."""

    def timed(save: Callable[..., None]) -> Callable[..., None]:
        def measured(*arguments: Any, **options: Any) -> None:
            taken.append(spent(lambda: save(*arguments, **options)))

        return measured

    (first, name), (second, other) = SAVES
    with (
        patch.object(first, name, timed(getattr(first, name))),
        patch.object(second, other, timed(getattr(second, other))),
    ):
        yield


def measure(steps: int | None, folder: Path) -> tuple[float, float, list[Spent]]:
    """Shares of the training's time, on the clock and of CPU time, and what each checkpoint took."""
    family = Family.load(FAMILY)
    recipe = resolve(load_agent(AGENT), family.recipe, ())
    taken: list[Spent] = []
    with stopwatch(taken):
        whole = spent(lambda: train(recipe, family, out=folder, steps=steps))
    wall, cpu = sum(each.wall for each in taken), sum(each.cpu for each in taken)
    return wall / whole.wall, cpu / whole.cpu, taken


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    command = parser("speed.checkpoints", __doc__)
    command.add_argument("--rounds", type=int, default=3, help="trainings, of which the range is shown")
    options = command.parse_args(arguments)
    rounds, steps = (1, 4096) if options.quick else (options.rounds, None)
    with tempfile.TemporaryDirectory() as scratch:
        found = [measure(steps, Path(scratch) / str(number)) for number in range(rounds)]
    name = f"{AGENT} on {FAMILY}: checkpoints"
    each = [1e3 * one.wall for _, _, taken in found for one in taken]
    measures = [
        Measure(f"{name}, share of the time on the clock", [wall for wall, _, _ in found], "ratio", GOAL),
        Measure(f"{name}, share of its CPU time", [cpu for _, cpu, _ in found], "ratio", GOAL),
        Measure(f"{name}, one of them", each, "ms"),
    ]
    planned = steps or load_agent(AGENT).steps
    setting = {"steps": planned, "checkpoints": len(found[0][2]), "quick": options.quick}
    return finish(Report("speed.checkpoints", measures, setting), options.json)


if __name__ == "__main__":
    raise SystemExit(main())
