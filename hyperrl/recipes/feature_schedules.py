"""How a feature changes within an episode: jumps, drifts and sinusoids, as data and as text."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from hyperrl.recipes.base import Count, Model, Positive
from hyperrl.recipes.messages import FieldError

_TEXTS = "jump, jump:STEP, drift, drift:STEPS, sinusoid:AMPLITUDE:PERIOD"
_ALLOWED = f"{_TEXTS}, or a mapping such as {{kind: jump, at: 50}}"


class Jump(Model):
    """The feature takes another value, from one step to the next."""

    kind: Literal["jump"] = "jump"
    """another value, drawn from the training range or from `values`"""
    at: Count | None = None
    """the number of steps before it; none: drawn for each episode"""

    def __str__(self) -> str:
        """As text: `jump:50`."""
        return "jump" if self.at is None else f"jump:{self.at}"


class Drift(Model):
    """The feature moves to another value at a constant rate."""

    kind: Literal["drift"] = "drift"
    """linearly to a value drawn from the training range"""
    steps: Count | None = None
    """the number of steps that it takes; none: the whole episode, by its time limit"""

    def __str__(self) -> str:
        """As text: `drift`."""
        return "drift" if self.steps is None else f"drift:{self.steps}"


class Sinusoid(Model):
    """The feature swings about its value."""

    kind: Literal["sinusoid"] = "sinusoid"
    """a sinusoid about the task's value, held at the ends of the training range"""
    amplitude: Positive
    """how far it swings to either side, in the feature's unit"""
    period: Positive
    """the number of steps of a whole swing"""

    def __str__(self) -> str:
        """As text: `sinusoid:0.5:100`."""
        return f"sinusoid:{self.amplitude:g}:{self.period:g}"


_PARTS: dict[str, tuple[type[Model], tuple[str, ...]]] = {
    "jump": (Jump, ("at",)),
    "drift": (Drift, ("steps",)),
    "sinusoid": (Sinusoid, ("amplitude", "period")),
}


def _from_text(value: Any) -> Any:
    """A text such as `jump:50` as a mapping; anything else as it is."""
    if not isinstance(value, str):
        if isinstance(value, Model) or (isinstance(value, dict) and value.get("kind") in _PARTS):
            return value
        raise FieldError(found=value, allowed=_ALLOWED)
    kind, *numbers = value.split(":")
    if kind not in _PARTS or len(numbers) > len(_PARTS[kind][1]):
        raise FieldError(found=value, allowed=_ALLOWED)
    data: dict[str, Any] = {"kind": kind}
    for name, number in zip(_PARTS[kind][1], numbers, strict=False):
        try:
            data[name] = float(number)
        except ValueError:
            raise FieldError(found=value, allowed=_ALLOWED) from None
    if kind == "sinusoid" and len(numbers) < 2:
        raise FieldError(found=value, allowed=_ALLOWED)
    return data


FeatureSchedule = Annotated[
    Annotated[Jump | Drift | Sinusoid, Field(discriminator="kind")], BeforeValidator(_from_text)
]
"""A schedule of a feature."""
