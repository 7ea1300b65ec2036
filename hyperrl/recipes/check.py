"""What a family's file says of `hyperrl check`."""

from typing import Annotated

from pydantic import Field

from hyperrl.recipes.base import Count, Model, Number


class FamilyCheck(Model):
    """How `hyperrl check` looks for the effect of a feature that random steps from the start do not show."""

    steps: Annotated[Count, Field(le=100_000)] = Field(
        default=100, description="steps of each longer play, of the actions below and of random ones held"
    )
    actions: Annotated[tuple[Number | tuple[Number, ...], ...], Field(max_length=10_000)] = Field(
        default=(), description="actions of the base that are played in turn, over and over"
    )
