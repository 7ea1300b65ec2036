"""Hypernetworks for PyTorch: networks whose weights are a function of a descriptor.

```python
target = MLP(in_features=4, out_features=2, hidden=(64, 64))
hyper = HyperNetwork(descriptor_dim=3, target=target, strategy="low-rank", rank=8)
weights = hyper(descriptors, index)  # (G, 3) distinct tasks; (B,) the task of each row
y = target(x, weights)  # (B, 2)
```
"""

from hyperrl.nets.grouping import group
from hyperrl.nets.hypernetwork import HyperNetwork
from hyperrl.nets.layers import LayerSpec
from hyperrl.nets.targets import MLP, Parallel, Target
from hyperrl.nets.weights import Weights

__all__ = ["MLP", "HyperNetwork", "LayerSpec", "Parallel", "Target", "Weights", "group"]
