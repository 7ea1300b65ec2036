"""Every encoder: shapes, size, determinism, missing columns."""

import pytest
import torch

from tests.nets.encoders.cases import ENCODERS


@pytest.mark.parametrize("name", ENCODERS)
def test_shapes_size_and_determinism(name: str) -> None:
    encoder = ENCODERS[name]()
    descriptors = encoder.sample(200)
    assert descriptors.shape == (200, encoder.dim)
    features = encoder(descriptors)
    assert features.shape == (200, encoder.out_dim)
    assert torch.equal(features, encoder(descriptors))
    torch.testing.assert_close(features[7:9], encoder(descriptors[7:9]))
    assert not features.isnan().any()
    assert 0.1 < features.square().mean().sqrt() < 3
    assert encoder(encoder.filler().unsqueeze(0)).isfinite().all()
    assert encoder.sample(1).shape == (1, encoder.dim)
