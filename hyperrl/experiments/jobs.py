"""The runs of a suite: each an agent, a family and a seed, with where its files go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from hyperrl.errors import BaseEnvironmentError, UserError, user_syntax
from hyperrl.experiments.digest import recipe_digest, source_files
from hyperrl.recipes import (
    AgentRecipe,
    FamilyRecipe,
    Model,
    SuiteBlock,
    SuiteEntry,
    SuiteEvaluation,
    SuiteRecipe,
    load_agent,
    load_family,
    resolve,
)
from hyperrl.store.lock import is_locked
from hyperrl.tasks import Family
from hyperrl.tasks.actions import refuse_family

CLAIM = "bench.lock"
"""The lock of a run's folder that whoever works on a job holds."""
Item = TypeVar("Item")


class Job(Model):
    """One run of a suite; as JSON it is all that another process needs to make the run.

    Attributes:
        suite: the suite's name.
        name: what tables call the agent.
        recipe: the agent's recipe, as the suite names it.
        agent: resolved for the family, with the planned steps, and called as its folder is.
        family: what it trains on.
        seed: of the run.
        overrides: what the agent was resolved with.
        evaluation: how the run is evaluated.
        folder: the run's directory.
        result: the file of its results.
    """

    suite: str
    name: str
    recipe: str
    agent: AgentRecipe
    family: FamilyRecipe
    seed: int
    overrides: tuple[str, ...]
    evaluation: SuiteEvaluation
    folder: Path
    result: Path

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"{self.name} on {self.family.name}, seed {self.seed}"

    @property
    def cores(self) -> int:
        """Cores that it takes: its torch threads, its processes or its simulation threads, of which most."""
        return max(self.agent.threads, self.agent.subprocesses, self.agent.simulation_threads or 1)

    @property
    def digest(self) -> str:
        """The digest of all that decides its numbers."""
        sources = source_files(self.agent, self.family)
        return recipe_digest(self.agent, self.family, self.seed, sources, self.evaluation.model_dump())

    @property
    def is_claimed(self) -> bool:
        """Whether some process works on it."""
        return is_locked(self.folder, CLAIM) or is_locked(self.folder)


def jobs_of(suite: SuiteRecipe, out: Path, results: Path) -> list[Job]:
    """All runs of a suite: block by block, the first seed of every agent and family before the next seed.

    Args:
        suite: the recipe.
        out: folder of the runs, `FAMILY/AGENT/seed-N` each.
        results: folder of their results, `FAMILY/AGENT/seed-N.json` each.

    Raises:
        UserError: an agent or a family that is unknown or wrong, overrides that do not fit, an agent that
            cannot learn a family's actions, an extra that is missing, or a run that occurs twice. The line
            names the place in the suite.
    """
    jobs = [
        job
        for number, block in enumerate(suite.runs)
        for job in _jobs_of_block(suite, block, f"suite {suite.name!r}: runs.{number}", out, results)
    ]
    folders = Counter(job.folder for job in jobs)
    for job in jobs:
        if folders[job.folder] > 1:
            raise UserError(
                f"suite {suite.name!r}: found {folders[job.folder]} runs of {job.label}; allowed: one"
                " (entries have a field `name`)"
            )
    return jobs


def part_of(items: Sequence[Item], index: int, count: int, key: str = "") -> list[Item]:
    """One of so many parts of the same size, or one less; together they are all items, each once.

    Items are dealt out in an order that looks random, so that long and short runs mix. It is the same in
    every process.

    Args:
        items: what is dealt out.
        index: of the part, from 1 to `count`.
        count: how many parts.
        key: seeds the order.
    """
    order = sorted(range(len(items)), key=lambda place: sha256(f"{key} {place}".encode()).digest())
    return [items[place] for place in sorted(order[index - 1 :: count])]


def _jobs_of_block(
    suite: SuiteRecipe, block: SuiteBlock, where: str, out: Path, results: Path
) -> Iterator[Job]:
    families = []
    for place, name in enumerate(block.families):
        with _located(f"{where}.families.{place}"):
            families.append(load_family(_path(suite, name)))
    pairs = [
        (entry, family, _resolved(suite, block, entry, family, f"{where}.agents.{place}"))
        for family in families
        for place, entry in enumerate(block.agents)
    ]
    for seed in block.seeds:
        for entry, family, (agent, overrides) in pairs:
            within = Path(family.name, agent.name)
            yield Job(
                suite=suite.name, name=entry.name or agent.name, recipe=entry.agent, agent=agent,
                family=family, seed=seed, overrides=overrides, evaluation=suite.evaluation,
                folder=out / within / f"seed-{seed}",
                result=results / within / f"seed-{seed}.json",
            )  # fmt: skip


def _resolved(
    suite: SuiteRecipe, block: SuiteBlock, entry: SuiteEntry, family: FamilyRecipe, where: str
) -> tuple[AgentRecipe, tuple[str, ...]]:
    """The agent of an entry as it trains on a family, and the overrides that made it so."""
    steps = () if block.steps is None else (f"steps={block.steps}",)
    overrides = (*suite.overrides, *block.overrides, *steps, *entry.overrides)
    with _located(where):
        agent = load_agent(_path(suite, entry.agent))
    with _located(f"{where}: {agent.name} on {family.name}"):
        try:
            resolved = resolve(agent, family, overrides)
        except UserError as error:
            raise UserError(str(error).replace(user_syntax("overrides", "--set"), "overrides", 1)) from error
        with suppress(BaseEnvironmentError):  # The run itself tells of it, and the others go on.
            refuse_family(resolved, Family(family).for_agent(resolved))
    if entry.name is not None:  # by which other commands tell its runs from those of the unchanged agent
        resolved = resolved.model_copy(update={"name": "-".join(entry.name.split())})
    return resolved, overrides


@contextmanager
def _located(where: str) -> Iterator[None]:
    """Say in the message of a UserError at which place of the suite the mistake is."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{where}: {error}") from error


def _path(suite: SuiteRecipe, name: str) -> str:
    """A recipe's name as it is, or its path as seen from here."""
    is_path = "/" in name or name.endswith((".yaml", ".yml"))
    return str(Path(suite.folder or "", name)) if is_path else name
