"""Generated weights applied through the basis of weights that the generator's last layer is."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from hyperrl.nets.weights import DenseLinear, GeneratedLinear, spread


@dataclass(frozen=True)
class BasisLinear(GeneratedLinear):
    """``W(c) = H0 + sum_j phi_j(c) H_j`` with H the generator's last layer and phi what it sees.

    No W(c) is formed: ``y = x H0 + sum_j phi_j (x H_j)``, so that the cost does not depend on the number of
    tasks, and with few features phi is small. The sum is one large product: over (phi_j x_i) where the
    layer has fewer inputs than outputs, else of x with all H_j side by side.
    """

    basis: Float[Tensor, "features inputs outputs"]
    base: Float[Tensor, "inputs outputs"]
    bias_basis: Float[Tensor, "features outputs"]
    bias: Float[Tensor, " outputs"]
    features: Float[Tensor, "task features"]
    row_features: Float[Tensor, "row features"]

    @property
    def tasks(self) -> int:
        """Number of tasks G."""
        return len(self.features)

    def __call__(self, h: Tensor) -> Tensor:
        """(B, ..., in) to (B, ..., out)."""
        if h.dim() > 2:
            rows = replace(self, row_features=spread(self.row_features, h))
            return rows(h.flatten(0, -2)).view(*h.shape[:-1], -1)
        features = self.row_features.expand(h.shape[0], -1)
        shared = torch.addmm(torch.addmm(self.bias, features, self.bias_basis), h, self.base)
        number, inputs, outputs = self.basis.shape
        if inputs < outputs:
            joined = torch.bmm(features.unsqueeze(2), h.unsqueeze(1)).view(-1, number * inputs)
            return torch.addmm(shared, joined, self.basis.reshape(-1, outputs))
        each = (h @ self.basis.transpose(0, 1).reshape(inputs, -1)).view(-1, number, outputs)
        return torch.baddbmm(shared.unsqueeze(1), features.unsqueeze(1), each).squeeze(1)

    def dense(self) -> DenseLinear:
        """The plain weights of each task."""
        weight = torch.addmm(self.base.flatten(), self.features, self.basis.flatten(1))
        return DenseLinear(
            weight.view(-1, *self.base.shape), torch.addmm(self.bias, self.features, self.bias_basis)
        )
