"""The part of the results page that says what each choice of the default recipe is worth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.report.comparison import HELD_OUT, estimate
from benchmarks.report.speed_section import table
from benchmarks.report.suites import SuiteFamily, outdated
from hyperrl.experiments.comparison import contrast

LOW_RANK = "low rank"
"""The agent that those are compared with whose names begin so."""


def section(families: Sequence[SuiteFamily], note: str | None) -> str:
    """The section in Markdown.

    Args:
        families: results of the suite `ablation`, at least one.
        note: what a person makes of it.
    """
    seeds = sorted({seed for each in families for agent in each.runs.agents.values() for seed in agent.seeds})
    about = (
        f"{families[0].suite.about.strip()} `hyperrl bench ablation --results"
        f" benchmarks/results/suites/ablation`, seeds {seeds[0]} to {seeds[-1]}. Cells as above; bold: the"
        f" interval of the difference to `{families[0].hyper}`, the default, or to `{LOW_RANK}` where one of"
        " its choices was changed, leaves zero out. Held-out tasks stand in a table of their own."
    )
    parts = ["## What each choice is worth", about, *outdated(families), _table(families, ("validation",))]
    parts += ["Held-out tasks, which nothing was chosen by:", _table(families, HELD_OUT)]
    return "\n\n".join([*parts, *([note.strip()] if note else [])]) + "\n"


def _table(families: Sequence[SuiteFamily], splits: Sequence[str]) -> str:
    columns = [(each, split) for each in families for split in splits if split in each.splits]
    header = ["agent", "parameters", "seeds", *(f"{each.name}, {split}" for each, split in columns)]
    names = dict.fromkeys(name for each in families for name in each.planned)
    cells = [
        [f"`{name}`", _parameters(families, name), _seeds(families, name), *_cells(columns, name)]
        for name in names
        if any(name in each.runs.agents for each in families)
    ]
    return table(header, cells)


def _parameters(families: Sequence[SuiteFamily], name: str) -> str:
    found = [agent.runs[0].data for each in families if (agent := each.runs.agents.get(name))]
    counts = [data["parameters"] for data in found if "parameters" in data]
    return _span(counts) if counts else ""


def _seeds(families: Sequence[SuiteFamily], name: str) -> str:
    return _span([len(agent.runs) for each in families if (agent := each.runs.agents.get(name))])


def _span(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _cells(columns: Sequence[tuple[SuiteFamily, str]], name: str) -> Iterator[str]:
    for results, split in columns:
        agents = results.runs.agents
        if name not in agents:
            yield ""
            continue
        text = str(estimate(results.scores(name, split)))
        base = LOW_RANK if name.startswith(f"{LOW_RANK} ") else results.hyper
        differs = name != base and base in agents and contrast(agents[name], agents[base], split).lower
        yield f"**{text}**" if differs else text
