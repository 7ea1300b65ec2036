"""Smaller specialists act almost alike."""

from __future__ import annotations

import numpy as np
import pytest

from hyperrl import UserError
from hyperrl.deploy.compress import prune, quantize
from tests.deploy.cases import (
    example,
)


@pytest.mark.parametrize("name", ["ppo", "ppo normalized"])
def test_pruning_keeps_the_largest_of_each_layer(name: str) -> None:
    specialist = example(name).specialist
    beside = ("action.", "obs.")
    total = sum(array.size for name, array in specialist.arrays.items() if not name.startswith(beside))
    for share in (0.3, 0.7, 1.0):
        thin = prune(specialist, share)
        assert share * total - 1 - len(specialist.matrices) <= thin.parameters <= share * total
        for name in specialist.matrices:
            kept = np.abs(thin.arrays[name])
            assert kept.max() == np.abs(specialist.arrays[name]).max()
            left_out = np.abs(specialist.arrays[name][kept == 0])
            assert left_out.size == 0 or left_out.max() <= kept[kept > 0].min()
    for name in specialist.constants & specialist.arrays.keys():
        assert np.array_equal(thin.arrays[name], specialist.arrays[name])
    with pytest.raises(UserError, match=r"budget: found 0\.01; allowed: at least"):
        prune(specialist, 0.01)


@pytest.mark.parametrize("name", ["ppo", "ppo generated convolutions", "td3"])
def test_eight_bits_are_near(name: str) -> None:
    case = example(name)
    small = quantize(case.specialist)
    for weight in small.matrices:
        error = np.abs(small.dense(weight) - case.specialist.arrays[weight])
        scale = small.arrays[f"{weight}.scale"].reshape(-1, *[1] * (error.ndim - 1))
        assert (error <= scale * 0.501).all()
        assert small.arrays[weight].dtype == np.int8
