"""What particles say: an estimate, intervals, and which features the data leave open."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperrl.identify.combinations import find_combinations
from hyperrl.identify.likelihood import Likelihood
from hyperrl.identify.prior import Prior
from hyperrl.identify.sampler import Particles

Floats = NDArray[np.float64]
_OPEN = 0.8
"""A feature is unknown where its interval is at least this part of the prior's."""
_LOOSE = 0.2
"""A feature may be known in combination alone where its interval is at least this part of the prior's."""
_EXPLAINED = 0.5
_TRAINED = 0.05
"""Contexts in the training ranges are preferred where at least this part of the particles are likely ones."""
_TURN = 2 * math.pi


@dataclass(frozen=True)
class FeatureEstimate:
    """What the data tell of one feature.

    Attributes:
        estimate: its value in the estimated context.
        low: lower end of its interval.
        high: upper end; of an angle the ends may lie beyond the range, a turn on.
        prior: the range that was possible before.
        width: the interval's width as a part of that of the same interval before the data.
        probabilities: of a feature that takes some values alone, the probability of each.
    """

    estimate: float
    low: float
    high: float
    prior: tuple[float, float]
    width: float
    probabilities: Mapping[float, float] | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data; probabilities as a list of values and one of theirs."""
        plain: dict[str, Any] = {
            "estimate": self.estimate, "low": self.low, "high": self.high, "prior": list(self.prior),
            "width": self.width,
        }  # fmt: skip
        if self.probabilities is not None:
            plain |= {"values": list(self.probabilities), "probabilities": [*self.probabilities.values()]}
        return plain


def estimate_context(likelihood: Likelihood, particles: Particles) -> Floats:
    """The estimated context, (F,): the mean of the particles, where it is as likely as they are.

    Where it is not, since the posterior bends or has several hills, the particle nearest to the mean among
    the more likely half. Features that take some values alone have their most frequent values together.
    Where contexts inside the training ranges are as likely as others, it is one of them, or the mean of them:
    what data cannot tell apart, agents know there alone.
    """
    prior, contexts, log = likelihood.prior, particles.contexts, likelihood.log(particles.squares)
    if prior.discrete:
        _, index, counts = np.unique(
            contexts[:, prior.discrete], axis=0, return_inverse=True, return_counts=True
        )
        most = index.reshape(-1) == int(np.argmax(counts))
        contexts, log = contexts[most], log[most]
    middle = float(np.median(log))
    trained = prior.trained(contexts) & (log >= middle)
    if trained.mean() >= _TRAINED:
        contexts, log = contexts[trained], log[trained]
    mean = contexts.mean(axis=0)
    turned = contexts - mean
    for place in prior.circular:
        mean[place] = _direction(contexts[:, place])
        turned[:, place] = (contexts[:, place] - mean[place] + math.pi) % _TURN - math.pi
    mean = prior.wrap(mean[None])
    if float(likelihood.log(likelihood.squares(mean))[0]) >= middle:
        estimate: Floats = mean[0]
        return estimate
    scale = np.where(prior.deviation > 0, prior.deviation, 1.0)
    likely = np.flatnonzero(log >= middle)
    distance = np.square(turned[likely] / scale).sum(axis=1)
    nearest: Floats = contexts[likely[int(np.argmin(distance))]]
    return nearest


def _direction(angles: Floats) -> float:
    """The mean direction of angles."""
    return float(np.arctan2(np.sin(angles).mean(), np.cos(angles).mean()))


def feature_estimates(
    prior: Prior, particles: Particles, estimate: Floats, level: float
) -> dict[str, FeatureEstimate]:
    """The estimate of each feature, with an equal-tailed interval of the posterior.

    Args:
        prior: the features.
        particles: drawn from the posterior.
        estimate: the estimated context, (F,).
        level: probability of the intervals, above 0 and below 1.
    """
    tails = (1 - level) / 2, (1 + level) / 2
    found = {}
    for place, name in enumerate(prior.space.names):
        drawn, value = particles.contexts[:, place], float(estimate[place])
        before = (float(prior.low[place]), float(prior.high[place]))
        values = prior.values[place]
        if values is not None:
            chances = {float(each): float(np.mean(drawn == each)) for each in values}
            likely = [each for each, chance in chances.items() if chance >= (1 - level)]
            low, high = min(likely), max(likely)
            width = (len(likely) - 1) / max(len(chances) - 1, 1)
            found[name] = FeatureEstimate(value, low, high, before, width, chances)
            continue
        if place in prior.circular:
            drawn = value + (drawn - value + math.pi) % _TURN - math.pi
        low, high = (float(end) for end in np.quantile(drawn, tails))
        width = (high - low) / (level * (before[1] - before[0]))
        found[name] = FeatureEstimate(value, low, high, before, width)
    return found


def open_questions(prior: Prior, particles: Particles, features: Mapping[str, FeatureEstimate]) -> list[str]:
    """Sentences about what the data do not tell: single features, and combinations of which they tell one."""
    notes = []
    loose = [place for place in prior.ranges if features[prior.space.names[place]].width > _LOOSE]
    names = [prior.space.names[place] for place in loose]
    positive = [bool(prior.low[place] > 0) for place in loose]
    together = find_combinations(names, particles.contexts[:, loose], positive) if len(loose) > 1 else []
    notes += [each.sentence() for each in together]
    joined = {name for each in together for name in each.features}
    for name, feature in features.items():
        if feature.probabilities is not None and max(feature.probabilities.values()) < _OPEN:
            chances = ", ".join(f"{value:g} {100 * p:.0f} %" for value, p in feature.probabilities.items())
            notes.append(f"the data leave {name} open: {chances}")
        elif feature.probabilities is None and feature.width > _OPEN and name not in joined:
            notes.append(
                f"the data say next to nothing of {name}: its interval is {100 * feature.width:.0f} % as wide"
                " as before"
            )
    return notes


def fit(likelihood: Likelihood, estimate: Floats) -> dict[str, tuple[float, float | None]]:
    """For each predicted number, the size of the errors and the part of its variance that is explained.

    The part is None where the number does not change.
    """
    errors = np.sqrt(likelihood.squares(estimate[None])[0] / likelihood.count)
    changes = likelihood.predictor.changes
    spread = changes.std(axis=0)
    return {
        name: (float(error), float(1 - (error / size) ** 2) if size > 1e-9 else None)
        for name, error, size in zip(likelihood.predictor.columns, errors, spread, strict=True)
    }


def unexplained(found: Mapping[str, tuple[float, float | None]], known: Mapping[str, float]) -> list[str]:
    """Sentences about numbers that the model does not explain.

    Args:
        found: as `fit` gives it.
        known: for each number the size of the errors that the model is known to make.
    """
    poor = [
        f"{name} ({max(100 * part, 0):.0f} %)"
        for name, (error, part) in found.items()
        if part is not None and part < _EXPLAINED and error > 2 * known[name]
    ]
    if not poor:
        return []
    return [
        f"the model explains little of what happens to {', '.join(poor)}: are these raw observations of the"
        " base environment, neither normalized nor stacked, one row for each of its steps?"
    ]
