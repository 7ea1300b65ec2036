"""All learning results of agents on families, and which of them the page shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.report.compared import Compared
from benchmarks.report.plots import Plot, plots, suite_plots
from benchmarks.report.records import FamilyResults, Record
from benchmarks.report.suites import SuiteFamily

PAPER = "paper"
"""The suite whose results the README shows."""
FIRST = "ode"
"""The family of which the README has figures."""


@dataclass(frozen=True)
class Learned:
    """Learning results.

    Attributes:
        paper: of the suite of that name, as far as it has been run.
        learning: older ones of single families.
        protocols: those by published protocols.
        ablation: those of variants of the default recipe.
    """

    paper: Sequence[SuiteFamily]
    learning: Sequence[FamilyResults]
    protocols: Sequence[FamilyResults]
    ablation: Sequence[FamilyResults]

    @property
    def ready(self) -> list[SuiteFamily]:
        """What the suite has enough seeds of."""
        return [each for each in self.paper if each.ready]

    @property
    def older(self) -> list[FamilyResults]:
        """Older results that the suite has nothing in place of yet."""
        known = {(each.name, each.algorithm) for each in self.ready}
        return [each for each in self.learning if (each.name, each.algorithm) not in known]

    @property
    def compared(self) -> list[Compared]:
        """What the README shows, the suite first."""
        return [*self.ready, *self.older]

    @property
    def records(self) -> Iterator[Record]:
        """Every run that is not of the suite."""
        for results in (*self.protocols, *self.older, *self.ablation):
            yield from results.records

    @property
    def shown(self) -> list[str]:
        """What the names of the README's figures begin with."""
        if found := [each.key for each in self.ready if each.name == FIRST]:
            return [f"{kind}_{found[0]}." for kind in ("return_over_context", "learning_curves")]
        return [*(f"learning_curves_{each.key}." for each in self.protocols[:1]), "return_over_context_"]

    def figures(self) -> list[Plot]:
        """Every figure that there are results for."""
        return [*suite_plots(self.paper), *plots([*self.protocols, *self.older])]
