import numpy as np
from numpy.typing import NDArray

from hyperrl.evaluation.acting import Observation
from hyperrl.evaluation.hidden import hiding
from hyperrl.tasks import Family


def test_hidden_features_are_missing_from_what_a_policy_sees_and_nothing_else_is() -> None:
    family = Family.load("pendulum")
    seen: list[Observation] = []

    def act(observation: Observation) -> NDArray[np.float32]:
        seen.append(observation)
        return np.zeros((2, 1), np.float32)

    given = {"obs": np.ones((2, 3), np.float32), "context": np.ones((2, 3), np.float32)}
    hiding(act, family, ["l"])(given)
    column = family.space.names.index("l")
    assert np.isnan(seen[0]["context"]).any(axis=0).tolist() == [number == column for number in range(3)]
    assert np.array_equal(seen[0]["obs"], given["obs"])
    assert np.array_equal(given["context"], np.ones((2, 3)))
    assert hiding(act, family, []) is act


def test_a_feature_of_several_entries_is_hidden_whole() -> None:
    family = Family.load("point-goal")
    seen: list[Observation] = []

    def act(observation: Observation) -> NDArray[np.float32]:
        seen.append(observation)
        return np.zeros((1, 2), np.float32)

    hiding(act, family, ["angle"])({"context": np.ones((1, 2), np.float32)})
    assert np.isnan(seen[0]["context"]).all()
