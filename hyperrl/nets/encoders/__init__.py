"""How descriptors reach the hypernetwork: numbers, categories, tasks, noise, states, transitions, and more.

Every encoder reads its columns of one float tensor of descriptors (G, ``dim``) and gives (G, ``out_dim``);
:class:`Concatenation` puts several side by side, :class:`Masked` lets columns be missing (NaN).

```python
encoder = Concatenation([Vector(2), Masked(Vector(1)), Categorical([3, 5])])
hyper = HyperNetwork(encoder.dim, target, encoder=encoder)
```
"""

from hyperrl.nets.encoders.base import Encoder, Range
from hyperrl.nets.encoders.combined import Concatenation, Masked, Together
from hyperrl.nets.encoders.discrete import Architecture, Categorical, Members, NearestTask, TaskEmbedding
from hyperrl.nets.encoders.numeric import MagnitudeInvariant, Noise, State, Vector
from hyperrl.nets.encoders.transitions import Transitions

__all__ = [
    "Architecture",
    "Categorical",
    "Concatenation",
    "Encoder",
    "MagnitudeInvariant",
    "Masked",
    "Members",
    "NearestTask",
    "Noise",
    "Range",
    "State",
    "TaskEmbedding",
    "Together",
    "Transitions",
    "Vector",
]
