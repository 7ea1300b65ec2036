"""Figures of agents beside each other: performance profiles and probabilities of improvement."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hyperrl.evaluation.comparison import Estimate, performance_profile
from hyperrl.evaluation.figures import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_THRESHOLDS = 101


def performance_profiles(
    panels: Mapping[str, Mapping[str, NDArray[np.float64]]],
    path: Path | None = None,
    *,
    xlabel: str = "episode return",
    title: str = "Performance profiles",
) -> Figure:
    """Draw for each agent the share of runs x tasks whose score is above a threshold, with 95 % bands.

    Args:
        panels: scores (runs, tasks) by the panel's heading (a split) and the agent's name.
        path: where a PNG is written; None writes none.
        xlabel: what the scores are.
        title: heading of the figure.

    Raises:
        ValueError: there is no panel.
    """
    if not panels:
        raise ValueError("there are no profiles to draw")
    agents = list(dict.fromkeys(agent for panel in panels.values() for agent in panel))
    with style.styled():
        figure, grid = style.new_grid(len(panels), "share of scores above", sharey=True)
        for axes, (heading, scores) in zip(grid, panels.items(), strict=True):
            low = min(float(each.min()) for each in scores.values())
            high = max(float(each.max()) for each in scores.values())
            margin = 0.04 * (high - low) or 0.04 * (abs(high) or 1.0)
            thresholds = np.linspace(low - margin, high + margin, _THRESHOLDS)
            for agent, look in style.looks(agents).items():
                if agent not in scores:
                    continue
                profile = performance_profile(scores[agent], thresholds, reps=1000)
                axes.plot(
                    thresholds, profile.share, color=look.color, marker=look.marker, markevery=12, label=agent
                )
                if profile.low is not None and profile.high is not None:
                    axes.fill_between(
                        thresholds, profile.low, profile.high, color=look.color, alpha=0.2, linewidth=0
                    )
            axes.set_title(heading, color=style.INK, loc="left")
            axes.set_xlabel(xlabel)
            axes.set_ylim(-0.03, 1.03)
        note = "95 % bands over seeds"
        style.finish(figure, path, title, [note], grid)
    return figure


def improvements(
    panels: Mapping[str, Mapping[str, Estimate]],
    path: Path | None = None,
    *,
    title: str = "Probability of improvement",
) -> Figure:
    """Draw probabilities of improvement with their 95 % intervals, one below the other.

    Args:
        panels: by the panel's heading (a split) and by who is compared with whom, "A over B".
        path: where a PNG is written; None writes none.
        title: heading of the figure.

    Raises:
        ValueError: there is nothing to draw.
    """
    pairs = list(dict.fromkeys(pair for panel in panels.values() for pair in panel))
    if not pairs:
        raise ValueError("there are no probabilities to draw")
    with style.styled():
        figure = style.new_figure(9.6, 1.1 + (0.35 + 0.27 * len(pairs)))
        grid = list(figure.subplots(1, len(panels), squeeze=False, sharey=True)[0])
        for axes, (heading, estimates) in zip(grid, panels.items(), strict=True):
            axes.axvline(0.5, color=style.GRAY, linewidth=0.9, linestyle=(0, (4, 2)))
            for row, pair in enumerate(pairs):
                found = estimates.get(pair)
                if found is None:
                    continue
                if found.low is not None and found.high is not None:
                    axes.plot(
                        [found.low, found.high], [row, row], color=style.COLORS[0], linewidth=5, alpha=0.3
                    )
                axes.plot([found.value], [row], "o", color=style.COLORS[0], markersize=5)
            axes.set_title(heading, color=style.INK, loc="left")
            axes.set_xlim(-0.03, 1.03)
            axes.set_xticks([0, 0.5, 1], ["0", "½", "1"])
            axes.set_yticks(range(len(pairs)), pairs)
            axes.set_ylim(len(pairs) - 0.4, -0.6)
        style.finish(figure, path, title, ["95 % intervals over seeds; ½: neither is better"], [])
    return figure
