"""The kinds of actions that algorithms are for; `hyperrl list` reads them without pydantic and torch."""

from typing import Literal, get_args

ActionKind = Literal["any", "continuous", "discrete", "masked"]

ACTIONS: dict[str, ActionKind] = {
    "ppo": "any",
    "a2c": "any",
    "trpo": "any",
    "recurrent_ppo": "any",
    "maskable_ppo": "masked",
    "sac": "continuous",
    "td3": "continuous",
    "tqc": "continuous",
    "crossq": "continuous",
    "dqn": "discrete",
    "qrdqn": "discrete",
}
"""By the algorithm's name in recipes."""

FamilyActions = Literal["continuous", "discrete", "other", "masked discrete", "masked other"]
KINDS: tuple[str, ...] = get_args(FamilyActions)
"""The kinds of a family's actions: other, of several choices; masked, where it says which are valid."""


def fits(algorithm: str, kind: str) -> bool:
    """Whether an algorithm can learn a family.

    Args:
        algorithm: The kind of actions that the algorithm is for, as in ``ACTIONS``.
        kind: The kind of the family's actions, one of ``KINDS``.
    """
    return algorithm == "any" or algorithm in kind.split()
