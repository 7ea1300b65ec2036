"""The likelihood of a context, and its curvature."""

import numpy as np
import pytest

from hyperrl.identify.likelihood import Likelihood
from hyperrl.identify.prior import Floats, Prior
from hyperrl.tasks import Family


class Linear:
    """Predicts rows of m x + l y, and never looks at g."""

    step = 1e-4
    columns: tuple[str, ...] = ("one", "two")
    least = np.full(2, 1e-20)

    def __init__(self, noise: float = 0.1) -> None:
        rng = np.random.default_rng(0)
        self.inputs = rng.normal(size=(40, 2, 2))
        self.truth = np.array([1.5, 0.75])
        self.changes = self.observed = self.inputs @ self.truth + noise * rng.normal(size=(40, 2))

    def predict(self, contexts: Floats) -> Floats:
        return np.asarray(np.einsum("tki,ni->ntk", self.inputs, contexts[:, :2]))


def integral(squares: float, least: float, count: int, power: float = 1.0) -> float:
    """The integral over the variance from its least on, of its density over `power - 1` more powers of it."""
    logs = np.linspace(np.log(least), np.log(least) + 60, 600_001)
    exponents = -0.5 * squares * np.exp(-logs) - (0.5 * count + power - 1) * logs
    return float(np.log(np.trapezoid(np.exp(exponents - exponents.max()), logs)) + exponents.max())


@pytest.fixture
def likelihood() -> Likelihood:
    return Likelihood(Linear(), Prior(Family.load("pendulum").space))


def test_it_is_the_integral_over_the_scale_of_the_noise(likelihood: Likelihood) -> None:
    """Against a sum over a fine grid of scales, each weighted by Jeffreys' prior."""
    model = likelihood.predictor
    contexts = np.array([[1.5, 0.75, 9], [1.2, 0.9, 9], [1.0, 1.0, 9]])
    errors = model.predict(contexts) - model.observed
    scales = np.exp(np.linspace(-8, 8, 4001))
    total = np.zeros(3)
    for column in range(2):
        exponents = -0.5 * np.square(errors[:, :, column]).sum(axis=1)[:, None] / scales**2 - 40 * np.log(
            scales
        )
        top = exponents.max(axis=1, keepdims=True)
        total += top[:, 0] + np.log(np.exp(exponents - top).sum(axis=1))
    found = likelihood.log(likelihood.squares(contexts))
    np.testing.assert_allclose(found - found[0], total - total[0], rtol=1e-3)


@pytest.mark.parametrize("squares", [0.0, 1e-6, 30.0, 41.9, 42.1, 1e3, 1e8])
def test_the_size_of_the_noise_is_at_least_what_is_known(likelihood: Likelihood, squares: float) -> None:
    model = likelihood.predictor
    assert isinstance(model, Linear)
    model.least = np.array([0.5, 2.0])
    rows = np.array([[squares, 7.0], [20.0, 7.0]])
    found = likelihood.log(rows)
    wanted = integral(squares, 0.5, 40) - integral(20.0, 0.5, 40)
    assert found[0] - found[1] == pytest.approx(wanted, abs=1e-5)
    slopes = np.zeros((2, 2, 3, 3))
    slopes[:, 0] = 1.0
    mean_inverse = np.exp(integral(squares, 0.5, 40, power=2.0) - integral(squares, 0.5, 40))
    np.testing.assert_allclose(likelihood.precision(rows, slopes)[0], mean_inverse, rtol=1e-5)


def test_errors_as_large_as_is_known_are_not_counted_twice(likelihood: Likelihood) -> None:
    """Of noise of a known size the curvature is that size's, and not that of twice its variance."""
    model = likelihood.predictor
    assert isinstance(model, Linear)
    model.least = np.full(2, 0.01)
    squares, slopes = likelihood.with_slopes(np.array([[1.5, 0.75, 9.0]]))
    np.testing.assert_allclose(squares / 40, 0.01, rtol=0.4)
    gaussian = slopes.sum(axis=1) / 0.01
    np.testing.assert_allclose(likelihood.precision(squares, slopes)[0, 0, 0], gaussian[0, 0, 0], rtol=0.25)


def test_slopes_are_exact_to_second_order(likelihood: Likelihood) -> None:
    class Curved(Linear):
        step = 1e-3

        def predict(self, contexts: Floats) -> Floats:
            return super().predict(np.square(contexts))

    model = Curved()
    curved = Likelihood(model, likelihood.prior)
    _, slopes = curved.with_slopes(np.array([[1.5, 0.75, 9.0]]))
    expected = 4 * 1.5**2 * np.square(model.inputs[..., 0]).sum(axis=0)
    np.testing.assert_allclose(slopes[0, :, 0, 0], expected, rtol=1e-10)


def test_the_curvature_is_that_of_derivatives(likelihood: Likelihood) -> None:
    model = likelihood.predictor
    assert isinstance(model, Linear)
    context = np.array([[1.5, 0.75, 9.0]])
    squares, slopes = likelihood.with_slopes(context)
    np.testing.assert_allclose(squares, likelihood.squares(context))
    curvature = likelihood.precision(squares, slopes)
    expected = sum(40 / squares[0, k] * model.inputs[:, k].T @ model.inputs[:, k] for k in range(2))
    np.testing.assert_allclose(curvature[0, :2, :2], expected, rtol=1e-6)
    assert np.abs(curvature[0, 2]).max() < 1e-6


def test_added_noise_levels_the_likelihood(likelihood: Likelihood) -> None:
    squares, slopes = likelihood.with_slopes(np.array([[1.5, 0.75, 9], [0.5, 2.0, 9]]))
    spans = [float(np.ptp(likelihood.log(squares, added))) for added in (0.0, 0.1, 10.0, np.inf)]
    assert spans[0] > 1.5 * spans[1] > 15 * spans[2] > spans[3] == 0
    assert (likelihood.precision(squares, slopes, np.inf) == 0).all()
    variance = 10.0 * likelihood.predictor.changes.var(axis=0)
    gaussian = -0.5 * (squares / variance).sum(axis=1)
    assert spans[2] == pytest.approx(float(np.ptp(gaussian)), rel=0.2)


def test_batches_give_what_one_by_one_gives(likelihood: Likelihood, monkeypatch: pytest.MonkeyPatch) -> None:
    contexts = likelihood.prior.sample(17, np.random.default_rng(0))
    together = *likelihood.with_slopes(contexts), likelihood.squares(contexts)
    monkeypatch.setattr("hyperrl.identify.likelihood._MOST_ROWS", 200)
    apart = *likelihood.with_slopes(contexts), likelihood.squares(contexts)
    for one, other in zip(together, apart, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


def test_a_context_that_leads_to_infinity_is_impossible(likelihood: Likelihood) -> None:
    model = likelihood.predictor
    assert isinstance(model, Linear)
    model.inputs[3] = np.inf
    squares, slopes = likelihood.with_slopes(np.array([[1.5, 0.75, 9.0]]))
    assert likelihood.log(squares).tolist() == [-np.inf]
    assert likelihood.log(squares, np.inf).tolist() == [-np.inf]
    assert np.isfinite(slopes).all()
