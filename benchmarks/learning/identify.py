"""How well contexts are told from one episode of random actions: `python -m benchmarks.learning.identify`.

For each of 32 tasks, drawn from the training ranges anew with each seed, one episode of random actions is
recorded, as it is and with sensor noise of 2 % of each number's standard deviation, and identified by the
family's own dynamics, or by a forward model that was fitted to its training tasks. The estimate of each
feature and its intervals of 50 % and 90 % are noted. No agent is trained.

One small JSON file a seed below `benchmarks/results/identify/FAMILY/MODEL/seed-N.json`; those that are there
are skipped, and several processes share the work.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.learning.suite import comma_separated, complete, seeds
from hyperrl.identify.dynamics_model import DynamicsModel
from hyperrl.identify.forward_data import ForwardData
from hyperrl.identify.forward_fit import FitSettings, fit_model
from hyperrl.identify.forward_model import LearnedModel
from hyperrl.identify.likelihood import Likelihood
from hyperrl.identify.playing import play_tasks
from hyperrl.identify.posterior import estimate_context, feature_estimates
from hyperrl.identify.prior import Prior
from hyperrl.identify.sampler import sample_posterior
from hyperrl.identify.transitions import Transitions
from hyperrl.tasks import Family

RESULTS = Path(__file__).resolve().parents[1] / "results" / "identify"
FORMAT = 1
FAMILIES = ("ode", "double-integrator", "pendulum", "cartpole")
MODELS = ("dynamics", "learned")
SEEDS = (0, 1, 2, 3, 4)
TASKS, PARTICLES = 32, 200
NOISE = {"exact": 0.0, "noisy": 0.02}
"""Sensor noise as a part of each number's standard deviation over the episode."""
LEVELS = (0.5, 0.9)

Floats = NDArray[np.float64]

COMBINATIONS: dict[str, dict[str, Mapping[str, int]]] = {
    "pendulum": {"g / l": {"g": 1, "l": -1}, "m l^2": {"m": 1, "l": 2}},
    "cartpole": {
        "force_mag / masscart": {"force_mag": 1, "masscart": -1},
        "masspole / masscart": {"masspole": 1, "masscart": -1},
    },
}
"""Products that the equations of a family depend on where they depend on no feature by itself: the power of
each feature in them."""


@dataclass(frozen=True)
class Job:
    """All tasks of one seed.

    Attributes:
        family: the family's name.
        model: what predicts.
        seed: of the tasks, the episodes and the particles.
        tasks: how many.
        particles: of each posterior.
        updates: of a forward model's weights.
    """

    family: str
    model: str
    seed: int
    tasks: int = TASKS
    particles: int = PARTICLES
    updates: int = FitSettings.updates

    @property
    def path(self) -> Path:
        """Where its result lies, below the folder of the results."""
        return Path(self.family) / self.model / f"seed-{self.seed}.json"


def measure(job: Job) -> dict[str, Any]:
    """Identify the tasks of one seed."""
    family = Family.load(job.family)
    prior = Prior(family.space, "training")
    rng = np.random.default_rng(job.seed)
    values = prior.sample(job.tasks, rng)
    starts = rng.integers(2**31, size=job.tasks).tolist()
    episodes = play_tasks(family, family.space.contexts(values), seeds=starts)
    likelihood = likelihoods(job, family, prior)
    began = time.process_time()
    conditions = {
        name: [
            _identify(likelihood(with_noise(each, noise, rng)), job, place)
            for place, each in enumerate(episodes)
        ]
        for name, noise in NOISE.items()
    }
    return {
        "format": FORMAT, "family": job.family, "model": job.model, "seed": job.seed,
        "features": list(family.space.names),
        "ranges": [[float(low), float(high)] for low, high in zip(prior.low, prior.high, strict=True)],
        "choices": [each is not None for each in prior.values],
        "particles": job.particles, "transitions": [len(each) for each in episodes], "tasks": values.tolist(),
        "noise": NOISE, "conditions": conditions,
        "seconds": (time.process_time() - began) / (job.tasks * len(NOISE)),
    }  # fmt: skip


def likelihoods(job: Job, family: Family, prior: Prior) -> Callable[[Transitions], Likelihood]:
    """What makes the likelihood of a recording; a forward model is fitted first, to random actions alone."""
    if job.model == "dynamics":
        return lambda transitions: Likelihood(DynamicsModel(family, transitions), prior)
    spec, model = fit_model(family, FitSettings(updates=job.updates, seed=job.seed))
    data, errors = ForwardData(family), np.array(spec.errors)
    return lambda transitions: Likelihood(
        LearnedModel(model, errors, data, family, transitions), prior, spec.power
    )


def _identify(likelihood: Likelihood, job: Job, place: int) -> dict[str, Any]:
    """The estimate of one task, the ends of its intervals by level, and the widest of each feature's."""
    rng = np.random.default_rng([job.seed, place])
    particles = sample_posterior(likelihood, job.particles, rng)
    best = estimate_context(likelihood, particles)
    found: dict[str, Any] = {"estimate": best.tolist()}
    for level in LEVELS:
        features = feature_estimates(likelihood.prior, particles, best, level).values()
        found[f"{level:g}"] = [[each.low, each.high] for each in features]
    return found


def with_noise(transitions: Transitions, noise: float, rng: np.random.Generator) -> Transitions:
    """The same transitions as a noisy sensor has them: rows share the error of what they both observe."""
    parts = transitions.observations
    drawn = {
        key: noise * part.std(axis=0) * rng.standard_normal((len(part) + 1, *part.shape[1:]))
        for key, part in parts.items()
    }
    return Transitions(
        {key: part + drawn[key][:-1] for key, part in parts.items()},
        transitions.actions,
        {key: part + drawn[key][1:] for key, part in transitions.next_observations.items()},
        None,
        transitions.episodes,
    )


def product(values: Floats, features: Sequence[str], powers: Mapping[str, int]) -> Floats:
    """A combination of features (N, F), (N,)."""
    columns = [values[:, features.index(name)] ** power for name, power in powers.items()]
    found: Floats = np.prod(columns, axis=0)
    return found


def describe(result: Mapping[str, Any]) -> str:
    """A result in a line to print."""
    tasks = np.array(result["tasks"])
    parts = []
    for condition, rows in result["conditions"].items():
        errors = np.median(np.abs(np.array([row["estimate"] for row in rows]) - tasks), axis=0)
        listed = ", ".join(f"{name} {e:.3g}" for name, e in zip(result["features"], errors, strict=True))
        parts.append(f"{condition}: {listed}")
    name = f"{result['family']} {result['model']} seed {result['seed']}"
    return f"{name}: {'; '.join(parts)}; {result['seconds']:.1f} s a task"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning.identify", description=__doc__)
    parser.add_argument("--families", type=comma_separated(*FAMILIES), default=[*FAMILIES], metavar="F,F")
    parser.add_argument("--models", type=comma_separated(*MODELS), default=[*MODELS], metavar="M,M")
    parser.add_argument("--seeds", type=seeds, default=[*SEEDS], metavar="S,S")
    parser.add_argument("--tasks", type=int, default=TASKS, help="in their place; give it with --results")
    parser.add_argument("--particles", type=int, default=PARTICLES, help="likewise")
    parser.add_argument("--updates", type=int, default=FitSettings.updates, help="of a forward model")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the JSON files")
    options = parser.parse_args(arguments)
    jobs = [
        Job(family, model, seed, options.tasks, options.particles, options.updates)
        for model in options.models
        for seed in options.seeds
        for family in options.families
    ]
    work = ((options.results / job.path, partial(measure, job)) for job in jobs)
    return complete("benchmarks.learning.identify", work, describe)


if __name__ == "__main__":
    raise SystemExit(main())
