"""Generators: networks that turn descriptors into the outputs that a strategy needs, by their names."""

from hyperrl.nets.generators.base import Generator
from hyperrl.nets.generators.mlp import LinearGenerator, MLPGenerator
from hyperrl.nets.generators.recurrent import RecurrentGenerator
from hyperrl.nets.generators.residual import ResidualGenerator
from hyperrl.nets.generators.transformer import TransformerGenerator

GENERATORS: dict[str, type[Generator]] = {
    "linear": LinearGenerator,
    "mlp": MLPGenerator,
    "residual": ResidualGenerator,
    "transformer": TransformerGenerator,
    "recurrent": RecurrentGenerator,
}
"""Every architecture of a hypernetwork."""

__all__ = ["GENERATORS", "Generator"]
