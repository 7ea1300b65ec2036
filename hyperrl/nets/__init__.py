"""Hypernetworks for PyTorch: networks whose weights are a function of a descriptor.

```python
target = MLP(in_features=4, out_features=2, hidden=(64, 64))
hyper = HyperNetwork(descriptor_dim=3, target=target, strategy="low-rank", rank=8)
weights = hyper(descriptors, index)  # (G, 3) distinct tasks; (B,) the task of each row
y = target(x, weights)  # (B, 2)
```
"""

from hyperrl.nets import encoders
from hyperrl.nets.fused import FusedWeights, Rows
from hyperrl.nets.generators import GENERATORS
from hyperrl.nets.grouping import group
from hyperrl.nets.hypernetwork import HyperNetwork
from hyperrl.nets.initialization import INITIALIZATIONS
from hyperrl.nets.layers import LayerSpec
from hyperrl.nets.members import SeparateMembers
from hyperrl.nets.separate import SeparateFusedWeights, SeparateHyperNetworks, SeparateWeights
from hyperrl.nets.strategies import STRATEGIES
from hyperrl.nets.targets import CNN, GRU, MLP, NATURE, ModuleTarget, Parallel, Target, VaryingMLP
from hyperrl.nets.weights import Weights

__all__ = [
    "CNN",
    "GENERATORS",
    "GRU",
    "INITIALIZATIONS",
    "MLP",
    "NATURE",
    "STRATEGIES",
    "FusedWeights",
    "HyperNetwork",
    "LayerSpec",
    "ModuleTarget",
    "Parallel",
    "Rows",
    "SeparateFusedWeights",
    "SeparateHyperNetworks",
    "SeparateMembers",
    "SeparateWeights",
    "Target",
    "VaryingMLP",
    "Weights",
    "encoders",
    "group",
]
