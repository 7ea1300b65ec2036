from typing import Any

import numpy as np
import pytest

from hyperrl.evaluation.context_flag import flag_context, flag_rule
from hyperrl.tasks import Family
from tests.evaluation.conftest import Observation, drive
from tests.evaluation.test_uncertainty import Fixed

ODE = Family.load("ode")


class Doubting:
    """Two networks that disagree more and more with the context's size, from 4.5 on a lot."""

    count, source = 2, "index"

    def answer(self, observation: Observation, masks: Any = ()) -> Any:
        size = np.abs(observation["context"][:, :1]).astype(np.float64)
        size += 2 * (size > 0.92)
        return np.stack([0 * size, size]), np.zeros((2, len(size)))


def test_the_largest_distance_is_of_validation_or_of_training_tasks() -> None:
    """Training tasks are -5, -1, 1 and 5, descriptors a fifth of that; 5 is 0.8 from the others."""
    rule = flag_rule(ODE)
    assert rule.distance == pytest.approx(0.8)
    assert rule.disagreement is None
    cartpole = Family.load("cartpole")
    found = flag_rule(cartpole)
    trained = cartpole.space.descriptors(cartpole.tasks("train"))
    for task in cartpole.tasks("validation"):
        assert not flag_context(found, cartpole, task).far
        own = cartpole.space.descriptors([task])
        assert np.sqrt(((own - trained) ** 2).sum(axis=1)).min() <= found.distance + 1e-6


def test_contexts_beyond_the_ranges_are_far_and_say_why() -> None:
    rule = flag_rule(ODE)
    inside, outside, away = (flag_context(rule, ODE, {"c0": c0}) for c0 in (3.0, 6.0, 10.0))
    assert (inside.far, inside.outside, inside.reasons) == (False, {}, [])
    assert outside.far
    assert list(outside.outside) == ["c0"]
    assert outside.outside["c0"] == pytest.approx(0.2)
    assert outside.reasons == ["c0 lies 0.2 half widths beyond its training range"]
    assert len(away.reasons) == 2
    assert away.reasons[1] == "the nearest training task is 1 away, more than 0.8"
    assert not flag_context(rule, ODE, {"c0": 5.0}).far


def test_a_hole_between_training_tasks_is_far() -> None:
    family = Family(ODE.recipe).leave_out([{"c0": 1}])
    alone = flag_rule(Family(ODE.recipe).on_tasks([{"c0": -5}, {"c0": -4.5}]))
    found = flag_context(alone, ODE, {"c0": 4})
    assert (found.far, found.outside) == (True, {})
    assert "the nearest training task is 1.7 away" in found.reasons[0]
    assert flag_rule(family).distance >= 0.8


def test_disagreement_of_networks_is_flagged_above_that_on_validation_tasks() -> None:
    rule = flag_rule(ODE, drive, Doubting())
    known = np.sqrt(0.5) * np.array([1.5, 2.5, 3.5, 4.5]) / 5
    assert rule.disagreement == pytest.approx(known.max() + known.std())
    quiet, loud = (flag_context(rule, ODE, {"c0": c0}, drive, Doubting()) for c0 in (4.0, 4.8))
    assert not quiet.far
    assert loud.far
    assert loud.reasons[0].startswith("networks disagree by ")
    assert not flag_context(flag_rule(ODE, drive, Fixed()), ODE, {"c0": 4.8}, drive, Fixed()).far
