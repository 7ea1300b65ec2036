"""The posterior that particles reach, against what it is known to be."""

from typing import Any

import numpy as np
import pytest

from hyperrl.errors import UserError
from hyperrl.identify.likelihood import Likelihood
from hyperrl.identify.prior import Floats, Prior
from hyperrl.identify.sampler import Particles, sample_posterior
from hyperrl.tasks import Family
from tests.identify.test_likelihood import Linear

PENDULUM = Prior(Family.load("pendulum").space)


def drawn(
    model: Any, prior: Prior = PENDULUM, count: int = 1000, seed: int = 0, power: float = 1.0, **more: Any
) -> Particles:
    return sample_posterior(Likelihood(model, prior, power), count, np.random.default_rng(seed), **more)


@pytest.mark.parametrize("noise", [1.0, 0.01, 1e-6])
def test_a_linear_model_has_the_posterior_of_least_squares(noise: float) -> None:
    """For noise large and small; a feature that is never looked at keeps its range."""
    model = Linear(noise)
    flat = model.inputs.reshape(-1, 2)
    estimate, residual, *_ = np.linalg.lstsq(flat, model.observed.ravel(), rcond=None)
    covariance = np.linalg.inv(flat.T @ flat) * residual[0] / 78
    found = drawn(model).contexts
    deviation = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(found[:, :2].mean(axis=0), estimate, atol=0.25 * deviation.max())
    np.testing.assert_allclose(found[:, :2].std(axis=0), deviation, rtol=0.15)
    assert abs(found[:, 2].mean() - 10.5) < 0.6
    assert abs(found[:, 2].std() - 19 / np.sqrt(12)) < 0.5


class Product(Linear):
    """Tells the product of m and l alone."""

    def __init__(self) -> None:
        super().__init__(1e-5)
        self.changes = self.observed = self.inputs[:, :, 0] * 1.125 + 1e-5 * self.inputs[:, :, 1]

    def predict(self, contexts: Floats) -> Floats:
        return np.asarray(self.inputs[None, :, :, 0] * (contexts[:, 0] * contexts[:, 1])[:, None, None])


def test_particles_spread_along_a_narrow_ridge() -> None:
    """With p = m l known, m has a density proportional to 1 / m from p / 2.5 to 3."""
    found = drawn(Product()).contexts
    assert (found[:, 0] * found[:, 1]).std() < 1e-5
    low, high = 1.125 / 2.5, 3.0
    expected = [low * (high / low) ** part for part in (0.1, 0.25, 0.5, 0.75, 0.9)]
    np.testing.assert_allclose(np.quantile(found[:, 0], [0.1, 0.25, 0.5, 0.75, 0.9]), expected, rtol=0.15)


class Sign(Linear):
    """Tells the size of the mass and, as much as there is noise, the sign."""

    def __init__(self, noise: float) -> None:
        super().__init__(1.0)
        rng = np.random.default_rng(3)
        self.changes = self.observed = 0.8 * self.inputs[:, :, 0] + noise * rng.normal(size=(40, 2))

    def predict(self, contexts: Floats) -> Floats:
        return np.asarray(self.inputs[None, :, :, 0] * (contexts[:, 0] * contexts[:, 1])[:, None, None])


def test_a_sign_is_exact_and_as_probable_as_it_should_be() -> None:
    prior = Prior(Family.load("double-integrator").space)
    certain = drawn(Sign(0.01), prior, 300).contexts
    assert (certain[:, 0] == 1.0).all()
    model = Sign(8.0)
    likelihood = Likelihood(model, prior)
    grid = np.linspace(0.1, 2.0, 400)
    log = [
        likelihood.log(likelihood.squares(np.stack([np.full(400, sign), grid], 1))) for sign in (-1.0, 1.0)
    ]
    sums = [float(np.exp(each - log[1].max()).sum()) for each in log]
    share = np.mean(drawn(model, prior, 4000).contexts[:, 0] == 1.0)
    assert share == pytest.approx(sums[1] / sum(sums), abs=0.04)
    assert 0.02 < share < 0.98


def test_a_smaller_power_widens_the_posterior() -> None:
    whole, part = drawn(Linear(0.01)), drawn(Linear(0.01), power=0.25)
    ratio = part.contexts[:, 0].std() / whole.contexts[:, 0].std()
    assert ratio == pytest.approx(2.0, rel=0.2)


def test_the_seed_decides_and_the_progress_reaches_the_end() -> None:
    parts: list[float] = []
    first = drawn(Linear(), count=100, progress=parts.append)
    assert parts == sorted(parts)
    assert parts[-1] == 1.0
    assert first.rounds == len(parts)
    np.testing.assert_array_equal(first.contexts, drawn(Linear(), count=100).contexts)
    assert not np.array_equal(first.contexts, drawn(Linear(), count=100, seed=1).contexts)


def test_a_model_without_finite_predictions_is_reported() -> None:
    model = Linear()
    model.inputs[:] = np.inf
    with pytest.raises(UserError, match="no context in the ranges predicts finite numbers"):
        drawn(model, count=50)
