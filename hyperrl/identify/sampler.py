"""Draws contexts from their posterior by sequential Monte Carlo.

Del Moral, Doucet and Jasra, "Sequential Monte Carlo Samplers", Journal of the Royal Statistical Society B,
2006: particles go from the prior to the posterior through distributions in between. Here these are posteriors
under added noise, whose size falls from infinity to nothing. (Powers of the likelihood that rise to 1, the
usual way, let the few particles nearest to a narrow ridge take over, as the size of the noise is unknown.)
The next size is chosen so that half of the particles stay effective (Jasra, Stephens, Doucet and Tsagaris,
2011). Then particles are resampled and moved by Metropolis-Hastings steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.identify.likelihood import Likelihood

Floats = NDArray[np.float64]
_EFFECTIVE = 0.5
"""Part of the particles that stays effective from one power to the next."""
_MOVES, _LAST_MOVES = 2, 15
_BISECTIONS = 40
_MOST_ROUNDS = 400
_MOST_NOISE, _LOG_RANGE = 1e12, math.log(1e26)
"""Where the noise that is added begins, as a part of the variance of changes, and how far it may fall."""
_LENGTH, _BENDING = 1.5, 0.4
"""Length of a step as a part of the posterior's width, over the root of the number of directions; and the
part of the particles that expect a ridge to bend."""


@dataclass(frozen=True)
class Particles:
    """Contexts of equal weight.

    Attributes:
        contexts: (N, F).
        squares: the sums of squared errors of each, (N, K).
        slopes: see `Likelihood.with_slopes`, (N, K, R, R).
        rounds: how often the particles were resampled.
    """

    contexts: Floats
    squares: Floats
    slopes: Floats
    rounds: int = 0

    def rows(self, which: NDArray[np.intp]) -> Particles:
        """Some of them, perhaps several times."""
        return replace(
            self, contexts=self.contexts[which], squares=self.squares[which], slopes=self.slopes[which]
        )

    def replaced(self, which: NDArray[np.intp], others: Particles) -> Particles:
        """The particles with others in the places `which`."""
        contexts, squares, slopes = self.contexts.copy(), self.squares.copy(), self.slopes.copy()
        contexts[which], squares[which], slopes[which] = others.contexts, others.squares, others.slopes
        return replace(self, contexts=contexts, squares=squares, slopes=slopes)


def sample_posterior(
    likelihood: Likelihood,
    count: int,
    rng: np.random.Generator,
    *,
    progress: Callable[[float], None] | None = None,
) -> Particles:
    """Draw contexts from their posterior.

    Args:
        likelihood: of the recorded transitions.
        count: how many.
        rng: draws.
        progress: called with the part that is done, from 0 to 1.

    Raises:
        UserError: no context explains the data at all, or the particles do not get there.
    """
    prior = likelihood.prior
    particles = _evaluate(likelihood, prior.sample(count, rng))
    if not np.isfinite(particles.squares).all(axis=1).any():
        raise UserError("identify: no context in the ranges predicts finite numbers for these transitions")
    added = math.inf
    for round_ in range(1, _MOST_ROUNDS + 1):
        less = _next_noise(likelihood, particles.squares, added)
        weights = _weights(likelihood, particles.squares, added, less)
        particles = replace(particles.rows(_resample(weights, rng)), rounds=round_)
        added = less
        for _ in range(_MOVES if added > 0 else _LAST_MOVES):
            particles = _move(likelihood, particles, added, rng)
            if prior.discrete:
                particles = _exchange(likelihood, particles, added, rng)
        if progress is not None:
            progress(1.0 if added == 0 else min(max(math.log(_MOST_NOISE / added) / _LOG_RANGE, 0.0), 0.99))
        if added == 0:
            return particles
    raise UserError(
        f"identify: the particles did not settle in {_MOST_ROUNDS} rounds; allowed: more particles, or data"
        " that the model explains"
    )


def _evaluate(likelihood: Likelihood, contexts: Floats) -> Particles:
    return Particles(contexts, *likelihood.with_slopes(contexts))


def _weights(likelihood: Likelihood, squares: Floats, added: float, less: float) -> Floats:
    """The weights of particles as the noise that is added becomes less, (N,)."""
    possible = np.isfinite(squares).all(axis=1)
    log = np.full(len(squares), -np.inf)
    some = squares[possible]
    log[possible] = likelihood.log(some, less) - likelihood.log(some, added)
    return _normalized(log)


def _normalized(log: Floats) -> Floats:
    """Weights that sum to 1, of their logarithms up to a constant."""
    weights = np.exp(log - log.max())
    normalized: Floats = weights / weights.sum()
    return normalized


def _next_noise(likelihood: Likelihood, squares: Floats, added: float) -> float:
    """The least noise at which enough particles stay effective, by bisection of its logarithm."""
    possible = np.isfinite(squares).all(axis=1)
    start = possible.mean() if math.isinf(added) else 1.0
    before = likelihood.log(squares[possible], added)

    def effective(less: float) -> float:
        weights = _normalized(likelihood.log(squares[possible], less) - before)
        return float(1.0 / np.square(weights).sum() / len(squares) / start)

    if effective(0.0) >= _EFFECTIVE:
        return 0.0
    high = math.log(min(added, _MOST_NOISE))
    low = high - 2 * _LOG_RANGE
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if effective(math.exp(middle)) >= _EFFECTIVE else (middle, high)
    return math.exp(0.5 * (low + high))


def _resample(weights: Floats, rng: np.random.Generator) -> NDArray[np.intp]:
    """Systematic resampling: the places of the particles that go on."""
    points = (rng.random() + np.arange(len(weights))) / len(weights)
    places = np.searchsorted(np.cumsum(weights), points)
    return np.minimum(places, len(weights) - 1)


def _move(likelihood: Likelihood, particles: Particles, added: float, rng: np.random.Generator) -> Particles:
    """Move the features that have a range, by one Metropolis-Hastings step.

    Positive features are moved in their logarithms, in which the narrow ridges of products (m l^2 is known, m
    and l are not) are straight. Proposals follow the local curvature: along each of its directions a step is
    as long as the posterior is wide there, or, for some of the particles, so much shorter along wide
    directions that a narrow ridge which bends is not left. The curvature at the new place differs, which the
    probability of acceptance accounts for (Girolami and Calderhead, "Riemann manifold Langevin and
    Hamiltonian Monte Carlo methods", JRSS B 2011, without the drift).
    """
    prior, ranges = likelihood.prior, likelihood.prior.ranges
    if not ranges:
        return particles
    count, positive = len(particles.contexts), prior.positive[ranges]
    bending = rng.random((count, 1)) < _BENDING
    widths, directions = _directions(likelihood, particles, added)
    lengths = _lengths(widths, bending)
    drawn = lengths * rng.standard_normal((count, len(ranges)))
    shift = (directions @ drawn[:, :, None])[:, :, 0]
    step = prior.log_deviation[ranges] * shift
    contexts, before = particles.contexts.copy(), particles.contexts[:, ranges]
    with np.errstate(over="ignore"):
        contexts[:, ranges] = np.where(positive, before * np.exp(step), before + step)
    contexts = prior.wrap(contexts)
    inside = prior.holds(contexts)
    contexts[~inside] = particles.contexts[~inside]
    proposed = _evaluate(likelihood, contexts)
    back_widths, back = _directions(likelihood, proposed, added)
    drawn_back = (back.transpose(0, 2, 1) @ shift[:, :, None])[:, :, 0]
    forward = _log_density(drawn, lengths)
    backward = _log_density(drawn_back, _lengths(back_widths, bending))
    stretch = (step * positive).sum(axis=1)  # the density of a logarithm is that of the feature times itself
    ratio = _difference(likelihood, particles, proposed, added) + backward - forward + stretch
    accepted = np.flatnonzero(inside & (np.log(rng.random(count)) < ratio))
    return particles.replaced(accepted, proposed.rows(accepted))


def _difference(likelihood: Likelihood, particles: Particles, proposed: Particles, added: float) -> Floats:
    """How much likelier proposed particles are than those that they may replace, as a logarithm, (N,)."""
    before, after = (likelihood.log(each.squares, added) for each in (particles, proposed))
    difference: Floats = after - before
    return difference


def _directions(likelihood: Likelihood, particles: Particles, added: float) -> tuple[Floats, Floats]:
    """How wide the posterior is along its principal directions, (N, R), and these, (N, R, R) in columns.

    Both in units of the prior's standard deviation, which bounds the widths; of positive features that of
    their logarithms.
    """
    prior, ranges = likelihood.prior, likelihood.prior.ranges
    scale = prior.log_deviation[ranges] * np.where(prior.positive[ranges], particles.contexts[:, ranges], 1.0)
    curvature = likelihood.precision(particles.squares, particles.slopes, added)
    precision = curvature * scale[:, :, None] * scale[:, None, :] + np.eye(len(ranges))
    values, vectors = np.linalg.eigh(precision)
    return 1.0 / np.sqrt(np.maximum(values, 1.0)), vectors


def _lengths(widths: Floats, bending: NDArray[np.bool_]) -> Floats:
    """Lengths of steps along each direction, (N, R), for widths (N, R) in units of the prior's deviation.

    A ridge that is narrow by w leaves a straight line after a distance of about the root of w, where it bends
    within a distance of 1.
    """
    longest = np.where(bending, np.sqrt(widths.min(axis=1, keepdims=True)), np.inf)
    lengths: Floats = _LENGTH / math.sqrt(widths.shape[1]) * np.minimum(widths, longest)
    return lengths


def _log_density(steps: Floats, widths: Floats) -> Floats:
    density: Floats = -(np.log(widths) + 0.5 * np.square(steps / widths)).sum(axis=1)
    return density


def _exchange(
    likelihood: Likelihood, particles: Particles, added: float, rng: np.random.Generator
) -> Particles:
    """Move one of the features that take some values alone, to any of these."""
    prior, count = likelihood.prior, len(particles.contexts)
    contexts = particles.contexts.copy()
    place = prior.discrete[int(rng.integers(len(prior.discrete)))]
    values = prior.values[place]
    assert values is not None
    contexts[:, place] = values[rng.integers(len(values), size=count)]
    likelier = likelihood.log(likelihood.squares(contexts), added) - likelihood.log(particles.squares, added)
    accepted = np.flatnonzero(np.log(rng.random(count)) < likelier)
    return particles.replaced(accepted, _evaluate(likelihood, contexts[accepted]))
