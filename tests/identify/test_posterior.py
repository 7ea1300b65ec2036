"""Estimates, intervals and what is left open."""

import math

import numpy as np
import pytest

from hyperrl.identify.likelihood import Likelihood
from hyperrl.identify.posterior import (
    estimate_context,
    feature_estimates,
    fit,
    open_questions,
    unexplained,
)
from hyperrl.identify.prior import Floats, Prior
from hyperrl.identify.sampler import Particles
from hyperrl.tasks import Family
from tests.identify.cases import posterior, recorded
from tests.identify.test_likelihood import Linear
from tests.identify.test_sampler import PENDULUM, Product


def particles(contexts: Floats, likelihood: Likelihood) -> Particles:
    return Particles(contexts, *likelihood.with_slopes(contexts))


def test_a_hill_has_its_mean_and_quantiles() -> None:
    rng = np.random.default_rng(0)
    likelihood = Likelihood(Linear(), PENDULUM)
    drawn = particles(
        np.stack([rng.normal(1.5, 0.02, 500), rng.normal(0.75, 0.02, 500), rng.uniform(1, 20, 500)], 1),
        likelihood,
    )
    best = estimate_context(likelihood, drawn)
    np.testing.assert_allclose(best[:2], drawn.contexts.mean(axis=0)[:2], atol=0.02)
    features = feature_estimates(PENDULUM, drawn, best, 0.9)
    assert features["m"].low == pytest.approx(np.quantile(drawn.contexts[:, 0], 0.05))
    assert features["m"].high == pytest.approx(np.quantile(drawn.contexts[:, 0], 0.95))
    assert features["m"].width < 0.05
    assert features["g"].width == pytest.approx(1.0, abs=0.05)
    (note,) = open_questions(PENDULUM, drawn, features)
    assert note.startswith("the data say next to nothing of g: its interval is ")


def test_a_bent_ridge_has_an_estimate_on_it() -> None:
    rng = np.random.default_rng(0)
    likelihood, m = Likelihood(Product(), PENDULUM), rng.uniform(0.5, 2.5, 400)
    drawn = particles(np.stack([m, 1.125 / m, rng.uniform(1, 20, 400)], 1), likelihood)
    best = estimate_context(likelihood, drawn)
    assert best[0] * best[1] == pytest.approx(1.125, rel=1e-4)
    mean = drawn.contexts.mean(axis=0)
    assert mean[0] * mean[1] > 1.2
    notes = open_questions(PENDULUM, drawn, feature_estimates(PENDULUM, drawn, best, 0.9))
    assert notes[0] == "the data tell m l to less than 0.1 %, and not m and l by themselves"


def test_contexts_in_the_training_ranges_are_preferred_to_others_that_are_as_likely() -> None:
    rng = np.random.default_rng(0)
    likelihood, m = Likelihood(Product(), PENDULUM), rng.uniform(0.3, 3.0, 400)  # l = 1.125 / m
    drawn = particles(np.stack([m, 1.125 / m, rng.uniform(1, 20, 400)], 1), likelihood)
    m_, l_, g_ = estimate_context(likelihood, drawn)
    assert 0.5 <= m_ <= 2
    assert 0.5 <= l_ <= 2
    assert 5 <= g_ <= 15
    far = particles(np.stack([m, rng.normal(2.3, 0.1, 400), rng.uniform(1, 20, 400)], 1), likelihood)
    assert estimate_context(likelihood, far)[1] > 2


def test_an_interval_of_an_angle_goes_through_zero() -> None:
    prior = Prior(Family.load("point-goal").space)
    angles = np.random.default_rng(0).normal(0.0, 0.1, 500) % (2 * math.pi)

    class Flat(Linear):
        def predict(self, contexts: Floats) -> Floats:
            return np.zeros((len(contexts), *self.observed.shape))

    likelihood = Likelihood(Flat(), prior)
    drawn = particles(angles[:, None], likelihood)
    best = estimate_context(likelihood, drawn)
    assert math.cos(best[0]) > 0.999
    angle = feature_estimates(prior, drawn, best, 0.9)["angle"]
    assert angle.high - angle.low == pytest.approx(2 * 1.645 * 0.1, rel=0.15)
    assert angle.width < 0.07


def test_a_sign_has_probabilities_and_an_even_chance_is_reported() -> None:
    prior = Prior(Family.load("double-integrator").space)
    contexts = np.stack([np.repeat([1.0, -1.0], [60, 40]), np.linspace(0.9, 1.1, 100)], 1)
    drawn = Particles(contexts, np.zeros((100, 1)), np.zeros((100, 1, 1, 1)))
    features = feature_estimates(prior, drawn, contexts[0], 0.9)
    assert features["action_sign"].probabilities == {-1.0: 0.4, 1.0: 0.6}
    assert features["action_sign"].to_json()["probabilities"] == [0.4, 0.6]
    (note,) = open_questions(prior, drawn, features)
    assert note == "the data leave action_sign open: -1 40 %, 1 60 %"


def test_errors_and_explained_parts() -> None:
    model = Linear(0.1)
    likelihood = Likelihood(model, PENDULUM)
    found = fit(likelihood, np.array([1.5, 0.75, 9.0]))
    for error, part in found.values():
        assert error == pytest.approx(0.1, rel=0.2)
        assert part == pytest.approx(1 - error**2 / model.changes.std() ** 2, abs=0.01)
    known = dict.fromkeys(("one", "two", "three", "four"), 0.1) | {"four": 0.8}
    assert unexplained(found, known) == []
    errors = {"one": (1.0, 0.2), "two": (1.0, None), "three": (1.0, -3.0), "four": (1.0, 0.1)}
    (note,) = unexplained(errors, known)
    assert note.startswith(
        "the model explains little of what happens to one (20 %), three (0 %): are these raw"
    )


def test_observations_that_somebody_normalized_are_noticed() -> None:
    transitions = recorded("pendulum", {"m": 1.0})
    for parts in (transitions.observations, transitions.next_observations):
        parts["obs"][:] = (parts["obs"] - [0.2, 0.1, 1.0]) / [0.5, 0.5, 3.0]
    assert any("neither normalized nor stacked" in note for note in posterior("pendulum", transitions).notes)


def test_a_pendulum_tells_two_numbers_of_three() -> None:
    found = posterior("pendulum", recorded("pendulum", {"m": 1.5, "l": 0.8, "g": 12.0}), particles=300)
    assert found.context["g"] / found.context["l"] == pytest.approx(15.0, rel=1e-3)
    assert found.context["m"] * found.context["l"] ** 2 == pytest.approx(0.96, rel=1e-3)
    for name, value in {"m": 1.5, "l": 0.8, "g": 12.0}.items():
        assert found.features[name].low < value < found.features[name].high
    text = " ".join(found.notes)
    assert "l / g" in text
    assert "m l^2" in text or "m g^2" in text
