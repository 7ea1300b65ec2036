"""Intervals hold the truth as often as they say, and noise widens them."""

import numpy as np
import pytest

from hyperrl.identify.dynamics_model import DynamicsModel
from hyperrl.identify.inference import Settings, infer
from hyperrl.identify.prior import Prior
from hyperrl.tasks import Family
from tests.identify.cases import posterior, recorded


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_intervals_cover(noise: float) -> None:
    """Of 16 intervals of 50 % some 8 hold the true mass."""
    inside = []
    for seed, mass in enumerate(np.linspace(0.3, 1.9, 16)):
        transitions = recorded("double-integrator-friction", {"mass": float(mass)}, seed, noise, most=30)
        found = posterior("double-integrator-friction", transitions, particles=60, level=0.5, seed=seed)
        inside.append(found.features["mass"].low < mass < found.features["mass"].high)
    assert 4 <= sum(inside) <= 12


def test_noise_is_reported_and_widens_the_interval() -> None:
    clean, noisy = (posterior("ode", recorded("ode", {"c0": 7.0}, 0, noise)) for noise in (0.0, 0.02))
    assert noisy.fit["obs.0"][0] > 100 * clean.fit["obs.0"][0]
    widths = [found.features["c0"].width for found in (clean, noisy)]
    assert widths[1] > 100 * widths[0]
    assert noisy.features["c0"].low < 7.0 < noisy.features["c0"].high
    assert clean.context["c0"] == pytest.approx(7.0, abs=1e-3)


def test_training_ranges_alone_may_be_possible() -> None:
    found = posterior("ode", recorded("ode", {"c0": 7.0}), within="training")
    assert found.context["c0"] == pytest.approx(5.0, abs=0.01)


def test_progress_goes_to_the_end() -> None:
    calls: list[tuple[int, int]] = []
    family = Family.load("ode")
    model = DynamicsModel(family, recorded("ode", {"c0": 2.0}))
    infer(model, Prior(family.space), Settings(50), progress=lambda *call: calls.append(call))
    assert calls[-1] == (100, 100)
