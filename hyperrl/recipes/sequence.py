"""How an agent learns tasks that arrive one after another (`hyperrl train --sequence`)."""

from typing import Annotated, Literal

from pydantic import Field

from hyperrl.recipes.base import Count, Flag, Model, NonNegative

Regularizer = Literal["outputs", "ewc", "cloning", "none"]

STRENGTHS: dict[str, float] = {"outputs": 0.1, "ewc": 10.0, "cloning": 1.0, "none": 0.0}
"""The strength of each regularizer where a recipe has none."""


class SequenceLearning(Model):
    """What keeps an agent from forgetting earlier tasks; without `--sequence` it has no effect."""

    regularizer: Regularizer = "outputs"
    """what is added to the loss: outputs (the acting network's generated weights of earlier tasks stay), ewc
    (parameters that mattered stay), cloning (actions at kept observations stay), or none"""
    strength: NonNegative | None = None
    """weight of the regularizer in the loss; none: 0.1 of outputs, 10 of ewc, 1 of cloning"""
    samples: Annotated[Count, Field(le=1_000_000)] = 1024
    """observations of each finished task that ewc measures on, or that cloning keeps"""
    keep_replay: Flag = False
    """the replay buffer keeps the transitions of earlier tasks (off policy); false: it is emptied"""

    @property
    def weight(self) -> float:
        """The strength, or the regularizer's default."""
        return STRENGTHS[self.regularizer] if self.strength is None else self.strength
