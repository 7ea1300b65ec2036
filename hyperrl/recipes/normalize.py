"""Normalization of observations and rewards by running statistics, with the names of SB3's VecNormalize."""

from collections.abc import Mapping
from typing import Any

from pydantic import model_validator

from hyperrl.recipes.base import Flag, Model, Positive
from hyperrl.recipes.messages import FieldError

OFF = {"norm_obs": False, "norm_reward": False}
"""What `normalize: false` stands for; `true` stands for all defaults."""


class Normalize(Model):
    """Which running statistics an agent has; `true` and `false` switch both of them."""

    norm_obs: Flag = True
    """subtract the running mean of observations and divide by their standard deviation, entry by entry"""
    norm_reward: Flag = True
    """divide rewards by the running standard deviation of the discounted return"""
    clip_obs: Positive = 10.0
    """normalized observations are clipped to this size"""
    clip_reward: Positive = 10.0
    """normalized rewards are clipped to this size"""
    epsilon: Positive = 1e-8
    """added to variances"""

    @property
    def active(self) -> bool:
        """Whether anything is normalized."""
        return self.norm_obs or self.norm_reward

    @model_validator(mode="before")
    @classmethod
    def _switch(cls, data: Any) -> Any:
        if isinstance(data, bool):
            return {} if data else OFF
        if not isinstance(data, Mapping | Normalize):
            fields = ", ".join(cls.model_fields)
            raise FieldError(found=data, allowed=f"true, false, a mapping with fields of {fields}")
        return data
