"""Inference of the context from the last transitions, in place of the context itself."""

from typing import Annotated

from pydantic import Field

from hyperrl.recipes.base import Count, Model, Rate, Width


class Inference(Model):
    """An encoder of the episode's last transitions, which learns by predicting the next observation."""

    window: Annotated[Count, Field(le=1000)] = 16
    """transitions that the encoder sees: the last ones of the episode"""
    latent: Annotated[Count, Field(ge=2, le=1024)] = 8
    """size of the latent, which takes the place of the context's descriptor"""
    hidden: Annotated[tuple[Width, ...], Field(min_length=1, max_length=32)] = (64, 64)
    """widths of the hidden layers of the encoder and of the forward model"""
    learning_rate: Rate = 1e-3
    """Adam's step size for both"""
