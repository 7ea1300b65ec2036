"""Where an agent beats the one with generated networks, in a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.report.compared import Compared
from benchmarks.report.comparison import number
from hyperrl.experiments.comparison import Contrast


def beaten(families: Sequence[Compared], splits: Sequence[str] | None = None) -> str:
    """A sentence that names each family and split where another agent beats the one with generated networks.

    An agent beats it where the whole 95 % interval of the difference, paired by seed, is on its side.

    Args:
        families: the results; those without an agent with generated networks are left out.
        splits: that count; None takes all.
    """
    compared = [each for each in families if each.hyper in each.runs.agents]
    if not compared:
        return ""
    ours = [f"`{name}`" for name in dict.fromkeys(each.hyper for each in compared)]
    default = f"the default one{'s' * (len(ours) > 1)}, {' and '.join(ours)}"
    default += ", beyond the 95 % interval of the difference"
    places = []
    for results in compared:
        chosen = [split for split in results.splits if splits is None or split in splits]
        parts = [part for split in chosen if (part := _winners(split, results.duels(split)))]
        if parts:
            places.append(f"{title(results, compared)} ({'; '.join(parts)})")
    if not places:
        where = ", ".join(title(results, compared) for results in compared)
        return f"No other agent beats {default}, on any family that there are results of: {where}."
    *most, last = places
    return f"Another agent beats {default}, on {' and '.join([', '.join(most), last] if most else [last])}."


def title(results: Compared, among: Sequence[Compared]) -> str:
    """A family's name, with the algorithm where not all have the same."""
    algorithms = {each.algorithm for each in among}
    return f"`{results.name}`" + (f" by {results.algorithm.upper()}" if len(algorithms) > 1 else "")


def _winners(split: str, duels: Iterable[Contrast]) -> str:
    """The agents that beat the other on a split, and by how much; empty where there are none."""
    won = [
        f"`{duel.baseline}` by {number(-gap.value)} [{number(-gap.high)}, {number(-gap.low)}]"
        for duel in duels
        if (gap := duel.difference).high is not None and gap.low is not None and gap.high < 0
    ]
    return f"{split}: {' and '.join(won)}" if won else ""
