"""Convolutional targets."""

import pytest
import torch

from hyperrl.nets import CNN, HyperNetwork
from tests.nets.cases import CASES


def test_the_plain_network_is_made_of_torchs_own_layers() -> None:
    cnn = CASES["cnn"]().target
    plain = cnn.specialize(HyperNetwork(2, cnn)(torch.zeros(1, 2)))
    names = [type(module).__name__ for module in plain]
    assert names == ["Conv2d", "Tanh", "Conv2d", "Tanh", "Flatten", "Linear", "Tanh", "Linear"]


def test_a_kernel_larger_than_its_image_is_named() -> None:
    with pytest.raises(ValueError, match=r"convolutions\[1\]: found kernel size 3.*at most 2"):
        CNN((1, 5, 6), 2, ((4, 3, 2), (4, 3, 1)))
