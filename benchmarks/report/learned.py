"""All learning results of agents on families, and which of them the page shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.report.compared import SHARED_STARTS, Compared
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
        protocols: of the suite of that name, by published protocols.
        ablation: of the suite of that name, of variants of the default recipe.
        learning: older ones of single families.
    """

    paper: Sequence[SuiteFamily]
    protocols: Sequence[SuiteFamily]
    ablation: Sequence[SuiteFamily]
    learning: Sequence[FamilyResults]

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
    def records(self) -> list[Record]:
        """Every run of the older results."""
        return [record for results in self.older for record in results.records]

    @property
    def shares_starts(self) -> bool:
        """Whether anything was measured with start states that all tasks shared."""
        found: list[Compared] = [*self.paper, *self.protocols, *self.ablation, *self.older]
        return any(SHARED_STARTS in results.caveats for results in found)

    @property
    def shown(self) -> list[str]:
        """What the names of the README's figures begin with."""
        if found := [each.key for each in self.ready if each.name == FIRST]:
            return [f"{kind}_{found[0]}." for kind in ("return_over_context", "learning_curves")]
        return [*(f"learning_curves_{each.key}." for each in self.protocols[:1]), "return_over_context_"]

    def figures(self) -> list[Plot]:
        """Every figure that there are results for."""
        return [*suite_plots([*self.paper, *self.protocols]), *plots(self.older)]
