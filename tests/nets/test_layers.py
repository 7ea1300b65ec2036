"""Layers before anything generates them."""

import pytest
import torch
from torch import nn

from hyperrl.nets.layers import LayerSpec, Residual, SharedLayers, fill_weight, initial_weight


def test_shared_layers_start_as_plain_ones() -> None:
    torch.manual_seed(0)
    layers = SharedLayers({"0": LayerSpec(6, 4, 2.0), "1": LayerSpec(4, 3, None)}, 0.5)
    named = layers.named()
    assert list(named) == ["0", "1"]
    assert torch.linalg.svdvals(named["0"][0]).tolist() == pytest.approx([1.0] * 4)
    assert not named["0"][1].any()
    assert (named["1"][0].abs() <= 0.25).all()
    assert (named["1"][1].abs() <= 0.5).all()
    assert len(list(layers.parameters())) == 1


@pytest.mark.parametrize("spec", [LayerSpec(6, 4, 2.0), LayerSpec(6, 4, None), LayerSpec(3, 9, 1.0)])
def test_a_weight_is_filled_in_place_as_it_is_made_fresh(spec: LayerSpec) -> None:
    torch.manual_seed(0)
    fresh = initial_weight(spec)
    room = torch.full((spec.in_features, spec.out_features + 2), 7.0)
    torch.manual_seed(0)
    filled = fill_weight(room[:, : spec.out_features], spec)
    assert torch.equal(filled, fresh)
    assert filled.data_ptr() == room.data_ptr()
    assert (room[:, spec.out_features :] == 7).all()


def test_a_spec_counts_its_numbers_and_their_size() -> None:
    spec = LayerSpec(6, 4, 2.0)
    assert (spec.entries, spec.parameters, spec.fan_out, spec.mean_square) == (24, 28, 4.0, 4 / 6)
    assert LayerSpec(6, 4, None).mean_square == pytest.approx(1 / 18)
    start = (torch.full((6, 4), 3.0), torch.zeros(4))
    assert LayerSpec(6, 4, None, start).mean_square == 9.0


def test_a_residual_adds_its_input() -> None:
    x = torch.randn(2, 3)
    layer = nn.Linear(3, 3)
    assert torch.equal(Residual(layer, nn.Tanh())(x), x + torch.tanh(layer(x)))
