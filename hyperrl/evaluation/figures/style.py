"""The look that all figures share, and what several of them draw."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from hyperrl.evaluation.report import worst_of
from hyperrl.evaluation.statistics import mean_error
from hyperrl.store import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hyperrl.evaluation.zero_shot import TaskResult
    from hyperrl.recipes import Feature
    from hyperrl.tasks import Family

# Okabe and Ito's palette, told apart with any color vision; markers and dashes tell it in gray as well.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P")
SPLIT_COLORS = {
    "train": "#44AA99",
    "validation": "#DDCC77",
    "interpolation": "#332288",
    "extrapolation": "#CC6677",
}
"""Paul Tol's muted palette: no agent has one of them."""
_AFTER_AGENTS = (
    *SPLIT_COLORS,
    "95 % interval",
    "worst task",
    "optimum",
    "best known",
    "training task",
    "training range",
    "outside the training range",
)
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
    return {agent: Look(COLORS[i % len(COLORS)], MARKERS[i % len(MARKERS)]) for i, agent in enumerate(agents)}


@contextmanager
def styled() -> Iterator[None]:
    """The house style, for the figure drawn inside and nothing else."""
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


def grid_of(panels: int) -> tuple[int, int, float, float]:
    """Rows and columns for so many panels, and the figure's width and height in inches."""
    columns = panels if panels <= 3 else 2 if panels == 4 else 3
    rows = -(-panels // columns)
    return rows, columns, 7.4 if columns < 3 else 9.6, 0.9 + 2.7 * rows


def save(figure: Figure, path: Path | None) -> None:
    """Write a PNG whole or not at all; None writes nothing."""
    if path is None:
        return
    image = BytesIO()
    figure.savefig(image, format="png", metadata={"Software": None})
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, image.getvalue())


def head(
    figure: Figure, title: str, notes: Sequence[str], panels: Sequence[Axes], extra: Sequence[Any] = ()
) -> None:
    """Title with the first note beside it, the other notes and one legend, above the axes of the figure."""
    wide = int(figure.get_size_inches()[0] * 12)
    first = f"{title}  ({notes[0]})" if notes and notes[0] else title
    lines = [line for text in (first, *notes[1:]) if text for line in textwrap.wrap(text, wide)]
    handles: dict[str, Any] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    handles.update({handle.get_label(): handle for handle in extra})
    last = [label for label in _AFTER_AGENTS if label in handles]
    handles = {**{k: v for k, v in handles.items() if k not in last}, **{k: handles[k] for k in last}}
    need = sum(len(label) + 6 for label in handles)  # characters, all side by side
    rows = max(1, -(-need // int(figure.get_size_inches()[0] * 12)))
    legend = figure.legend(
        list(handles.values()), list(handles), loc="outside upper left", alignment="left",
        ncols=max(1, -(-len(handles) // rows)), title="\n".join(lines),
        title_fontsize=10, handlelength=2.0, columnspacing=1.4, handletextpad=0.5, borderpad=0.2,
    )  # fmt: skip
    legend.get_title().set_color(INK)
    legend.get_title().set_multialignment("left")


def label_of(name: str, feature: Feature) -> str:
    """A feature as an axis says it: its name, and its unit where it has one."""
    unit = feature.unit.replace("^2", "²").replace("^3", "³")
    return f"{name} ({unit})" if unit else name


def known(family: Family) -> str:
    """What the best known return is called: an optimum only where it is proven."""
    return "optimum" if family.recipe.oracle is not None else "best known"


def value_of(name: str, value: float, feature: Feature) -> str:
    """A feature's value as a title says it, with its unit."""
    unit = feature.unit.replace("^2", "²").replace("^3", "³")
    return f"{name} = {value:.4g} {unit}".rstrip()


def held(family: Family, contexts: Sequence[Mapping[str, float]]) -> str:
    """The features that are the same in all contexts, with their values; empty where none is."""
    names = [name for name in family.space.names if name not in varying(family, contexts)]
    if len(names) == len(family.space.names):
        return ""
    features = family.recipe.features
    values = ", ".join(value_of(name, contexts[0][name], features[name]) for name in names)
    return f"held: {values}" if values else ""


def note(results: Sequence[TaskResult]) -> str:
    """How the numbers drawn came about."""
    runs, episodes = seeds_of(results), max(len(result.returns) for result in results)
    each = f"{episodes} episode{'s' * (episodes > 1)}"
    if runs > 1:
        return f"mean of {runs} seeds, {each} each"
    return f"mean of {each} a task" if episodes > 1 else "1 episode a task"


def worst_note(family: Family, agents: Mapping[str, Sequence[TaskResult]]) -> str:
    """Each agent's worst task, which a mean over tasks hides, with its return and the part of the optimum."""
    free = varying(family, [result.context for results in agents.values() for result in results])
    told = []
    for agent, results in agents.items():
        worst = results[worst_of(results)]
        features = family.recipe.features
        at = ", ".join(value_of(name, worst.context[name], features[name]) for name in free)
        share = f" ({worst.of_oracle:.0%} of the {known(family)})" if worst.of_oracle is not None else ""
        name = f"{agent} " if len(agents) > 1 else ""
        told.append(f"{name}{worst.mean:.4g}{share}" + (f" at {at}" if at else ""))
    return f"worst task: {'; '.join(told)}"


def split_of(family: Family, result: TaskResult) -> str:
    """The split of a result, or, where it names none, how the training ranges flag its task."""
    return result.split if result.split in SPLIT_COLORS else family.flag(result.context)


def interval(returns: ArrayLike) -> tuple[float, float] | None:
    """95 % interval of the mean of returns (runs, tasks, episodes); None for one episode in all."""
    error = mean_error(returns, rare=False)
    return None if error is None or error.low is None or error.high is None else (error.low, error.high)


def intervals(results: Sequence[TaskResult], feature: str) -> dict[float, tuple[float, float]]:
    """95 % interval of the mean return, over runs and starts, at each value that has one."""
    found: dict[float, list[list[float]]] = {}
    for result in results:
        found.setdefault(result.context[feature], []).append(list(result.returns))
    ends = {value: interval(np.array(runs)[:, None]) for value, runs in found.items()}
    return {value: each for value, each in ends.items() if each is not None}


def without_gaps(x: Sequence[float]) -> list[int | None]:
    """The places of ascending values, with None where a line would cross a gap that was not tested.

    A gap is a step of more than 1.75 times the median step.
    """
    steps = np.diff(x)
    places: list[int | None] = [0] if len(x) else []
    for place, step in enumerate(steps, 1):
        places += [None, place] if step > 1.75 * np.median(steps) else [place]
    return places


def round_ticks(axes: Axes) -> None:
    """Few ticks, at round numbers."""
    from matplotlib.ticker import MaxNLocator

    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))


def from_zero(axes: Axes, lowest: float) -> None:
    """Start the vertical axis at zero where no value is negative; call it when everything is drawn."""
    top = axes.get_ylim()[1]
    if lowest >= 0:
        axes.set_ylim(bottom=0 if lowest > 0.03 * top else -0.03 * top)


def show_returns(axes: Axes, results: Sequence[TaskResult]) -> None:
    """Fit the vertical axis to the returns of episodes and the optima, by which wider intervals are cut.

    Of two episodes an interval reaches far beyond any return that there can be, and would flatten the points.
    """
    values = [value for result in results for value in result.returns]
    values += [result.oracle for result in results if result.oracle is not None]
    low, high = min(values), max(values)
    margin = 0.06 * (high - low)
    bottom, top = axes.get_ylim()
    if margin > 0:
        axes.set_ylim(max(bottom, low - margin), min(top, high + margin))


def varying(family: Family, contexts: Sequence[Mapping[str, float]]) -> list[str]:
    """The features that are not the same in all contexts."""
    return [name for name in family.space.names if len({context[name] for context in contexts}) > 1]


def training_tasks(
    family: Family, context: Mapping[str, float], features: Sequence[str]
) -> list[dict[str, float]]:
    """The training tasks that differ from a context in these features alone."""
    others = [name for name in family.space.names if name not in features]
    return [task for task in family.tasks("train") if all(task[k] == context[k] for k in others)]


def seeds_of(results: Sequence[TaskResult]) -> int:
    """How many runs the results are of: the most that any one context has."""
    counts: dict[tuple[float, ...], int] = {}
    for result in results:
        key = tuple(result.context.values())
        counts[key] = counts.get(key, 0) + 1
    return max(counts.values(), default=0)


def by_value(
    results: Iterable[TaskResult], feature: str
) -> dict[float, np.ndarray[Any, np.dtype[np.float64]]]:
    """Mean returns at each value of a feature, ascending; one entry per run."""
    found: dict[float, list[float]] = {}
    for result in results:
        found.setdefault(result.context[feature], []).append(result.mean)
    return {value: np.array(found[value]) for value in sorted(found)}
