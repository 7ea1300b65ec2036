"""A generator's backward pass by hand gives the gradients of its plain operations."""

from typing import Any

import pytest
import torch

from hyperrl.nets.fused import PrecomputedCodes
from tests.nets.fused.cases import Case, gradients

close = torch.testing.assert_close


@pytest.mark.parametrize(
    ("options", "by_hand"),
    [
        ({"hidden": (5, 4), "activation": "tanh"}, True),
        ({"hidden": (5,), "activation": "relu"}, True),
        ({"architecture": "linear"}, True),
        ({"activation": "gelu"}, False),
        ({"architecture": "residual", "hidden": (5, 5)}, False),
        ({"head_norm": "weight"}, False),
        ({"separate_head": True}, False),
        ({"magnitude_invariant": True}, True),
    ],
    ids=str,
)
def test_every_generator_feeds_fused_networks(options: dict[str, Any], by_hand: bool) -> None:
    case = Case.of("modulation", **options)
    close(gradients(case.fused(), case.inputs), gradients(case.layerwise(), case.inputs))
    weights = case.hyper.fused(case.descriptors)
    assert weights is not None
    assert isinstance(weights.source, PrecomputedCodes) is not by_hand


def test_generation_is_timed() -> None:
    case = Case.of("low-rank")
    weights = case.hyper.fused(case.descriptors[:1])
    assert weights is not None
    assert weights.seconds == 0
    weights.apply(case.x, *"abc")
    assert 0 < weights.seconds < 1
