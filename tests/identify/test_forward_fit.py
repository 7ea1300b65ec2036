"""A forward model learns what a step does, and how far it may be believed."""

from functools import cache

import numpy as np
import pytest
import torch

from hyperrl.identify.forward_data import ForwardData
from hyperrl.identify.forward_files import ForwardSpec
from hyperrl.identify.forward_fit import FitSettings, fit_model
from hyperrl.identify.forward_model import ForwardModel, LearnedModel
from hyperrl.identify.inference import Settings, infer
from hyperrl.identify.prior import Prior
from hyperrl.tasks import Family, contextualize
from hyperrl.tasks.dynamics import OdeEnv
from tests.identify.cases import recorded
from tests.runs import message

FAMILY = Family.load("pendulum")
SMALL = FitSettings(transitions=3000, updates=250, seed=1)


@cache
def fitted() -> tuple[ForwardSpec, ForwardModel]:
    return fit_model(FAMILY, SMALL)


def test_it_predicts_tasks_that_it_has_not_learned_from() -> None:
    spec, model = fitted()
    parts = np.array(spec.errors) / model.out_deviation.numpy()
    assert parts[:3].max() < 0.4
    assert spec.transitions >= 3000
    assert 0 < spec.power <= 1
    assert spec.covered == pytest.approx(0.9, abs=0.05) or spec.power == 1


def test_the_same_seed_gives_the_same_model_and_draws_nothing_from_torch() -> None:
    before = torch.random.get_rng_state()
    short = FitSettings(300, 3, seed=2)
    (one, first), (other, second) = fit_model(FAMILY, short), fit_model(FAMILY, short)
    assert torch.equal(before, torch.random.get_rng_state())
    assert one == other
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name])


def test_a_context_is_identified_through_it() -> None:
    """Gravity over length is what a pendulum tells best."""
    spec, model = fitted()
    data, prior = ForwardData(FAMILY), Prior(FAMILY.space, "training")
    found = []
    for context in ({"m": 1.0, "l": 0.6, "g": 14.0}, {"m": 1.0, "l": 1.9, "g": 6.0}):
        predictor = LearnedModel(model, np.array(spec.errors), data, FAMILY, recorded("pendulum", context))
        posterior = infer(predictor, prior, Settings(60), power=spec.power)
        found.append(posterior.context["g"] / posterior.context["l"])
    assert found[0] > 2 * found[1]


def test_a_family_without_validation_tasks_is_refused() -> None:
    family = contextualize(
        OdeEnv, {"c0": {"train": [1, 5], "default": 1}}, splits={"validation": []}, max_steps=10
    )
    assert "the split 'validation' has no tasks; allowed: 1 or more" in message(fit_model, family, SMALL)
