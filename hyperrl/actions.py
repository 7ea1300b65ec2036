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
    """Whether an algorithm can learn a family.

    Args:
        algorithm: The kind of actions that the algorithm is for, as in ``ACTIONS``.
        kind: The kind of the family's actions.
    """
    return algorithm in ("any", kind)
