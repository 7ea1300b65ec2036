"""The figures of the results page: what is drawn, and a digest of it that any machine computes alike."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.report.records import FamilyResults
from hyperrl.evaluation import TaskResult
from hyperrl.evaluation.figures import learning_curves, return_over_context

PANELS = ("interpolation", "extrapolation")


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
        yield _curves(results)


def _over_context(results: FamilyResults) -> Plot | None:
    grids = {
        agent: [task for run in results.agents.get(agent, ()) for task in run.grid()]
        for agent in (results.hyper, results.concat)
    }
    drawn: dict[str, list[TaskResult]] = {agent: tasks for agent, tasks in grids.items() if tasks}
    if not drawn:
        return None
    feature = " and ".join(results.family.space.names)
    return Plot(
        f"return_over_context_{results.name}.png",
        f"Zero-shot return on {results.name} over the context {feature}: {', '.join(drawn)} and the oracle",
        {
            agent: [[list(t.context.values()), t.returns, t.oracle] for t in tasks]
            for agent, tasks in drawn.items()
        },
        partial(return_over_context, drawn, results.family),
    )


def _curves(results: FamilyResults) -> Plot:
    panels = {
        split: {agent: [run.curve(split) for run in runs] for agent, runs in results.agents.items()}
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
        f"learning_curves_{results.key}.png",
        f"Learning curves on {results.name}: zero-shot return per split against environment steps",
        [data, references],
        partial(learning_curves, panels, references=references, title=f"{results.name}: zero-shot return"),
    )
