"""Target networks: skeletons without parameters, applied with generated weights."""

from hyperrl.nets.targets.base import Parallel, Target, is_target
from hyperrl.nets.targets.cnn import CNN, NATURE
from hyperrl.nets.targets.gru import GRU
from hyperrl.nets.targets.mlp import MLP
from hyperrl.nets.targets.module import ModuleTarget
from hyperrl.nets.targets.varying import VaryingMLP

__all__ = ["CNN", "GRU", "MLP", "NATURE", "ModuleTarget", "Parallel", "Target", "VaryingMLP", "is_target"]
