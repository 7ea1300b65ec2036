"""Layers side by side: the same memory, seen as one batch."""

import torch

from hyperrl.nets.flat import Flat
from hyperrl.nets.fused import fused_layers
from hyperrl.nets.strategies.modulation import FusedModulation


def layers(widths: list[int]) -> tuple[Flat, dict[str, FusedModulation]]:
    tensors = [tensor for out in widths for tensor in (torch.randn(2, out), torch.randn(out))]
    flat = Flat(tensors)
    sections = {str(number): 2 * out for number, out in enumerate(widths)}
    made = fused_layers(FusedModulation, sections, flat.places)
    return flat, {name: layer for name, layer in made.items() if isinstance(layer, FusedModulation)}


def test_layers_of_equal_size_and_distance_are_joined() -> None:
    flat, single = layers([3, 4, 3, 4, 3])
    joined = FusedModulation.join([single["0"], single["2"], single["4"]])
    assert joined is not None
    weight, bias = joined.shared.cut(flat.values.detach())
    for place, name in enumerate(("0", "2", "4")):
        own_weight, own_bias = single[name].shared.cut(flat.values.detach())
        assert torch.equal(weight[place], own_weight[0])
        assert torch.equal(bias[place], own_bias[0])
    codes = torch.arange(2 * 34.0).view(2, 34)
    torch.testing.assert_close(joined.codes(codes)[1], single["2"].codes(codes)[0])


def test_layers_of_other_sizes_or_distances_are_not() -> None:
    _, single = layers([3, 4, 3, 5, 3])
    assert FusedModulation.join([single["0"], single["1"]]) is None
    assert FusedModulation.join([single["0"], single["2"], single["4"]]) is None
    assert FusedModulation.join([single["0"], single["2"]]) is not None
