"""Compares what two vector environments return."""

from typing import Any

import numpy as np


def assert_same(one: Any, other: Any) -> None:
    """Infos and observations alike, entry by entry; entries that a mask hides are ignored."""
    assert set(one) == set(other)
    for key, value in one.items():
        mask = one.get(f"_{key}")
        if isinstance(value, dict):
            assert_same(value, other[key])
        elif mask is None:
            np.testing.assert_array_equal(value, other[key], err_msg=key)
        else:
            for left, right in zip(value[mask], other[key][mask], strict=True):
                if isinstance(left, dict):
                    assert_same(left, right)
                else:
                    assert left == right, key
