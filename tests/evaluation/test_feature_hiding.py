from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.evaluation.feature_hiding import check_hidden, hide_features
from hyperrl.evaluation.policy import Observation
from hyperrl.recipes import load_agent, resolve
from hyperrl.store import RunSpec
from hyperrl.tasks import Family
from tests.store.conftest import created


def test_hidden_features_are_missing_from_what_a_policy_sees_and_nothing_else_is() -> None:
    family = Family.load("pendulum")
    observations: list[Observation] = []

    def act(observation: Observation) -> NDArray[np.float32]:
        observations.append(observation)
        return np.zeros((2, 1), np.float32)

    original = {"obs": np.ones((2, 3), np.float32), "context": np.ones((2, 3), np.float32)}
    hide_features(act, family, ["l"])(original)
    column = family.space.names.index("l")
    assert np.isnan(observations[0]["context"]).any(axis=0).tolist() == [
        number == column for number in range(3)
    ]
    assert np.array_equal(observations[0]["obs"], original["obs"])
    assert np.array_equal(original["context"], np.ones((2, 3)))
    assert hide_features(act, family, []) is act


def test_a_feature_of_several_entries_is_hidden_whole() -> None:
    family = Family.load("point-goal")
    observations: list[Observation] = []

    def act(observation: Observation) -> NDArray[np.float32]:
        observations.append(observation)
        return np.zeros((1, 2), np.float32)

    hide_features(act, family, ["angle"])({"context": np.ones((1, 2), np.float32)})
    assert np.isnan(observations[0]["context"]).all()


@pytest.mark.parametrize(
    ("agent", "overrides", "allowed"),
    [
        ("hyper-ppo", ["policy.hypernetwork.context_dropout=0.1"], True),
        ("hyper-ppo", [], False),
        ("concat-ppo", [], False),
    ],
)
def test_only_an_agent_that_was_trained_without_features_is_asked_to_do_without(
    tmp_path: Path, agent: str, overrides: list[str], allowed: bool
) -> None:
    family = Family.load("pendulum")
    recipe = resolve(load_agent(agent), family.recipe, overrides)
    run = created(tmp_path / "run", RunSpec.now(recipe, family.recipe, seed=0, steps=64))
    check_hidden([run], family, [])
    if allowed:
        check_hidden([run], family, ["l", "m"])
    else:
        with pytest.raises(
            UserError, match=r"run '.*run': hidden needs an agent that was trained to do without"
        ):
            check_hidden([run], family, ["l"])
    with pytest.raises(UserError, match="hidden: unknown feature 'length'"):
        check_hidden([run], family, ["l", "length"])
