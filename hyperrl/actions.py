"""The kinds of actions that algorithms are for; `hyperrl list` reads them without pydantic and torch."""

from typing import Literal

ActionKind = Literal["any", "continuous", "discrete"]

ACTIONS: dict[str, ActionKind] = {
    "ppo": "any",
    "a2c": "any",
    "trpo": "any",
    "recurrent_ppo": "any",
    "sac": "continuous",
    "td3": "continuous",
    "tqc": "continuous",
    "crossq": "continuous",
    "dqn": "discrete",
    "qrdqn": "discrete",
}
"""By the algorithm's name in recipes."""


def fits(algorithm: str, kind: str) -> bool:
    """Whether an algorithm that is for one kind of actions can learn a family whose actions are of a kind."""
    return algorithm in ("any", kind)
