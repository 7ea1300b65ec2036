"""What disagreement of networks tells: `python -m benchmarks.learning.uncertainty`.

Trains `hyper-ppo` with an index (noise among the inputs of its hypernetwork), and an ensemble of five
`hyper-ppo` that differ in their seed. Both play interpolation and extrapolation tasks while their networks
are asked (`evaluate --uncertainty`). A result has the area under the ROC curve of each task's disagreement
for extrapolation and for failure (a return below half of the oracle, or, where no oracle is known, of the
best of the two), the coverage of predicted intervals, what each training took, and which tasks the flag of
exported files calls far.

One small JSON file a seed below `benchmarks/results/uncertainty/FAMILY/seed-N.json`; those that are there are
skipped, and several processes share the work. `--quick` tries it out.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.learning.variants import command, compare
from hyperrl import api
from hyperrl.evaluation import Evaluation, ModelPolicy
from hyperrl.evaluation.agent import Agent
from hyperrl.evaluation.context_flag import flag_context, flag_rule
from hyperrl.evaluation.networks import networks_of
from hyperrl.evaluation.uncertainty_report import UncertaintySummary, auroc
from hyperrl.store import Run
from hyperrl.tasks import Family

RESULTS = Path(__file__).resolve().parents[1] / "results" / "uncertainty"
FAMILIES = ("ode", "cartpole", "pendulum")
SPLITS = ("interpolation", "extrapolation")
SEEDS = (600, 601, 602, 603, 604)
INDEX, ENSEMBLE = "index", "ensemble"
MEMBERS = 5
AGENTS: Mapping[str, tuple[str, Sequence[str]]] = {
    INDEX: ("hyper-ppo", ("policy.hypernetwork.inputs=[context, noise]",))
}


def measure(family: str, seed: int, steps: int | None = None) -> dict[str, Any]:
    """One seed of a family: an agent with an index and an ensemble, trained and asked.

    Raises:
        UserError: an unknown family, or a wrong number.
    """
    tasks, began = Family.load(family), time.process_time()
    answers: dict[str, Any] = {}

    def play(runs: Mapping[str, Run]) -> dict[str, Evaluation]:
        spent, folder = time.process_time() - began, runs[INDEX].path.parent
        members = [
            api.train("hyper-ppo", tasks, steps=steps, seed=MEMBERS * seed + number, out=folder / str(number))
            for number in range(MEMBERS)
        ]
        answers["cpu_seconds"] = {INDEX: spent, ENSEMBLE: time.process_time() - began - spent}
        played = {
            INDEX: api.evaluate(runs[INDEX], splits=SPLITS, uncertainty=True, save=False),
            ENSEMBLE: api.evaluate(members, splits=SPLITS, uncertainty=True, save=False),
        }
        answers["flag"] = _flags(api.load(runs[INDEX]), tasks)
        answers.update({"failed": _failures(played), "networks": {}})
        for name, evaluation in played.items():
            assert evaluation.uncertainty is not None
            answers["networks"][name] = _short(evaluation.uncertainty, answers["failed"][name])
        return played

    return compare(tasks, AGENTS, SPLITS, seed, steps, play) | {"uncertainty": answers}


def _failures(played: Mapping[str, Evaluation]) -> dict[str, list[bool]]:
    """Which tasks each fails: below half of the oracle, or of the better of the two where none is known.

    Returns below 0 fail where they are lower than twice the better one.
    """
    means = {name: np.array([task.mean for task in each.tasks]) for name, each in played.items()}
    oracles = [task.oracle for task in played[INDEX].tasks]
    best = np.max([*means.values()], axis=0)
    if all(oracle is not None for oracle in oracles):
        best = np.array(oracles, np.float64)
    limit = np.where(best > 0, 0.5 * best, 2.0 * best)
    return {name: (each < limit).tolist() for name, each in means.items()}


def _flags(agent: Agent, family: Family) -> dict[str, list[dict[str, Any]]]:
    """What the flag of exported files says of the tasks of each split."""
    policy, networks = ModelPolicy(agent.model), networks_of([agent])
    rule = flag_rule(family, policy, networks)
    found = {}
    for split in SPLITS:
        flags = [flag_context(rule, family, task, policy, networks) for task in family.tasks(split)]
        found[split] = [
            {
                "far": flag.far,
                "distance": flag.distance > flag.largest_distance,
                "outside": bool(flag.outside),
                "disagreement": any("disagree" in reason for reason in flag.reasons),
            }
            for flag in flags
        ]
    return found


def _short(summary: UncertaintySummary, failed: Sequence[bool]) -> dict[str, Any]:
    """What a result has of an uncertainty."""
    kinds = {kind: [task[kind] for task in summary["tasks"]] for kind in ("actions", "values")}
    return {
        "count": summary["networks"],
        "splits": summary["splits"],
        "extrapolation": summary["extrapolation"],
        "failure": {kind: auroc(scores, failed) for kind, scores in kinds.items()},
        "tasks": kinds,
    }


main = partial(command, "benchmarks.learning.uncertainty", __doc__, measure, RESULTS, FAMILIES, SEEDS)
"""Runs the command line; its exit status."""

if __name__ == "__main__":
    raise SystemExit(main())
