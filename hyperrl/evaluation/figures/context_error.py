"""Return over the error of what an agent observes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hyperrl.evaluation.figures import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hyperrl.evaluation.error_report import ErrorSummary
    from hyperrl.evaluation.report import Evaluation
    from hyperrl.evaluation.summary import SplitSummary

OWN = "own tasks"


def return_over_error(evaluation: Evaluation, path: Path | None = None) -> Figure:
    """Draw the mean return of each split over the size of contexts' errors, from 0 on, with 95 % intervals.

    Args:
        evaluation: one with errors of contexts.
        path: where a PNG is written; None writes none.

    Raises:
        ValueError: there are no errors.
    """
    draws = evaluation.context_errors[-1]["draws"] if evaluation.context_errors else 0
    label = "error of the observed context, in parts of a feature's training range"
    note = f"mean of {draws} errors a task, bands: 95 % intervals"
    return _draw(evaluation, evaluation.context_errors, label, "wrong contexts", note, path)


def return_over_noise(evaluation: Evaluation, path: Path | None = None) -> Figure:
    """Draw the mean return of each split over the size of the noise on observations, likewise.

    Args:
        evaluation: one with noise on observations.
        path: where a PNG is written; None writes none.

    Raises:
        ValueError: there is no noise.
    """
    label = "bound of the noise on observations, in standard deviations of their entries"
    note = "bands: 95 % intervals"
    return _draw(evaluation, evaluation.observation_noise, label, "noisy observations", note, path)


def _draw(
    evaluation: Evaluation, summaries: Sequence[ErrorSummary], label: str, what: str, note: str,
    path: Path | None,
) -> Figure:  # fmt: skip
    if not summaries:
        raise ValueError("there are no errors to draw")
    curves: dict[str, list[SplitSummary]] = {
        name: [each["splits"][name] for each in summaries] for name in summaries[0]["splits"]
    }
    if "own" in summaries[0]:
        curves[OWN] = [each["own"] for each in summaries]
    sizes = [each["error"] for each in summaries]
    with style.styled():
        figure, (axes,) = style.new_grid(1, "episode return")
        for name, points in curves.items():
            color = style.SPLIT_COLORS.get(name, style.INK)
            axes.plot(sizes, [point["mean"] for point in points], "o-", color=color, label=name, zorder=3)
            low = [point["mean"] if point["low"] is None else point["low"] for point in points]
            high = [point["mean"] if point["high"] is None else point["high"] for point in points]
            axes.fill_between(sizes, low, high, color=color, alpha=0.15, linewidth=0)
        axes.set_xlabel(label)
        style.round_ticks(axes)
        style.start_at_zero(axes, min(point["mean"] for points in curves.values() for point in points))
        title = f"{evaluation.label} on {evaluation.family}: {what}"
        style.finish(figure, path, title, [note], [axes])
    return figure
