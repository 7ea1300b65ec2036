"""Aims as context: `python -m benchmarks.learning.aims`.

Discounts. On `ode` and `cartpole`, runs of an agent whose context has the discount factor, beside a run for
each of five discount factors: one run of as many steps as each of these, and one of as many as all of them.
Fronts. On `pendulum-effort`, where the weight of the effort is the context, and on mo-gymnasium's deep sea
treasure, the hypervolume of one run beside that of five plain agents, each trained on one weight with a fifth
of its steps.

One small JSON file a seed below `benchmarks/results/aims/FAMILY/seed-N.json`; those that are there are
skipped, and several processes share the work. `--quick` tries it out.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.learning.suite import STARTS
from benchmarks.learning.variants import FORMAT, command
from hyperrl import api
from hyperrl.evaluation.pareto import hypervolume
from hyperrl.experiments.tuning.as_context import crossed, hyperparameter_feature
from hyperrl.recipes import parse_family
from hyperrl.store import Run
from hyperrl.tasks import Family

RESULTS = Path(__file__).resolve().parents[1] / "results" / "aims"
DISCOUNTS = (0.8, 0.9, 0.95, 0.98, 0.99)
DISCOUNT_STEPS = {"ode": 20_480, "cartpole": 20_480}
"""Environment steps of each run, by family."""
SPLIT = "interpolation"
FRONT_AGENTS = {"pendulum-effort": ("hyper-ppo", "blind-ppo"), "treasure": ("hyper-dqn", "blind-dqn")}
"""The agent whose context has the weight, and the plain one."""
FRONT_STEPS = {"pendulum-effort": 204_800, "treasure": 50_000}
WEIGHTS: Mapping[str, Sequence[float]] = {
    "pendulum-effort": (1, 1000, 2000, 3000, 4000),
    "treasure": (0.0, 0.25, 0.5, 0.75, 1.0),
}
REFERENCES = {
    "pendulum-effort": {"reward_effort": -0.8, "rest": -1600.0},
    "treasure": {"reward.0": 0.0, "reward.1": -50.0},
}
"""Of the hypervolumes: the most effort and an error hardly smaller than of a hanging pendulum; no treasure
within all of the steps."""
EPISODES = 20
FAMILIES = (*DISCOUNT_STEPS, *FRONT_STEPS)
SEEDS = (900, 901, 902, 903, 904)

RECIPES: Mapping[str, Mapping[str, Any]] = {
    "pendulum-effort": {
        "about": "Swing a pendulum up and hold it, where effort counts little or much.",
        "base": "Pendulum-v1",
        "features": {
            "effort": {
                "about": "weight of the effort", "default": 1, "train": [1, 4000], "weighs": "reward_effort"
            }
        },
        "training": {"ppo": {"learning_rate": 1e-3, "gamma": 0.95, "gae_lambda": 0.95}},
    },
    "treasure": {
        "about": "Dive for a treasure, the deeper the larger, where time counts little or much.",
        "base": "mo_gymnasium:deep-sea-treasure-v0",
        "kwargs": {"max_episode_steps": 50},
        "features": {
            "treasure": {
                "about": "weight of the treasure, against that of time", "default": 0.5, "train": [0, 1],
                "weighs": "reward.0", "against": "reward.1",
            }
        },
        "evaluation": {"episodes": 1},
    },
}  # fmt: skip


def front_family(name: str) -> Family:
    """A family of this benchmark whose feature weighs a term of the reward."""
    return Family(parse_family({"name": name, **RECIPES[name]}, name))


def with_discounts(family: Family) -> Family:
    """A family whose context has the discount factor too."""
    feature = hyperparameter_feature("gamma", DISCOUNTS, DISCOUNTS[-1])
    splits = ("train", "validation", SPLIT)
    return Family(crossed(family, {"gamma": feature}, {"gamma": DISCOUNTS}, splits))


def measure(name: str, seed: int, steps: int | None = None) -> dict[str, Any]:
    """One seed of a family.

    Raises:
        UserError: an unknown family, or a wrong number.
    """
    wall, cpu = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory(prefix="hyperrl-aims-") as folder:
        make = measure_discounts if name in DISCOUNT_STEPS else measure_front
        found, run = make(name, seed, steps, Path(folder))
        spec = run.spec
    seconds = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    return {
        "format": FORMAT, "family": name, "seed": seed, "planned_steps": spec.steps, "starts": STARTS,
        "seconds": {kind: round(value, 1) for kind, value in seconds.items()}, "versions": spec.versions,
        "commit": spec.commit, "started": spec.started, **found,
    }  # fmt: skip


def measure_discounts(name: str, seed: int, steps: int | None, folder: Path) -> tuple[dict[str, Any], Run]:
    """Mean returns on each task of interpolation, by discount factor: of one run, and of a run for each."""
    family, planned = Family.load(name), steps or DISCOUNT_STEPS[name]
    aimed, tasks = with_discounts(family), family.tasks(SPLIT)
    one, total = (
        api.train("hyper-ppo", aimed, steps=factor * planned, seed=seed, out=folder / f"times-{factor}")
        for factor in (1, len(DISCOUNTS))
    )
    returns: dict[str, dict[str, list[float]]] = {"context": {}, "total": {}, "separate": {}}
    for gamma in DISCOUNTS:
        contexts = [{**task.raw, "gamma": gamma} for task in tasks]
        returns["context"][f"{gamma:g}"] = _own(one, contexts)
        returns["total"][f"{gamma:g}"] = _own(total, contexts)
        run = api.train(
            "hyper-ppo", family, steps=planned, seed=seed, overrides=[f"algorithm.gamma={gamma}"],
            out=folder / f"{gamma:g}",
        )  # fmt: skip
        returns["separate"][f"{gamma:g}"] = _own(run, [task.raw for task in tasks])
    return {"kind": "discount", "split": SPLIT, "tasks": len(tasks), "returns": returns}, one


def _own(run: Run, contexts: Sequence[Mapping[str, float]]) -> list[float]:
    """Mean return on each of some tasks."""
    evaluation = api.evaluate(run, contexts=contexts, save=False)
    return [round(task.mean, 4) for task in evaluation.runs[0].own_tasks]


def measure_front(name: str, seed: int, steps: int | None, folder: Path) -> tuple[dict[str, Any], Run]:
    """The hypervolume of one run at eleven weights and at five, and of five runs on one weight each."""
    family, planned = front_family(name), steps or FRONT_STEPS[name]
    agent, plain = FRONT_AGENTS[name]
    (feature,) = family.space.names
    episodes = 1 if name == "treasure" else EPISODES
    one = api.train(agent, family, steps=planned, seed=seed, out=folder / "one")
    front = api.front(one, points=11, reference=REFERENCES[name], episodes=episodes, save=False)
    objectives, weights = front.objectives, [{feature: float(each)} for each in WEIGHTS[name]]
    below = np.array([REFERENCES[name][objective] for objective in objectives])

    def points(run: Run, contexts: Sequence[Mapping[str, float]]) -> list[list[float]]:
        evaluation = api.evaluate(run, contexts=contexts, episodes=episodes, save=False)
        parts = [task.term_returns for task in evaluation.runs[0].own_tasks]
        return [[round(float(np.mean(part[name])), 4) for name in objectives] for part in parts]

    same, separate = points(one, weights), []
    for index, weight in enumerate(weights):
        run = api.train(
            plain, family, steps=max(planned // len(weights), 1), seed=seed, contexts=[weight],
            out=folder / f"{index}",
        )  # fmt: skip
        separate += points(run, [weight])
    volumes = {"front": front.hypervolume, "context": hypervolume(np.array(same), below)}
    volumes["separate"] = hypervolume(np.array(separate), below)
    return {
        "kind": "front",
        "objectives": list(objectives),
        "reference": REFERENCES[name],
        "weights": [weight[feature] for weight in weights],
        "points": {"context": same, "separate": separate},
        "hypervolume": {key: round(value, 4) for key, value in volumes.items()},
        "knee": dict(front.points[front.knee].context),
    }, one


def describe(result: Mapping[str, Any]) -> str:
    """A result in one line."""
    if result["kind"] == "front":
        parts = [f"{name} {value:.4g}" for name, value in result["hypervolume"].items()]
        text = f"hypervolume: {', '.join(parts)}"
    else:
        parts = [
            f"{gamma} {' / '.join(f'{np.mean(own[gamma]):.2f}' for own in result['returns'].values())}"
            for gamma in result["returns"]["separate"]
        ]
        text = f"one run / of total steps / separate, by discount: {', '.join(parts)}"
    return f"{result['family']} seed {result['seed']}: {text}; {result['seconds']['wall']:.0f} s"


main = partial(
    command, "benchmarks.learning.aims", __doc__, measure, RESULTS, FAMILIES, SEEDS, describe=describe
)
"""Runs the command line; its exit status."""

if __name__ == "__main__":
    raise SystemExit(main())
