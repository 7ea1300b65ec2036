"""The README's generated part: where others are better, when to use what, tables and figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.report.advice import advice
from benchmarks.report.compared import Compared
from benchmarks.report.comparison import HELD_OUT, estimate, number
from benchmarks.report.findings import beaten
from benchmarks.report.speed_section import table

RETURNS = """\
Mean returns on *interpolation*, tasks inside the training ranges; after a slash those on *extrapolation*,
tasks outside of them. No agent learned from these tasks. `hyper-*` agents generate their weights from the
context, `concat-*` agents have it as one more input, and `blind-*` agents never see it. `concat-ppo-matched`
has as many parameters as `hyper-ppo`."""


def readme_part(families: Sequence[Compared], figures: Sequence[str]) -> str:
    """The part in Markdown; empty without results.

    Args:
        families: what is shown.
        figures: in Markdown.
    """
    if not families:
        return ""
    when = [beaten(families, HELD_OUT), RETURNS, advice(families), "## Results"]
    algorithms = dict.fromkeys(each.algorithm for each in families)
    tables = [_table([each for each in families if each.algorithm == name]) for name in algorithms]
    return "\n\n".join(part for part in (*when, *tables, _caption(families), *figures) if part)


def _table(families: Sequence[Compared]) -> str:
    """All families of one algorithm."""
    agents = list(dict.fromkeys(agent for each in families for agent in (each.hyper, *each.rivals)))
    cells = []
    for results in families:
        mark = "*" if results.caveats else ""
        for split in (split for split in HELD_OUT if split in results.splits):
            known = results.mean_oracle(split)
            oracle = "" if known is None else number(known)
            cells.append([f"`{results.name}`{mark}", split, *_cells(results, agents, split), oracle])
    return table(["family", "split", *(f"`{agent}`" for agent in agents), "oracle"], cells)


def _cells(results: Compared, agents: Sequence[str], split: str) -> Iterator[str]:
    for agent in agents:
        yield str(estimate(results.scores(agent, split))) if agent in results.runs.agents else ""


def _caption(families: Sequence[Compared]) -> str:
    seeds = sorted({len(agent.runs) for results in families for agent in results.runs.agents.values()})
    numbers = str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    old = list(dict.fromkeys(caveat for results in families for caveat in results.caveats))
    return (
        "Zero-shot return on tasks that no agent learned from: interquartile mean over seeds"
        f" ({numbers} of them) x tasks, with its 95 % interval. All agents of a line share algorithm,"
        " hyperparameters and steps. The oracle is the best known return."
        " [The results](docs/results.md) also show learning curves, other"
        " agents and the goals that were missed."
        + (
            f" Lines with * were measured with {' and '.join(old)}; these runs are to be repeated."
            if old
            else ""
        )
    )
