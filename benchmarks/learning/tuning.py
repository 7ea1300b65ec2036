"""What tuning is worth, with equally many trials for each agent: `python -m benchmarks.learning.tuning`.

Tunes `concat-ppo` and `hyper-ppo` on `ode` by validation tasks, each with the space that it has. Then trains
the recipe as it is and the one that was found with seeds that no trial had, and evaluates both on
interpolation, which no trial was compared by.

One small JSON file an agent, `benchmarks/results/tuning/FAMILY/AGENT.json`; those that are there are skipped,
and several processes share the work.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.learning.suite import STARTS, complete, seeds
from hyperrl import api

RESULTS = Path(__file__).resolve().parents[1] / "results" / "tuning"
FAMILY = "ode"
AGENTS = ("concat-ppo", "hyper-ppo")
SEEDS = (400, 401, 402)
TRIALS = 30
SPLITS = ("interpolation",)
OWN, TUNED = "own", "tuned"
FORMAT = 1


def measure(
    agent: str,
    trials: int,
    steps: int | None,
    fresh: Sequence[int],
    overrides: Sequence[str],
    jobs: int | None,
) -> dict[str, Any]:
    """The study of an agent, and what its recipes reach with fresh seeds; UserError for a wrong number.

    Args:
        agent: its name.
        trials: of the study.
        steps: of each run; None: the recipe's.
        fresh: seeds of the runs after the study.
        overrides: of the agent, in all runs.
        jobs: runs at a time; None: as many as there are cores for.
    """
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="hyperrl-tuning-") as folder:
        report = api.tune(
            agent,
            FAMILY,
            trials=trials,
            steps=steps,
            overrides=overrides,
            jobs=jobs,
            out=Path(folder, "study"),
        )
        recipes = {OWN: (agent, overrides), TUNED: (str(report.tuned), ())}
        played = {
            role: [_means(name, seed, changes, steps, Path(folder, role, str(seed))) for seed in fresh]
            for role, (name, changes) in recipes.items()
        }
    study = report.to_json()
    return {
        "format": FORMAT,
        "family": FAMILY,
        "agent": agent,
        "seeds": list(fresh),
        "starts": STARTS,
        "steps": study["steps"],
        "trials": study["trials"],
        "importances": study["importances"],
        "interpolation": played,
        "seconds": round(time.perf_counter() - start, 1),
    }


def describe(result: Mapping[str, Any]) -> str:
    """A result in one line."""
    returns = {
        trial["trial"]: trial["validation"] for trial in result["trials"] if trial["state"] == "finished"
    }
    means = {role: fmean(map(fmean, rows)) for role, rows in result["interpolation"].items()}
    own = returns.get(0, float("nan"))
    return (
        f"{result['agent']} on {result['family']}: validation {own:.4g}, tuned {max(returns.values()):.4g};"
        f" interpolation with fresh seeds {means[OWN]:.4g}, tuned {means[TUNED]:.4g};"
        f" {result['seconds']:.0f} s"
    )


def _means(agent: str, seed: int, overrides: Sequence[str], steps: int | None, out: Path) -> list[float]:
    """Mean return of a run on each interpolation task."""
    run = api.train(agent, FAMILY, steps=steps, seed=seed, overrides=overrides, out=out)
    return [task.mean for task in api.evaluate(run, splits=SPLITS, save=False).runs[0].split_tasks]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning.tuning", description=__doc__)
    parser.add_argument("--agents", nargs="+", default=[*AGENTS], metavar="A")
    parser.add_argument("--trials", type=int, default=TRIALS, help="of each agent")
    parser.add_argument("--seeds", type=seeds, default=[*SEEDS], metavar="S,S", help="of the runs after it")
    parser.add_argument("--steps", type=int, help="in place of the recipes'; give it with --results")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", dest="overrides")
    parser.add_argument("--jobs", type=int, help="runs at a time")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the JSON files")
    options = parser.parse_args(arguments)
    work = (
        (
            options.results / FAMILY / f"{agent}.json",
            partial(
                measure, agent, options.trials, options.steps, options.seeds, options.overrides, options.jobs
            ),
        )
        for agent in options.agents
    )
    return complete("benchmarks.learning.tuning", work, describe)


if __name__ == "__main__":
    raise SystemExit(main())
