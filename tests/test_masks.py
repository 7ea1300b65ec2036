"""Masks are read, checked and copied."""

from typing import Any

import numpy as np
import pytest

from hyperrl.masks import read_masks


@pytest.mark.parametrize(
    "value", [[1, 0, 1, 1, 0], [True, False, True, True, False], (1.0, 0.0, 1.0, 1.0, 0)]
)
def test_a_mask_is_truth_values_of_its_own(value: Any) -> None:
    given = np.array(value)
    mask = read_masks(given, (2, 3))
    assert mask.dtype == np.bool_
    assert mask.tolist() == [True, False, True, True, False]
    mask[:] = False
    assert given.tolist() == np.array(value).tolist()
    assert read_masks([value, value], (2, 3)).shape == (2, 5)
    assert read_masks(value, (2, 3)).tolist() == read_masks(given, (5,)).tolist()


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([1, 0, 1], r"found shape \(3,\); allowed: \(5,\), an entry for each choice"),
        (np.ones((2, 3, 5)), r"found shape \(2, 3, 5\)"),
        (1, r"found shape \(\); allowed: \(5,\)"),
        (None, "found NoneType; allowed: an array of 5 truth values"),
        ("all", "found str; allowed: an array of 5"),
        ([[1, 0], [1, 1, 0]], "found list; allowed: an array of 5 truth values"),
        ([0, 0, 1, 1, 1], "found no valid choice; allowed: at least one for each part"),
        ([1, 1, 0, 0, 0], "found no valid choice; allowed: at least one for each part"),
        ([[1, 1, 1, 1, 1], [0, 0, 0, 0, 0]], "found no valid choice"),
        ([1, 2, 1, 1, 1], "found other numbers than 0 and 1"),
        ([1, float("nan"), 1, 1, 1], "found other numbers than 0 and 1"),
    ],
)
def test_what_is_no_mask_is_refused(value: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_masks(value, (2, 3))
