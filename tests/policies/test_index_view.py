"""Many networks of a policy at once."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from hyperrl.policies import registry
from hyperrl.policies.indices import with_indices
from tests.policies.replaying import made, observed
from tests.policies.test_indexed_networks import KINDS, indexed


def one_by_one(built: Any, batch: Any, indices: torch.Tensor) -> Iterator[torch.Tensor]:
    view, rows = registry.view(built), len(batch["context"])
    with torch.no_grad():
        for index in indices:
            yield view.act_outputs(with_indices(batch, index.expand(rows, -1)))


@pytest.mark.parametrize("algorithm", ["dqn", "sac", "td3", "ppo"])
@pytest.mark.parametrize("kind", KINDS)
def test_many_indices_at_once_are_as_one_by_one(kind: str, algorithm: str) -> None:
    built = indexed(kind, algorithm, prior_scale=0.0 if algorithm == "ppo" else 2.0)
    batch, view = observed(built), registry.view(built)
    indices = view.draw_indices(4)
    assert len(indices) == (3 if kind == "members" else 4)
    outputs = view.act_outputs_by_index(batch, indices)
    for found, expected in zip(outputs, one_by_one(built, batch, indices), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert (outputs[0] - outputs[1]).abs().max() > 1e-3
    values = view.values_by_index(batch, indices)
    assert values.shape == outputs.shape[:2]
    if algorithm == "dqn":
        assert torch.equal(values, outputs.amax(dim=2))


def test_a_policy_without_noise_has_no_index() -> None:
    built = made("dqn")
    assert registry.view(built).index is None
    with pytest.raises(ValueError, match="found no 'noise' in inputs"):
        registry.view(built).draw_indices(3)
