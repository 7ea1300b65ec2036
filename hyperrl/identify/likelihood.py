"""How likely recorded transitions are under contexts, by the errors of one-step predictions."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hyperrl.identify.prior import Prior

Floats = NDArray[np.float64]
_MOST_ROWS = 400_000
"""Predictions that are made together."""
_LARGEST = 1e300


class Predictor(Protocol):
    """A model of the next observation (and the reward), given a context.

    Attributes:
        columns: names of the K numbers that it predicts, such as `obs.0` and `reward`.
        observed: the recorded ones, (T, K).
        changes: how far these are from the numbers before the action, (T, K); of a reward itself.
        least: the least variance of the errors, (K,), such as that of rounding.
        step: difference between contexts by which derivatives are taken, as a part of a feature's range.
    """

    columns: tuple[str, ...]
    observed: Floats
    changes: Floats
    least: Floats
    step: float

    def predict(self, contexts: Floats) -> Floats:
        """Predictions (N, T, K) for contexts (N, F), in one batch."""
        ...


class Likelihood:
    """The probability of the recorded numbers under contexts, noise of unknown size integrated out.

    The error of each column k is Gaussian with a variance of its own, on which Jeffreys' prior lies from a
    least variance v_k on: that of rounding, of a model's known errors, and of noise that is added to begin
    with. The integral over the variance is S_k^(-T / 2) times the lower incomplete gamma function of T / 2 at
    S_k / (2 v_k), S_k being the sum of the T squared errors (Bernardo and Smith, "Bayesian Theory", 1994,
    section 5.4, where v_k is 0). So errors that are much larger have a size that is learned, and smaller ones
    that of v_k.

    Attributes:
        predictor: makes the predictions.
        prior: the features.
        power: of the likelihood; below 1 where a model is more certain than it is right.
    """

    def __init__(self, predictor: Predictor, prior: Prior, power: float = 1.0) -> None:
        """Take the model and the features."""
        self.predictor, self.prior, self.power = predictor, prior, power
        self._unit = np.maximum(predictor.changes.var(axis=0), predictor.least)

    @property
    def count(self) -> int:
        """The number of transitions, T."""
        return len(self.predictor.observed)

    def squares(self, contexts: Floats) -> Floats:
        """The sums of squared errors S_k, (N, K), of contexts (N, F)."""
        rows = max(1, _MOST_ROWS // self.count)
        return np.concatenate(
            [
                self._sum(self._errors(contexts[start : start + rows]))
                for start in range(0, len(contexts), rows)
            ]
        )

    def log(self, squares: Floats, added: float = 0.0) -> Floats:
        """Logarithm of the likelihood, (N,), up to a constant.

        Args:
            squares: (N, K), as `squares` gives them.
            added: variance of noise that is added, as a part of the variance of each column's changes; where
                it is infinite, all contexts are equally likely.
        """
        if np.isinf(added):
            return np.where(np.isfinite(squares).all(axis=1), 0.0, -np.inf)
        total: Floats = self.power * _log_integral(squares, self._least(added), self.count).sum(axis=1)
        return total

    def precision(self, squares: Floats, slopes: Floats, added: float = 0.0) -> Floats:
        """The curvature of the logarithm in the R features with a range, (N, R, R).

        It is the Gauss-Newton approximation of minus the second derivative: the sum over columns of the mean
        of the reciprocal variance, T / S_k where nothing bounds it, times the products of first derivatives.

        Args:
            squares: (N, K), as `squares` gives them.
            slopes: (N, K, R, R), as `with_slopes` gives them.
            added: as in `log`.
        """
        if np.isinf(added):
            return np.zeros((len(squares), *slopes.shape[2:]))
        inverse = _mean_inverse(squares, self._least(added), self.count)
        found: Floats = np.einsum("nk,nkij->nij", self.power * inverse, slopes)
        return found

    def _least(self, added: float) -> Floats:
        """The least variance of the noise, (K,)."""
        least: Floats = self.predictor.least + added * self._unit
        return least

    def with_slopes(self, contexts: Floats) -> tuple[Floats, Floats]:
        """The sums of squared errors, (N, K), and of products of their derivatives, (N, K, R, R)."""
        ranges, prior = self.prior.ranges, self.prior
        rows = max(1, _MOST_ROWS // (self.count * (2 * len(ranges) + 1)))
        sums = [np.empty((0, len(self.predictor.columns)))]
        products = [np.empty((0, len(self.predictor.columns), len(ranges), len(ranges)))]
        for start in range(0, len(contexts), rows):
            some = contexts[start : start + rows]
            step = self.predictor.step * (prior.high - prior.low)
            ends = np.minimum(some + step, prior.high), np.maximum(some - step, prior.low)
            shifted = np.repeat(some[None], 2 * len(ranges) + 1, axis=0)
            for number, place in enumerate(ranges):
                for side, end in enumerate(ends):
                    shifted[1 + 2 * number + side, :, place] = end[:, place]
            errors = self._errors(shifted.reshape(-1, some.shape[1]))
            errors = errors.reshape(len(shifted), len(some), *errors.shape[1:])
            sums.append(self._sum(errors[0]))
            width = (ends[0] - ends[1])[:, ranges].T[:, :, None, None]
            with np.errstate(all="ignore"):
                slopes = (errors[1::2] - errors[2::2]) / width
            slopes[~np.isfinite(slopes)] = 0.0
            products.append(np.einsum("intk,jntk->nkij", slopes, slopes, optimize=True))
        return np.concatenate(sums), np.concatenate(products)

    def _errors(self, contexts: Floats) -> Floats:
        """Predictions minus what was recorded, (N, T, K)."""
        with np.errstate(all="ignore"):  # a context may lead a model to infinity: it is then impossible
            return self.predictor.predict(contexts) - self.predictor.observed

    def _sum(self, errors: Floats) -> Floats:
        """Sums of squares, (N, K); infinite where an error is not finite."""
        with np.errstate(all="ignore"):
            sums = np.square(errors).sum(axis=1)
        return np.where(np.isfinite(sums), sums, np.inf)


def _log_integral(squares: Floats, least: Floats, count: int) -> Floats:
    """Logarithm of the integral of v^(-T / 2 - 1) exp(-S / (2 v)) over variances v from `least` on, (N, K).

    It is that of (S / 2)^(-T / 2) times the lower incomplete gamma function, which would underflow where S is
    small; there that function is a confluent hypergeometric one (Abramowitz and Stegun, "Handbook of
    Mathematical Functions", 1964, 6.5.12).

    Args:
        squares: the sums S, (N, K); where they are infinite, so is the logarithm, below 0.
        least: (K,), above 0.
        count: T.
    """
    from scipy.special import gammainc, gammaln, hyp1f1

    half, ratio = 0.5 * count, 0.5 * squares / least
    small, large = np.minimum(ratio, half + 1), np.maximum(ratio, half + 1)
    below = np.log(hyp1f1(1, half + 1, small)) - small - np.log(half)
    above = gammaln(half) + np.log(gammainc(half, large)) - half * np.log(large)
    found: Floats = np.where(ratio < half + 1, below, above) - half * np.log(least)
    return found


def _mean_inverse(squares: Floats, least: Floats, count: int) -> Floats:
    """The mean of 1 / v over the variance v that `_log_integral` integrates over, (N, K)."""
    from scipy.special import gammainc, gammaln, hyp1f1

    half, ratio = 0.5 * count, 0.5 * squares / least
    small, large = np.minimum(ratio, half + 1), np.clip(ratio, half + 1, _LARGEST)
    below = half / (half + 1) * hyp1f1(1, half + 2, small) / hyp1f1(1, half + 1, small)
    density = np.exp(half * np.log(large) - large - gammaln(half))
    above = (half - density / gammainc(half, large)) / large
    found: Floats = np.where(ratio < half + 1, below, above) / least
    return found
