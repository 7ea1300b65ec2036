"""Results of a suite below `benchmarks/results/suites/NAME`, gathered by family and algorithm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.report.compared import SHARED_STARTS, Compared, Curve
from hyperrl.experiments import Job, jobs_of
from hyperrl.experiments.comparison import FEW
from hyperrl.experiments.results import ResultRun, family_runs
from hyperrl.experiments.scores import FamilyRuns
from hyperrl.recipes import SuiteRecipe, load_suite


@dataclass(frozen=True)
class SuiteFamily(Compared):
    """What there is so far of a suite's runs by one algorithm on one family.

    Attributes:
        name: the family's.
        suite: as it is now.
        jobs: all runs that are planned.
        results: those that have a result.
    """

    name: str
    suite: SuiteRecipe
    jobs: tuple[Job, ...]
    results: FamilyRuns[ResultRun]

    @property
    def algorithm(self) -> str:
        """What all agents learn by."""
        return self.jobs[0].agent.algorithm.name

    @property
    def runs(self) -> FamilyRuns[ResultRun]:
        """The returns, by agent and seed."""
        return self.results

    @property
    def key(self) -> str:
        """What its figures and notes are filed under."""
        return f"{self.suite.name}-{self.name}-{self.algorithm}"

    @property
    def planned(self) -> Counter[str]:
        """How many runs of each agent are planned, agents in the suite's order."""
        return Counter(job.name for job in self.jobs)

    @property
    def ready(self) -> bool:
        """Whether there are enough seeds of generated and concatenated contexts to say something."""
        agents = self.runs.agents
        return self.compares and all(len(agents[name].runs) >= FEW for name in (self.hyper, self.concat))

    @property
    def outdated(self) -> list[str]:
        """The agents whose results are of a recipe that has changed since."""
        return [label for label, agent in self.runs.agents.items() if agent.runs[0].outdated]

    @property
    def caveats(self) -> list[str]:
        """In words, what is no longer as it was measured."""
        runs = [run for agent in self.runs.agents.values() for run in agent.runs if run.outdated]
        old = [SHARED_STARTS for run in runs if run.data["digest"] == SHARED_STARTS][:1]
        return [*old, *(["recipes that have changed since"] if runs else [])]

    def curves(self, agent: str, split: str) -> Sequence[Curve]:
        """Of each run of an agent its returns on a split while it trained."""
        return [_curve(run, split) for run in self.runs.agents[agent].runs]


def _curve(run: ResultRun, split: str) -> Curve:
    curve = run.data["curve"].items()
    points = sorted((int(steps), means[split]) for steps, means in curve if split in means)
    steps, returns = zip(*points, strict=True)
    return np.array(steps, np.float64), np.array(returns, np.float64)


def load(name: str, root: Path) -> list[SuiteFamily]:
    """Each family and algorithm of a suite that has a result, in the suite's order.

    Args:
        name: of the suite, one that comes with the library.
        root: folder of the results of all suites, `NAME/FAMILY/AGENT/seed-N.json`.

    Raises:
        UserError: the suite, or one of its recipes, is wrong.
    """
    results = root / name
    names = {path.parents[1].name for path in results.glob("*/*/seed-*.json")}
    if not names:
        return []
    groups: dict[tuple[str, str], list[Job]] = {}
    suite = load_suite(name)
    for job in jobs_of(_of_families(suite, names), results, results):
        groups.setdefault((job.family.name, job.agent.algorithm.name), []).append(job)
    found = ((family, jobs, family_runs(jobs)) for (family, _), jobs in groups.items())
    return [SuiteFamily(family, suite, tuple(jobs), runs) for family, jobs, runs in found if runs is not None]


def _of_families(suite: SuiteRecipe, names: Container[str]) -> SuiteRecipe:
    """The suite with its runs on some families alone; others take time to read."""
    blocks = [
        block.model_copy(update={"families": families})
        for block in suite.runs
        if (families := tuple(family for family in block.families if family in names))
    ]
    return suite.model_copy(update={"runs": tuple(blocks)})


def outdated(families: Sequence[SuiteFamily]) -> Iterator[str]:
    """A paragraph that names what was not measured as it would be today; none where all was."""
    places = [
        f"{', '.join(f'`{label}`' for label in each.outdated)} on `{each.name}`"
        if len(each.outdated) < len(each.runs.agents)
        else f"all agents on `{each.name}`"
        for each in families
        if each.outdated
    ]
    caveats = dict.fromkeys(caveat for each in families for caveat in each.caveats)
    if len(places) == len(families) and all(place.startswith("all agents") for place in places):
        places = ["all results of this suite"]
    if places:
        yield f"**Out of date:** measured with {' and '.join(caveats)}: {'; '.join(places)}."
