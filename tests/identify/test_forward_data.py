"""Transitions as rows of numbers."""

import numpy as np
import pytest

from hyperrl.identify.forward_data import ForwardData
from hyperrl.identify.playing import play_tasks
from hyperrl.identify.transitions import Transitions
from hyperrl.tasks import Family
from tests.deploy.cases import BOX, IMAGE, custom
from tests.runs import message


def test_numbers_stay_and_choices_become_one_hot() -> None:
    family = Family.load("cartpole")
    (found,) = play_tasks(family, [{}], seeds=[0])
    data = ForwardData(family)
    rows = data.inputs(found)
    assert rows.shape == (len(found), data.width) == (len(found), 6)
    np.testing.assert_array_equal(rows[:, :4], found.observations["obs"])
    np.testing.assert_array_equal(rows[:, 4:].argmax(axis=1), found.actions)
    assert (rows[:, 4:].sum(axis=1) == 1).all()
    outputs = data.outputs(found)
    assert data.columns == ("obs.0", "obs.1", "obs.2", "obs.3", "reward")
    np.testing.assert_array_equal(outputs[:, :4], found.next_observations["obs"] - found.observations["obs"])
    assert (outputs[:, 4] == 1).all()


def test_every_part_of_a_dictionary_counts_and_rewards_may_be_missing() -> None:
    family = Family.load("point-reach")
    (found,) = play_tasks(family, [{}], seeds=[0])
    data = ForwardData(family)
    assert data.width == 10
    assert data.columns[:4] == ("achieved_goal.0", "achieved_goal.1", "desired_goal.0", "desired_goal.1")
    silent = Transitions(found.observations, found.actions, found.next_observations)
    assert np.isnan(data.outputs(silent)[:, -1]).all()


def test_images_are_refused() -> None:
    said = message(ForwardData, custom(IMAGE, BOX))
    assert said.endswith(
        "found 1,296 numbers in an observation; allowed with the model 'learned': 1 to 1,000"
    )


@pytest.mark.parametrize("name", ["wall-gap", "acrobot", "pendulum"])
def test_every_plain_family_has_rows(name: str) -> None:
    family = Family.load(name)
    (found,) = play_tasks(family, [{}], seeds=[0])
    data = ForwardData(family)
    assert data.inputs(found).shape == (len(found), data.width)
    assert data.outputs(found).shape == (len(found), len(data.columns))
