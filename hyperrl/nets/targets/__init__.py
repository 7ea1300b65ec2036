"""Target networks: skeletons without parameters, applied with generated weights."""

from hyperrl.nets.targets.base import Parallel, Target
from hyperrl.nets.targets.mlp import MLP

__all__ = ["MLP", "Parallel", "Target"]
