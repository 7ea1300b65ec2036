"""From a model and recorded transitions to what they tell of a context."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hyperrl.evaluation.progress import Progress
from hyperrl.identify.likelihood import Likelihood, Predictor
from hyperrl.identify.posterior import (
    FeatureEstimate,
    estimate_context,
    feature_estimates,
    fit,
    open_questions,
    unexplained,
)
from hyperrl.identify.prior import Prior, Within
from hyperrl.identify.sampler import sample_posterior
from hyperrl.recipes import Context

_PARTS = 100


@dataclass(frozen=True)
class Settings:
    """How an identification is done.

    Attributes:
        particles: how many contexts are drawn from the posterior.
        level: probability of the intervals.
        within: the ranges that are possible before any data.
        seed: of the draws.
        most: transitions that are used at most, evenly spaced ones of more.
    """

    particles: int = 500
    level: float = 0.9
    within: Within = "declared"
    seed: int = 0
    most: int = 500


@dataclass(frozen=True)
class Posterior:
    """What particles say of a context: what an `Estimate` has of them."""

    context: Context
    features: Mapping[str, FeatureEstimate]
    fit: Mapping[str, tuple[float, float | None]]
    notes: tuple[str, ...]


def infer(
    predictor: Predictor,
    prior: Prior,
    settings: Settings,
    *,
    power: float = 1.0,
    progress: Progress | None = None,
) -> Posterior:
    """Infer the context under which transitions were recorded.

    Args:
        predictor: a model with the transitions.
        prior: the possible contexts.
        settings: numbers of particles and the like.
        power: of the likelihood, see `Likelihood`.
        progress: called with the work done and planned.

    Raises:
        UserError: as `sample_posterior`.
    """
    likelihood, rng = Likelihood(predictor, prior, power), np.random.default_rng(settings.seed)
    report = None if progress is None else lambda part: progress(round(_PARTS * part), _PARTS)
    particles = sample_posterior(likelihood, settings.particles, rng, progress=report)
    best = estimate_context(likelihood, particles)
    features = feature_estimates(prior, particles, best, settings.level)
    found = fit(likelihood, best)
    context = prior.space.contexts(best[None])[0]
    known = dict(zip(predictor.columns, np.sqrt(predictor.least).tolist(), strict=True))
    notes = (*open_questions(prior, particles, features), *_beyond(context), *unexplained(found, known))
    return Posterior(context, features, found, notes)


def _beyond(context: Context) -> list[str]:
    """Sentences about features whose estimates lie outside of what agents were trained on."""
    return [
        f"{name} is estimated outside its training range, {low:g} to {high:g}"
        for name, (low, high) in context.outside.items()
    ]
