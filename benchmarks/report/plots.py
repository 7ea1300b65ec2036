"""The figures of the results page: what is drawn, and a digest of it that any machine computes alike."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.report.compared import Compared
from benchmarks.report.records import FamilyResults
from benchmarks.report.suites import SuiteFamily
from hyperrl.evaluation import TaskResult
from hyperrl.evaluation.figures import learning_curves, return_over_context
from hyperrl.tasks import Family

PANELS = ("interpolation", "extrapolation")
OVER_CONTEXT = ("ode",)
"""Families of a suite whose returns are drawn over the context, of which their splits have a grid."""
COLORS = 48
"""Of a suite's figures."""


@dataclass(frozen=True)
class Plot:
    """A figure before it is drawn.

    Attributes:
        name: of the PNG.
        text: what it shows, for those who do not see it.
        data: all that decides what is drawn, as JSON values.
        draw: draws it to a path.
    """

    name: str
    text: str
    data: Any
    draw: Callable[[Path], object]

    @property
    def digest(self) -> str:
        """Of the data: the picture itself may differ in a pixel from machine to machine."""
        return short_hash(json.dumps(self.data, sort_keys=True).encode())


def short_hash(data: bytes) -> str:
    """The first 16 digits of SHA-256."""
    return hashlib.sha256(data).hexdigest()[:16]


def plots(families: Sequence[FamilyResults]) -> Iterator[Plot]:
    """Every figure that there are results for."""
    for results in families:
        over_context = _over_context(results)
        if over_context is not None:
            yield over_context
        yield _curves_plot(results, results.name, list(results.agents))


def suite_plots(families: Sequence[SuiteFamily]) -> Iterator[Plot]:
    """The figures of a suite's families that have enough seeds, in few colors."""
    for results in (each for each in families if each.ready):
        agents = [results.hyper, *results.rivals]
        if results.name in OVER_CONTEXT:
            tasks = {
                agent: [task for run in results.runs.agents[agent].runs for task in run.results]
                for agent in (results.hyper, results.concat)
            }
            yield _in_few_colors(_contexts_plot(results.key, tasks, Family(results.jobs[0].family)))
        yield _in_few_colors(_curves_plot(results, results.key, agents))


def _in_few_colors(plot: Plot) -> Plot:
    """The same figure with a palette: a third of the bytes."""

    def draw(path: Path) -> None:
        plot.draw(path)
        with Image.open(path) as picture:
            few = picture.convert("RGB").quantize(COLORS)
        few.save(path, optimize=True)

    return replace(plot, draw=draw)


def _over_context(results: FamilyResults) -> Plot | None:
    grids = {
        agent: [task for run in results.agents.get(agent, ()) for task in run.grid()]
        for agent in (results.hyper, results.concat)
    }
    drawn: dict[str, list[TaskResult]] = {agent: tasks for agent, tasks in grids.items() if tasks}
    if not drawn:
        return None
    return _contexts_plot(results.name, drawn, results.family)


def _contexts_plot(key: str, drawn: dict[str, list[TaskResult]], family: Family) -> Plot:
    feature = " and ".join(family.space.names)
    return Plot(
        f"return_over_context_{key}.png",
        f"Zero-shot return on {family.name} over the context {feature}: {', '.join(drawn)} and the oracle",
        {
            agent: [[list(t.context.values()), t.returns, t.oracle] for t in tasks]
            for agent, tasks in drawn.items()
        },
        partial(return_over_context, drawn, family),
    )


def _curves_plot(results: Compared, key: str, agents: Sequence[str]) -> Plot:
    panels = {
        split: {agent: results.curves(agent, split) for agent in agents}
        for split in PANELS
        if split in results.splits
    }
    known = {split: results.oracle(split) for split in panels}
    references = {split: float(values.mean()) for split, values in known.items() if values is not None}
    data = {
        split: {agent: [[c.tolist() for c in curve] for curve in curves] for agent, curves in panel.items()}
        for split, panel in panels.items()
    }
    return Plot(
        f"learning_curves_{key}.png",
        f"Learning curves on {results.name}: zero-shot return per split against environment steps",
        [data, references],
        partial(learning_curves, panels, references=references, title=f"{results.name}: zero-shot return"),
    )
