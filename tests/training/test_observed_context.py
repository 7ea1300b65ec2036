"""Changes of what is observed of contexts."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from hyperrl.tasks import Family, TaskSampler
from hyperrl.training.observed_context import Contexts, Indices, ObservedContextVecEnv


class Add:
    """Adds a number that counts the episodes of each environment, then 10 times those of changes before."""

    def __init__(self, factor: float) -> None:
        self.factor, self.episodes = factor, np.zeros(3)

    def draw(self, index: int) -> None:
        self.episodes[index] += 1

    def apply(self, contexts: Contexts, indices: Indices) -> Contexts:
        return np.asarray(10 * contexts + self.factor * self.episodes[indices, None], np.float32)

    def get_state(self) -> dict[str, Any]:
        return {f"episodes {self.factor}": self.episodes.copy()}

    def set_state(self, state: Mapping[str, Any]) -> None:
        self.episodes[:] = state[f"episodes {self.factor}"]


def test_changes_apply_one_after_the_other_and_are_drawn_for_each_episode() -> None:
    family = Family.load("ode")
    batch = family.make_vec(3, sampler=TaskSampler(family.tasks("train"), seed=1))
    env = ObservedContextVecEnv(batch, [Add(1), Add(0.5)])
    first: Any = env.reset()
    own = family.space.descriptors(batch._playing)  # type: ignore[union-attr]
    np.testing.assert_allclose(first["context"], 100 * own + 10.5)
    action = np.zeros((3, 2), np.float32)
    for _ in range(199):
        env.step(action)
    state = env.get_state()
    after: Any
    after, _, dones, infos = env.step(action)
    assert dones.all()
    for index, info in enumerate(infos):
        np.testing.assert_allclose(info["terminal_observation"]["context"], first["context"][index])
    own = family.space.descriptors(batch._playing)  # type: ignore[union-attr]
    np.testing.assert_allclose(after["context"], 100 * own + 21)
    assert state is not None
    env.set_state(state)
    again: Any = env.step(action)[0]
    np.testing.assert_array_equal(again["context"], after["context"])
