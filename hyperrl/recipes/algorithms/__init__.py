"""The algorithms that an agent may learn by. Fields carry the argument names of SB3's classes."""

from typing import TYPE_CHECKING, Annotated, Union

from pydantic import Field

from hyperrl.recipes.algorithms.base import AnyAlgorithm
from hyperrl.recipes.algorithms.off_policy import DQN, QRDQN, SAC, TD3, TQC, CrossQ
from hyperrl.recipes.algorithms.on_policy import A2C, PPO, TRPO, MaskablePPO, RecurrentPPO

ALGORITHMS = (PPO, A2C, TRPO, RecurrentPPO, MaskablePPO, SAC, TD3, TQC, CrossQ, DQN, QRDQN)
"""All algorithms that a recipe may name."""

if TYPE_CHECKING:
    Algorithm = AnyAlgorithm
else:
    Algorithm = Annotated[Union[ALGORITHMS], Field(discriminator="name")]  # noqa: UP007
"""A recipe's algorithm, validated as the one that its `name` says."""
