"""The part of the results page that says how many episodes a deep sea takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.learning.deep_sea import AGENTS, EPISODES, FORMAT, RETURN, STEPS
from benchmarks.report.result_file import read_result
from benchmarks.report.speed_section import table
from hyperrl.errors import UserError


@dataclass(frozen=True)
class Runs:
    """All seeds of an agent on seas of one size.

    Attributes:
        size: rows of the sea.
        agent: the agent's name.
        records: what the files hold, by seed.
    """

    size: int
    agent: str
    records: tuple[Mapping[str, Any], ...]

    @property
    def solved(self) -> list[int]:
        """Episodes of the runs that solved their sea."""
        return [int(record["episodes"]) for record in self.records if record["solved"]]

    @property
    def median(self) -> float | None:
        """Median of the episodes, where more than half of the runs solved their sea; else None."""
        unsolved = len(self.records) - len(self.solved)
        episodes = [*self.solved, *[np.inf] * unsolved]
        middle = float(np.median(episodes)) if episodes else np.inf
        return middle if np.isfinite(middle) else None


def load(root: Path) -> list[Runs]:
    """Every size and agent that has results below `root`, in the benchmark's order.

    Raises:
        UserError: a file that is no result, or one of another place.
    """
    found = []
    for size in STEPS:
        for agent in AGENTS:
            files = sorted((root / str(size) / agent).glob("seed-*.json"))
            records = sorted((_read(file) for file in files), key=lambda record: int(record["seed"]))
            if records:
                found.append(Runs(size, agent, tuple(records)))
    return found


def _read(path: Path) -> Mapping[str, Any]:
    data = read_result(path, FORMAT)
    place = (path.parent.parent.name, path.parent.name, path.stem)
    if (str(data["size"]), data["agent"], f"seed-{data['seed']}") != place:
        raise UserError(f"result {str(path)!r}: is of {data['size']} / {data['agent']} / {data['seed']}")
    return data


def section(results: Sequence[Runs], note: str | None) -> str:
    """The section in Markdown.

    Args:
        results: of the benchmark.
        note: what a person makes of it.
    """
    about = (
        "`python -m benchmarks.learning.deep_sea`: episodes until a deep sea of N x N squares is solved, that"
        f" is until the last {EPISODES} episodes had a mean return above {RETURN} (of 0.99), by HyperAgent's"
        " protocol: 64-64, 128 transitions in a minibatch, an update a step. Random actions find the treasure"
        " once in 2^N episodes. A run that has not solved its sea ends after so many steps:"
        f" {', '.join(f'{steps:,} for {size}' for size, steps in STEPS.items())}."
    )
    header = ["N", "agent", "seeds", "solved", "episodes: median", "least to most"]
    parts = ["## Deep exploration", *_findings(results), about, table(header, map(_cells, results))]
    return "\n\n".join([*parts, *([note.strip()] if note else [])]) + "\n"


def _cells(runs: Runs) -> list[str]:
    seeds = [int(record["seed"]) for record in runs.records]
    listed = f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else str(seeds[0])
    episodes = runs.solved
    span = f"{min(episodes):,} to {max(episodes):,}" if episodes else ""
    if len(episodes) < len(runs.records) and episodes:
        span += " of those that were solved"
    middle = "not solved" if runs.median is None else f"{runs.median:,.0f}"
    return [str(runs.size), f"`{runs.agent}`", listed, f"{len(episodes)} of {len(seeds)}", middle, span]


def _findings(results: Sequence[Runs]) -> list[str]:
    """What is worth saying first: what is not solved, and which agent takes the fewest episodes."""
    lines = []
    failed = [f"`{each.agent}` at N = {each.size}" for each in results if each.median is None]
    if failed:
        lines.append(f"Most seeds were not solved by {', '.join(failed)}.")
    for size in STEPS:
        some = [each for each in results if each.size == size and each.median is not None]
        if len(some) > 1:
            best = min(some, key=lambda each: each.median or 0.0)
            lines.append(
                f"At N = {size} `{best.agent}` takes the fewest episodes, {best.median:,.0f} by median."
            )
    return [" ".join(lines)] if lines else []
