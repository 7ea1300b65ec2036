"""Target networks that take a policy's features as they come."""

from typing import Any

from torch import Tensor, nn

from hyperrl.nets import CNN, Weights


class PixelCNN(CNN):
    """A convolutional target for images whose pixels lie in a row; takes the arguments of ``CNN``."""

    def forward(self, x: Tensor, weights: Weights) -> Any:
        """(batch, channels * height * width), each with its own task's weights."""
        return super().forward(x.reshape(-1, *self.shape), weights)

    def specialize(self, weights: Weights, task: int = 0) -> nn.Sequential:
        """The plain network of one task; it takes images or their pixels in a row."""
        plain = super().specialize(weights, task)
        return nn.Sequential(nn.Flatten(), nn.Unflatten(1, self.shape), *plain).requires_grad_(False)
