"""The look that all figures share: colors, sizes, axes, legend and file."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hyperrl.store import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    from hyperrl.evaluation.zero_shot import TaskResult

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Of the agents: Okabe and Ito's palette, which differs in any color vision; markers differ in gray too."""
MARKERS = ("o", "s", "^", "D", "v", "P")
SPLIT_COLORS = {
    "train": "#44AA99",
    "validation": "#DDCC77",
    "interpolation": "#332288",
    "extrapolation": "#CC6677",
    "rim": "#882255",
}
"""Paul Tol's muted palette: no agent has one of them."""
_LEGEND_ORDER = (
    *SPLIT_COLORS,
    "95 % interval",
    "worst task",
    "oracle",
    "training task",
    "training range",
    "outside the training range",
)
"""Of what follows the agents in a legend."""
INK, GRAY, PALE = "#222222", "#6b6b6b", "#f1f1f1"
DPI = 200

_RC: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9,
    "axes.edgecolor": GRAY,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "xtick.color": GRAY,
    "ytick.color": GRAY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "lines.markersize": 4,
}


class Look(NamedTuple):
    """How one agent is drawn, the same in every panel."""

    color: str
    marker: str


def looks(agents: Iterable[str]) -> dict[str, Look]:
    """A color and a marker for each agent, in order."""
    return dict(zip(agents, cycle(map(Look, COLORS, MARKERS)), strict=False))


@contextmanager
def styled() -> Iterator[None]:
    """Draw what is inside in the common style, and leave matplotlib's settings as they were."""
    import matplotlib

    with matplotlib.rc_context(_RC):
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, sizes in inches, whose parts are laid out without overlap."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def new_grid(panels: int, ylabel: str, *, sharey: bool = False) -> tuple[Figure, list[Axes]]:
    """A figure with as many axes, row by row; the first of each row has a label."""
    columns = panels if panels <= 3 else 2 if panels == 4 else 3
    rows = -(-panels // columns)
    figure = new_figure(7.4 if columns < 3 else 9.6, 0.9 + 2.7 * rows)
    grid = list(figure.subplots(rows, columns, squeeze=False, sharey=sharey).flat)
    for axes in grid[panels:]:
        axes.remove()
    for axes in grid[:panels:columns]:
        axes.set_ylabel(ylabel)
    return figure, grid[:panels]


def finish(
    figure: Figure,
    path: Path | None,
    title: str,
    notes: Sequence[str],
    panels: Sequence[Axes],
    patches: Sequence[Patch] = (),
) -> None:
    """Add title, notes and legend above the axes, lay the figure out, and write it as a PNG.

    Args:
        figure: what is drawn.
        path: the file, written whole or not at all; None writes none.
        title: stands first.
        notes: the first stands beside the title, the others below it; empty ones are left out.
        panels: the axes whose labels are in the legend.
        patches: labeled patches for the legend.
    """
    per_line = int(figure.get_size_inches()[0] * 12)
    first = f"{title}  ({notes[0]})" if notes[0] else title
    lines = [line for text in (first, *notes[1:]) if text for line in textwrap.wrap(text, per_line)]
    handles: dict[str, Any] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    handles.update({str(patch.get_label()): patch for patch in patches})
    labels = sorted(handles, key=lambda name: _LEGEND_ORDER.index(name) if name in _LEGEND_ORDER else -1)
    characters = sum(len(label) + 6 for label in labels)
    rows = max(1, -(-characters // per_line))
    legend = figure.legend(
        [handles[label] for label in labels], labels, loc="outside upper left", alignment="left",
        ncols=max(1, -(-len(labels) // rows)), title="\n".join(lines),
        title_fontsize=10, handlelength=2.0, columnspacing=1.4, handletextpad=0.5, borderpad=0.2,
    )  # fmt: skip
    legend.get_title().set_color(INK)
    legend.get_title().set_multialignment("left")
    figure.draw_without_rendering()
    if path is not None:
        image = BytesIO()
        figure.savefig(image, format="png", metadata={"Software": None})
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, image.getvalue())


def round_ticks(axes: Axes, *, whole: bool = False) -> None:
    """Few ticks, at round numbers; of the horizontal axis at whole ones alone, if it counts something."""
    from matplotlib.ticker import MaxNLocator

    for axis, integer in ((axes.xaxis, whole), (axes.yaxis, False)):
        axis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10], integer=integer))


def start_at_zero(axes: Axes, lowest: float) -> None:
    """Start the vertical axis at zero where no value is negative; call it when everything is drawn."""
    top = axes.get_ylim()[1]
    if lowest >= 0:
        axes.set_ylim(bottom=0 if lowest > 0.03 * top else -0.03 * top)


def fit_to_returns(axes: Axes, results: Sequence[TaskResult]) -> None:
    """Fit the vertical axis to the returns of episodes and the oracles, and cut intervals that are wider.

    The interval of two episodes reaches far beyond any possible return, and would flatten the points.
    """
    values = [value for result in results for value in result.returns]
    values += [result.oracle for result in results if result.oracle is not None]
    low, high = min(values), max(values)
    margin = 0.06 * (high - low)
    bottom, top = axes.get_ylim()
    if margin > 0:
        axes.set_ylim(max(bottom, low - margin), min(top, high + margin))
