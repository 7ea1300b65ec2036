"""Which part of a base environment's observation is seen."""

from typing import Any

import numpy as np
import pytest

from hyperrl.errors import UserError
from hyperrl.tasks import check_family
from tests.tasks.bases import speaking


def test_an_environment_that_speaks_carls_interface_is_a_family() -> None:
    """Its contexts by id are entries of an attribute, and its own key "context" makes room for ours."""
    family = speaking()
    assert len(check_family(family)) == 3
    env = family.make_default()
    for gravity in (6.0, 14.0):
        seen, _ = env.reset(seed=0, options={"context": {"gravity": gravity, "friction": 0.0}})
        assert set(seen) == {"obs", "context"}
        before = seen["obs"][1]
        after = env.step(np.zeros(1, np.float32))[0]["obs"][1]
        assert after - before == pytest.approx(-0.1 * gravity, rel=1e-5)
    with pytest.raises(UserError, match="'context' already"):
        speaking(observe=["obs", "context"]).make_default()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"observe": ["obz"]}, "observe: the base's observation has no key 'obz'; did you mean 'obs'"),
        ({"base": "CartPole-v1"}, "observe: the base's observation is no dictionary"),
        ({"kwargs": {"colors": [1, 2]}}, "colors"),
    ],
)
def test_what_cannot_be_seen_is_refused(more: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        speaking(**more).make_base()


def test_a_flattened_observation_and_a_pair_of_keys() -> None:
    env = speaking(observe=["obs"], flatten=True).make_default()
    assert env.reset(seed=0)[0]["obs"].shape == (2,)
    both = speaking(observe=None, flatten=True).make_default()
    assert both.reset(seed=0)[0]["obs"].shape == (4,)
