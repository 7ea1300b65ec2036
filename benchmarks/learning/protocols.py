"""How families are trained on by published protocols, as the suite `protocols` says it."""

from __future__ import annotations

from dataclasses import dataclass

from hyperrl.recipes import load_suite


@dataclass(frozen=True)
class Protocol:
    """How a family is trained on.

    Attributes:
        fields: of the agents' recipes, as `hyperrl train --set` takes them.
    """

    fields: tuple[str, ...]


def _protocols() -> dict[str, Protocol]:
    suite = load_suite("protocols")
    return {
        family: Protocol((f"steps={block.steps}", *block.overrides, *suite.overrides))
        for block in suite.runs
        for family in block.families
    }


PROTOCOLS = _protocols()
"""By family."""
