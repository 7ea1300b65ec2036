"""What weights of another family are worth: `python -m benchmarks.learning.family_transfer`.

Trains `hyper-ppo` on a family, then goes on from its weights on another family, whose features differ (`train
--from RUN`): from `ode` on the axis of `ode-2d` where its second coefficient is 0, and from `pendulum`, whose
mass, length and gravity differ, on `pendulum-actuator`, whose mass differs and whose motor may be inverted.
Beside it the same agent learns the other family from scratch. Both are evaluated every few rollouts.

One small JSON file a seed below `benchmarks/results/family_transfer/FAMILY/seed-N.json`; those that are there
are skipped, and several processes share the work. `--quick` tries it out.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.learning.suite import curve
from benchmarks.learning.variants import command, compare
from hyperrl import api
from hyperrl.evaluation import Evaluation
from hyperrl.recipes import SPLITS, FamilyRecipe, load_family
from hyperrl.store import Run
from hyperrl.tasks import Family

RESULTS = Path(__file__).resolve().parents[1] / "results" / "family_transfer"
SEEDS = (800, 801, 802, 803, 804)
PLAYED = ("interpolation", "extrapolation")
AGENT = "hyper-ppo"
SCRATCH, MOVED = "scratch", "moved"
OFTEN = ("evaluate_every=2048", "checkpoint_every=10000000")
"""Of both runs on the second family: an evaluation every 2,048 steps."""


def axis_of_ode_2d() -> Family:
    """The family `ode-2d` with the tasks of `ode` alone, its second coefficient being 0."""
    plane, line = load_family("ode-2d"), Family.load("ode")
    splits = {
        split: {"list": [{**task, "c1": 0.0} for task in line.tasks(split)]}
        for split in SPLITS
        if line.tasks(split)
    }
    fields = plane.model_dump(mode="json", by_alias=True, exclude_none=True)
    steps = {"training": {"steps": STEPS_OF_AXIS}}
    return Family(FamilyRecipe.model_validate({**fields, **steps, "name": "ode-2d-axis", "splits": splits}))


STEPS_OF_AXIS = 150_000
"""As many as `hyper-ppo` takes on `ode`."""
PAIRS: dict[str, tuple[str, Callable[[], Family]]] = {
    "ode-2d-axis": ("ode", axis_of_ode_2d),
    "pendulum-actuator": ("pendulum", partial(Family.load, "pendulum-actuator")),
}
"""By the name of the second family: the first one, and the second."""
FAMILIES = tuple(PAIRS)


def measure(family: str, seed: int, steps: int | None = None) -> dict[str, Any]:
    """One seed of a pair: an agent from scratch, and one that began at another family's weights.

    Raises:
        UserError: an unknown family, or a wrong number.
    """
    source, target = PAIRS[family][0], PAIRS[family][1]()
    curves: dict[str, Any] = {}

    def play(runs: Mapping[str, Run]) -> dict[str, Evaluation]:
        with tempfile.TemporaryDirectory(prefix="hyperrl-source-") as folder:
            first = Path(folder) / "source"  # of another seed: weights from scratch must not be those it had
            start = api.train(AGENT, source, steps=steps, seed=seed + 1000, out=first)
            moved = api.train(
                AGENT, target, steps=steps, seed=seed, overrides=OFTEN, from_run=start,
                out=Path(folder) / MOVED,
            )  # fmt: skip
            ways = {**runs, MOVED: moved}
            curves.update({way: curve(run.path / "progress.csv") for way, run in ways.items()})
            return {way: api.evaluate(run, splits=PLAYED, save=False) for way, run in ways.items()}

    result = compare(target, {SCRATCH: (AGENT, OFTEN)}, PLAYED, seed, steps, play)
    return {**result, "source": source, "curves": curves}


main = partial(command, "benchmarks.learning.family_transfer", __doc__, measure, RESULTS, FAMILIES, SEEDS)
"""Runs the command line; its exit status."""

if __name__ == "__main__":
    raise SystemExit(main())
