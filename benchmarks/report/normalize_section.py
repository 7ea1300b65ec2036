"""The part of the results page that says what normalized observations and rewards are worth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.learning.normalize import AGENTS, VARIANTS, Variant
from benchmarks.report.comparison import difference, estimate
from benchmarks.report.records import FamilyResults
from benchmarks.report.speed_section import table


def section(families: Sequence[FamilyResults], note: str | None) -> str:
    """The section in Markdown.

    Args:
        families: results of the benchmark; a variant stands where an agent does.
        note: what a person makes of it.
    """
    parts = ["## Normalized observations and rewards"]
    for results in families:
        parts += [_about(results), _returns(results), _gains(results)]
    return "\n\n".join([*(part for part in parts if part), *([note.strip()] if note else [])]) + "\n"


def _about(results: FamilyResults) -> str:
    seeds = sorted({run.seed for run in results.records})
    return (
        f"`python -m benchmarks.learning.normalize`: agents on `{results.name}` with `normalize: true` and"
        f" without it, {results.planned:,} steps, seeds {seeds[0]} to {seeds[-1]}. Nothing else differs."
        " Returns are those of raw rewards; cells as above."
    )


def _returns(results: FamilyResults) -> str:
    cells = [
        [
            f"`{each.agent}`", "yes" if each.normalize else "no", str(len(results.agents[each.name])),
            *(str(estimate(results.scores(each.name, split))) for split in results.splits),
        ]
        for each in VARIANTS
        if each.name in results.agents
    ]  # fmt: skip
    return table(["agent", "normalize", "seeds", *results.splits], cells)


def _gains(results: FamilyResults) -> str:
    """What it adds to each agent's return, by split; bold where the interval leaves zero out."""
    cells = []
    for agent in AGENTS:
        both = [Variant(agent, normalize).name for normalize in (True, False)]
        if all(name in results.agents for name in both):
            cells.append([f"`{agent}`", *_gain(results, *both)])
    if not cells:
        return ""
    words = "What it adds to the return, on the seeds that both have:"
    return f"{words}\n\n{table(['agent', *results.splits], cells)}"


def _gain(results: FamilyResults, one: str, other: str) -> Iterator[str]:
    for split in results.splits:
        scores = results.paired(one, other, split)
        if len(scores[0]) == 0:
            yield ""
            continue
        gap = difference(*scores)
        clear = gap.runs > 1 and (gap.low > 0 or gap.high < 0)
        yield f"**{gap}**" if clear else str(gap)
