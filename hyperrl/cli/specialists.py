"""How an agent compares with specialists, as a cell of a table, and what the cell means."""

from collections.abc import Mapping
from typing import Any

from hyperrl.cli.console import count, number

COLUMN = "of specialist"
MEANING = (
    "of specialist: mean return on the tasks on which a plain policy was trained alone, as a part of its"
    " return; where that is not above 0, both returns"
)


def cell(beside: Mapping[str, Any] | None) -> str:
    """The share with the number of tasks, "94.1% (3 tasks)", or both returns; "-" where no task has one.

    Args:
        beside: what `SpecialistShare.to_json` gives.
    """
    if beside is None:
        return "-"
    share = beside["share"]
    part = f"{number(beside['mean']['value'])} of {number(beside['specialist'])}"
    if share is not None:
        part = f"{share['value']:.1%}"
        if share["low"] is not None:
            part += f" [{share['low']:.1%}, {share['high']:.1%}]"
    return f"{part} ({count(beside['tasks'], 'task')})"
