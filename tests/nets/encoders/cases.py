"""An encoder of each kind."""

from collections.abc import Callable

import torch

from hyperrl.nets.encoders import (
    Architecture,
    Categorical,
    Concatenation,
    Encoder,
    MagnitudeInvariant,
    Masked,
    NearestTask,
    Noise,
    State,
    TaskEmbedding,
    Together,
    Transitions,
    Vector,
)

Make = Callable[[], Encoder]
ENCODERS: dict[str, Make] = {
    "vector": lambda: Vector(3, (torch.tensor([0.0, -1.0, 5.0]), 10.0)),
    "magnitude-invariant": lambda: MagnitudeInvariant(2, (-3.0, 3.0)),
    "one-hot": lambda: Categorical([3, 2]),
    "embedded": lambda: Categorical([3, 2], embedding_dim=4),
    "task": lambda: TaskEmbedding(5, 6),
    "noise": lambda: Noise(3),
    "architecture": lambda: Architecture(3, 64),
    "state": lambda: State(4),
    "masked": lambda: Masked(Vector(3)),
    "masked categories": lambda: Masked(Categorical([4])),
    "together": lambda: Concatenation([Masked(Vector(2)), Categorical([3]), Noise(1), TaskEmbedding(4, 2)]),
    "nearest": lambda: NearestTask([[0.0, 1.0], [2.0, -3.0], [0.5, 0.5]], 6),
    "transitions": lambda: Transitions(3, 4, 5, (8,)),
    "side by side": lambda: Together([Masked(Vector(2)), NearestTask([[0.0, 1.0], [2.0, -3.0]], 4)]),
    "nested": lambda: Masked(Concatenation([Vector(1, (2.0, 4.0)), Categorical([3])])),
}
