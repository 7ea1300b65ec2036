"""Predictions of a family's own dynamics are what its environment does."""

import numpy as np
import pytest

from hyperrl.identify.dynamics_model import DynamicsModel
from hyperrl.identify.playing import play_tasks
from hyperrl.tasks import Family
from tests.identify.cases import posterior, recorded
from tests.runs import message

FAMILIES = (
    "ode", "ode-2d", "point-goal", "point-reach", "double-integrator", "double-integrator-friction",
    "double-integrator-permuted", "cartpole", "pendulum", "pendulum-actuator", "wall-gap", "deep-sea",
)  # fmt: skip


@pytest.mark.parametrize("name", FAMILIES)
def test_the_true_context_predicts_what_happened(name: str) -> None:
    family = Family.load(name)
    contexts = family.tasks("interpolation")[:3]
    for context, transitions in zip(contexts, play_tasks(family, contexts, seeds=[0, 1, 2]), strict=True):
        model = DynamicsModel(family, transitions)
        others = [family.space.default | context, contexts[0], contexts[1]]
        predicted = model.predict(family.space.values(others))
        assert predicted.shape == (3, len(transitions), len(model.columns))
        np.testing.assert_allclose(predicted[0], model.observed, atol=2e-5)
        assert model.columns[-1] == "reward"


@pytest.mark.parametrize("name", FAMILIES)
def test_other_contexts_predict_something_else(name: str) -> None:
    family = Family.load(name)
    one, other = family.tasks("train")[0], family.tasks("train")[-1]
    (transitions,) = play_tasks(family, [one], seeds=[0])
    model = DynamicsModel(family, transitions)
    if name == "wall-gap":
        pytest.skip("random moves hardly touch a wall")
    predicted = model.predict(family.space.values([one, other]))
    assert np.abs(predicted[0] - predicted[1]).max() > 1e-3


def test_a_family_without_arrays_is_refused() -> None:
    family = Family.load("acrobot")
    (transitions,) = play_tasks(family, [{}], seeds=[0])
    said = message(DynamicsModel, family, transitions)
    assert "whose environments do not advance as arrays; allowed: 'learned'" in said


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_sign_and_mass_of_a_double_integrator(sign: float) -> None:
    found = posterior("double-integrator", recorded("double-integrator", {"action_sign": sign, "mass": 1.3}))
    assert found.context["action_sign"] == sign
    assert found.context["mass"] == pytest.approx(1.3, rel=1e-4)
    assert found.notes == ()


def test_a_goal_is_told_by_rewards_alone() -> None:
    family = Family.load("point-goal")
    (transitions,) = play_tasks(family, [{"angle": 5.9}], seeds=[0])
    assert posterior("point-goal", transitions).context["angle"] == pytest.approx(5.9, abs=1e-3)
    blind = posterior("point-goal", recorded("point-goal", {"angle": 5.9}))
    assert blind.features["angle"].width > 0.8
    assert "the data say next to nothing of angle" in blind.notes[0]
