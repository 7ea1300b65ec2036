"""A carrier that the library does not have is one class: nothing else changes."""

from typing import Any

import numpy as np
import pytest
from pydantic import Field

from hyperrl.recipes import Feature
from hyperrl.recipes.carriers import CARRIERS as FIELDS
from hyperrl.tasks import ContextualEnv, Family, TaskSampler
from hyperrl.tasks.carriers import CARRIERS, Carriers
from hyperrl.tasks.carriers.base import Carrier
from hyperrl.tasks.contexts import ContextSpace
from hyperrl.tasks.registration import batchable


def test_each_field_that_chooses_a_carrier_has_a_class() -> None:
    assert sorted(FIELDS) == sorted(CARRIERS)


class NoisyFeature(Feature):
    noise: str | None = Field(default=None, description="which part of the observation is blurred")

    @property
    def carrier(self) -> str:
        return "noise" if self.noise else super().carrier


class NoiseCarrier(Carrier):
    """Adds noise of a standard deviation to the observation, and turns actions around."""

    def apply(self, context: Any) -> None:
        self.scale = context[next(iter(self.features))]

    def action(self, action: Any) -> Any:
        return -action

    def observation(self, observation: dict[str, Any]) -> dict[str, Any]:
        noise = self.simulator.base.np_random.normal(0.0, self.scale, observation["obs"].shape)
        return {**observation, "obs": (observation["obs"] + noise).astype(np.float32)}


def test_a_new_carrier_is_one_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """It changes actions and observations, beside an attribute; the family is no longer played as a batch."""
    family = Family.load("pendulum")
    monkeypatch.setitem(CARRIERS, "noise", NoiseCarrier)
    blur = NoisyFeature(about="blur", default=0.0, train=(0.0, 1.0), noise="obs")
    features = {"g": family.space.features["g"], "blur": blur}
    carriers = Carriers(features, {})
    env = ContextualEnv(family.make_base(), ContextSpace(features), carriers, TaskSampler([{}]))
    seen = {}
    for scale in (0.0, 0.5):
        start, _ = env.reset(seed=3, options={"context": {"g": 9.0, "blur": scale}})
        after, *_ = env.step(np.array([1.0], np.float32))
        seen[scale] = np.array([start["obs"], after["obs"]])
    assert env.base.g == 9.0  # type: ignore[attr-defined]
    assert (np.abs(seen[0.5] - seen[0.0]) > 1e-3).any(axis=1).all()
    plain = family.make_base()
    plain.unwrapped.g = 9.0  # type: ignore[attr-defined]
    start, _ = plain.reset(seed=3)
    after, *_ = plain.step(np.array([-1.0], np.float32))
    np.testing.assert_array_equal(seen[0.0], [start, after])
    dynamics = batchable(family.recipe)
    assert Carriers({"g": features["g"]}, {}).batched(dynamics) is dynamics is not None
    assert carriers.batched(dynamics) is None


class Halving(Carrier):
    """Pays half, or all where its factor is negative, and tells the factor."""

    def __init__(self, factor: float) -> None:
        super().__init__({}, {})
        self.factor = factor

    def action(self, action: Any) -> Any:
        return action * self.factor

    def reward(self, reward: float, info: dict[str, Any]) -> tuple[float, dict[str, Any]]:
        return reward * max(self.factor, 0.5), {**info, "factor": self.factor, "height": info["height"] + 1}


def test_a_carrier_changes_the_steps_of_many_environments_as_of_one() -> None:
    carriers = [Halving(2.0), Halving(-1.0), Halving(0.0)]
    actions = np.arange(6, dtype=np.float32).reshape(3, 2)
    np.testing.assert_array_equal(Carrier.actions(carriers, actions), [[0, 2], [-2, -3], [0, 0]])
    assert Carrier.actions(carriers, actions).dtype == np.float32
    rewards, info = Carrier.rewards(carriers, np.array([3.0, 4.0, 5.0]), {"height": np.array([1, 2, 3])})
    np.testing.assert_array_equal(rewards, [6.0, 2.0, 2.5])
    assert {name: values.tolist() for name, values in info.items()} == {
        "height": [2, 3, 4],
        "factor": [2.0, -1.0, 0.0],
    }
