"""Infos of a batch."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperrl.tasks import contextualize
from hyperrl.tasks.adapter import info_of
from tests.tasks.bases import Base

INFOS = st.dictionaries(
    st.sampled_from(
        ["a", "task", "episode", "final_obs", "final_info", "is_success", "_a", "TimeLimit.truncated"]
    ),
    st.sampled_from(
        [1, 0.5, "x", None, [1, 2], np.zeros(3), np.zeros((2, 0)), {"r": "s"}, np.int8(1), object()]
    ),
)


@settings(max_examples=40)
@given(st.lists(INFOS, min_size=6, max_size=6))
def test_whatever_infos_hold_a_batch_carries(infos: list[Mapping[str, Any]]) -> None:
    """By key and environment, as the objects that they are; our own entries keep their types."""
    said = iter(infos)

    class Saying(Base):
        def step(self, action: Any) -> Any:
            return self.seen, 1.0, True, False, next(said)

    batch = contextualize(Saying, {"gain": {"train": [0.5, 2.0]}}).make_vec(2)
    batch.reset(seed=0)
    for first in (0, 2, 4):
        *_, told = batch.step(np.zeros((2, 1), np.float32))
        last = told["final_info"]
        assert (last["task"].dtype, last["episode"]["r"].tolist()) == (np.int64, [1.0, 1.0])
        for index in (0, 1):
            wanted = {key: value for key, value in info_of(infos[first + index]).items() if key[0] != "_"}
            found = {
                key: last[key][index]
                for key in last.keys() - {"task", "context", "episode"}
                if key[0] != "_" and last[f"_{key}"][index]
            }
            assert found.keys() == wanted.keys()
            for key, value in wanted.items():
                np.testing.assert_array_equal(found[key], value)
