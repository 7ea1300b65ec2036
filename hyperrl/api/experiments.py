"""`compare`: agents beside each other by the final evaluations of their runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hyperrl.api.arguments import checked
from hyperrl.store import Run

if TYPE_CHECKING:
    from hyperrl.experiments.comparison import Comparison


@checked
def compare(
    runs: str | Path | Run | Sequence[str | Path | Run], *, baseline: str | None = None
) -> Comparison:
    """Compare agents by the final evaluations of their runs, as `hyperrl compare` does.

    Runs of one agent on one family are its seeds. Nothing is played, and no code of a run is imported.

    Args:
        runs: runs, their directories, or folders that are searched for runs. A run that is named must have a
            final evaluation; below a folder, those without one are left out.
        baseline: the agent that the others are compared with; None takes the first of each family.

    Returns:
        Per family and split: interquartile means, differences to the baseline paired by seed, probabilities
        of improvement, optimality gaps, each with its 95 % interval.

    Raises:
        UserError: no runs; runs that were evaluated on other tasks or starts, or are no seeds of one agent;
            an unknown baseline.
    """
    from hyperrl.experiments.collect import collect
    from hyperrl.experiments.comparison import compare as compare_all

    paths = [runs] if isinstance(runs, str | Path | Run) else runs
    return compare_all(collect(paths), baseline)
