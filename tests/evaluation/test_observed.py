from typing import Any

import numpy as np

from hyperrl.evaluation.observed import WithNoise, replaced, with_changes
from hyperrl.tasks.observation_noise import ObservationNoise


def test_noise_begins_anew_with_the_episodes() -> None:
    seen: list[Any] = []

    def act(observation: dict[str, Any]) -> Any:
        seen.append(observation["obs"].copy())
        return observation["obs"]

    policy = WithNoise(act, ObservationNoise({"obs": np.ones(2)}, 1.0), [5, 6])
    observation = {"obs": np.zeros((2, 2), np.float32)}
    for _ in range(2):
        policy.reset()
        policy(observation)
        policy(observation)
    np.testing.assert_array_equal(seen[:2], seen[2:])
    assert not np.array_equal(seen[0], seen[1])
    assert not np.array_equal(seen[0][0], seen[0][1])


def test_changes_follow_each_other_on_the_rows_of_a_chunk() -> None:
    def add(descriptors: Any, rows: Any) -> Any:
        return descriptors + rows

    others, shifts = np.arange(6.0).reshape(3, 2), np.array([[10.0], [20.0], [30.0]])
    policy = with_changes(lambda observation: observation["context"], [(replaced, others), (add, shifts)],
                          slice(1, 3))  # fmt: skip
    np.testing.assert_array_equal(policy({"context": np.zeros((2, 2))}), [[22, 23], [34, 35]])
