"""Generated networks in few large operations: learning with factored weights, acting with materialized ones.

A small network spends more time between its operations than in them. :class:`FusedWeights` makes all
networks of a batch one node of the graph, with a forward and a backward pass by hand. Layers of equal sizes
in networks side by side are one batched product, what the backward pass needs is saved as it arises, and
gradients are written where those of the parameters lie. :class:`SideBySide` applies materialized weights. The
numbers are those of the layers applied one by one, up to rounding.
"""

from hyperrl.nets.fused.activations import FUSED_ACTIVATIONS
from hyperrl.nets.fused.generator import CodeSource, FusedGenerator, PrecomputedCodes
from hyperrl.nets.fused.layers import Codes, FusedLayer, Saved, Upstream, fused_layers
from hyperrl.nets.fused.networks import Chain, FusedNetworks
from hyperrl.nets.fused.rows import ONE_EACH, Rows
from hyperrl.nets.fused.side_by_side import SideBySide
from hyperrl.nets.fused.weights import FusedWeights

__all__ = [
    "FUSED_ACTIVATIONS",
    "ONE_EACH",
    "Chain",
    "CodeSource",
    "Codes",
    "FusedGenerator",
    "FusedLayer",
    "FusedNetworks",
    "FusedWeights",
    "PrecomputedCodes",
    "Rows",
    "Saved",
    "SideBySide",
    "Upstream",
    "fused_layers",
]
