"""How training tasks are drawn."""

from typing import Annotated, Literal

from pydantic import Field

from hyperrl.recipes.base import Fraction, Model, Number

Sampler = Literal["uniform", "round-robin", "plr", "cvar", "adversarial"]

SAMPLER_OPTIONS: dict[str, tuple[str, ...]] = {
    "plr": ("temperature", "staleness"),
    "cvar": ("alpha", "staleness"),
    "adversarial": ("strength", "staleness"),
}
"""The options of the samplers that have any."""


class Curriculum(Model):
    """Options of a sampler that follows the returns of episodes; what is left out has its default."""

    temperature: Annotated[Number, Field(ge=0.01, le=100)] | None = None
    """of plr: the lower, the more the tasks of highest regret are preferred; default 0.1"""
    alpha: Annotated[Number, Field(gt=0, le=1)] | None = None
    """of cvar: the fraction of tasks, the worst, that is trained on; default 0.25"""
    strength: Annotated[Number, Field(gt=0, le=100)] | None = None
    """of adversarial: the higher, the more the tasks with the lowest returns are preferred; default 1.5"""
    staleness: Fraction | None = None
    """of plr, cvar and adversarial: weight of drawing tasks that were not drawn for long; default 0.1"""

    @property
    def options(self) -> dict[str, float]:
        """The options that have a value."""
        return {name: value for name, value in self.model_dump().items() if value is not None}
