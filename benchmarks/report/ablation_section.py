"""The part of the results page that says what each choice of the default recipe is worth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.learning.ablation import FAMILIES, VARIANTS
from benchmarks.report.comparison import HELD_OUT, difference, estimate
from benchmarks.report.records import FamilyResults
from benchmarks.report.speed_section import table


def section(families: Sequence[FamilyResults], note: str | None) -> str:
    """The section in Markdown.

    Args:
        families: results of the ablation; a variant stands where an agent does.
        note: what a person makes of it.
    """
    known = {each.name: each for each in families}
    found = [known[name] for name in FAMILIES if name in known]
    seeds = sorted({run.seed for each in found for run in each.records})
    budgets = ", ".join(f"`{each.name}` {each.planned:,}" for each in found)
    about = (
        "`python -m benchmarks.learning.ablation`: `hyper-ppo` with every strategy, low rank, the first line,"
        " and modulation with one more choice changed at a time, "
        f"seeds {seeds[0]} to {seeds[-1]}, which no other"
        f" table of this page has. Steps: {budgets}. The choice is made by the *validation* return; held-out"
        " tasks stand in a table of their own. Cells as above; bold: the interval of the difference to the"
        " first line, or to modulation where that is what was changed, leaves zero out."
    )
    parts = ["## What each choice is worth", about, _table(found, ("validation",))]
    parts += ["Held-out tasks, which nothing was chosen by:", _table(found, HELD_OUT)]
    return "\n\n".join([*parts, *([note.strip()] if note else [])]) + "\n"


def _table(families: Sequence[FamilyResults], splits: Sequence[str]) -> str:
    columns = [(each, split) for each in families for split in splits if split in each.splits]
    header = ["choice", "parameters", "seeds", *(f"{each.name}, {split}" for each, split in columns)]
    cells = [
        [variant.about, _parameters(families, name), _seeds(families, name), *_cells(columns, name)]
        for name, variant in VARIANTS.items()
        if any(name in each.agents for each in families)
    ]
    return table(header, cells)


def _parameters(families: Sequence[FamilyResults], name: str) -> str:
    counts = [each.agents[name][0].data["parameters"] for each in families if name in each.agents]
    return f"{min(counts):,}" if min(counts) == max(counts) else f"{min(counts):,} to {max(counts):,}"


def _seeds(families: Sequence[FamilyResults], name: str) -> str:
    counts = [len(each.agents[name]) for each in families if name in each.agents]
    return f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"


def _cells(columns: Sequence[tuple[FamilyResults, str]], name: str) -> Iterator[str]:
    for results, split in columns:
        if name not in results.agents:
            yield ""
            continue
        text = str(estimate(results.scores(name, split)))
        base = VARIANTS[name].base
        differs = name != base and base in results.agents and _differs(results, name, base, split)
        yield f"**{text}**" if differs else text


def _differs(results: FamilyResults, name: str, base: str, split: str) -> bool:
    one, other = results.paired(name, base, split)
    if len(one) < 2:
        return False
    gap = difference(one, other)
    return gap.low > 0 or gap.high < 0
