"""`compare` and `report`: many runs beside each other by their final evaluations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hyperrl.api.arguments import checked
from hyperrl.arguments import to_path
from hyperrl.errors import user_syntax
from hyperrl.evaluation.progress import Progress
from hyperrl.store import Run, report_write_errors, try_writing

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


@checked
def report(
    runs: str | Path | Run | Sequence[str | Path | Run],
    out: str | Path = "report.html",
    *,
    animate: bool = False,
    allow_import: Sequence[str] = (),
    progress: Progress | None = None,
) -> Path:
    """Write one HTML page about runs, as `hyperrl report` does; it opens from disk without a network.

    A run's base environment is imported to draw an agent's weights or to play it, where it is trusted.

    Args:
        runs: runs, their directories, or folders that are searched for runs, as in `compare`.
        out: the file; one that exists is replaced.
        animate: play an agent of each family whose environment renders pictures, on a task of each split.
        allow_import: modules, or Python files, that base environments may be imported from.
        progress: called with the families done and their number.

    Returns:
        The file.

    Raises:
        UserError: as in `compare`, or the file cannot be written.
    """
    from hyperrl.experiments.collect import collect
    from hyperrl.experiments.report import write_report

    path = to_path(user_syntax("out", "--out"), out)
    with report_write_errors("report", path):
        try_writing(path)
    paths = [runs] if isinstance(runs, str | Path | Run) else list(runs)
    names = [str(each.path if isinstance(each, Run) else each) for each in paths]
    write_report(
        collect(paths), path, paths=names, allow_import=allow_import, animated=animate, progress=progress
    )
    return path
