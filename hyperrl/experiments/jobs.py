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
    Context,
    FamilyRecipe,
    Model,
    SuiteBlock,
    SuiteEntry,
    SuiteEvaluation,
    SuiteOracle,
    SuiteRecipe,
    load_agent,
    load_family,
    resolve,
)
from hyperrl.store.lock import is_locked
from hyperrl.tasks import Family
from hyperrl.tasks.actions import refuse_family
from hyperrl.tasks.contexts import assignment
from hyperrl.tasks.splits import task_alone

CLAIM = "bench.lock"
"""The lock of a run's folder that whoever works on a job holds."""
REPORTED = ("interpolation", "extrapolation")
"""The splits of whose tasks some have a specialist."""
SPECIALIST, ORACLE = "specialist", "oracle"
"""What a specialist is called, and the folder of their runs and results."""
_LONGEST_NAME = 100
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
        specialist_of: the split whose task the family is cut down to, of a run of the suite's `oracle`.
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
    specialist_of: str | None = None

    @property
    def label(self) -> str:
        """What messages call it."""
        which = f"seed {self.seed}" if self.task is None else assignment(self.task)
        return f"{self.name} on {self.family.name}, {which}"

    @property
    def task(self) -> Context | None:
        """The one task of a specialist; None of any other run."""
        return None if self.specialist_of is None else task_alone(self.family)

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

    Specialists come last, of families whose best known returns are not computed.

    Args:
        suite: the recipe.
        out: folder of the runs, `FAMILY/AGENT/seed-N` each.
        results: folder of their results, `FAMILY/AGENT/seed-N.json` each; specialists lie in `oracle` there.

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
    if suite.oracle is not None:
        jobs += _specialists(suite, suite.oracle, jobs, out, results)
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
    steps = () if block.steps is None else (f"steps={block.steps}",)
    of_block = (*suite.overrides, *block.overrides, *steps)
    pairs = [
        (entry, family, _resolved(suite, entry, family, of_block, f"{where}.agents.{place}"))
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


def _specialists(
    suite: SuiteRecipe, oracle: SuiteOracle, jobs: Sequence[Job], out: Path, results: Path
) -> Iterator[Job]:
    """The specialists of each family on which agents are trained, and whose best returns are not computed."""
    for name in dict.fromkeys(job.family.name for job in jobs if job.family.oracle is None):
        of_family = [job for job in jobs if job.family.name == name]
        family, agent, recipe = of_family[0].family, of_family[0].agent, of_family[0].recipe
        if oracle.agent is not None:
            recipe, where = oracle.agent, f"suite {suite.name!r}: oracle.agent"
            agent, _ = _resolved(suite, SuiteEntry(agent=recipe), family, suite.overrides, where)
        steps = oracle.steps or max(job.agent.steps for job in of_family)
        agent = agent.without_context().model_copy(update={"name": SPECIALIST, "steps": steps})
        tasks = Family(family)
        for split in REPORTED:
            for task in choose_tasks(tasks.tasks(split), oracle.tasks, oracle.seed):
                within = Path(ORACLE, name, _task_name(task))
                yield Job(
                    suite=suite.name, name=SPECIALIST, recipe=recipe, agent=agent,
                    family=tasks.on_tasks([task]).recipe, seed=oracle.seed, overrides=(),
                    evaluation=suite.evaluation, folder=out / within,
                    result=results / f"{within}.json", specialist_of=split,
                )  # fmt: skip


def choose_tasks(tasks: Sequence[Context], count: int, seed: int) -> list[Context]:
    """Some tasks, in their order, that look drawn at random and depend on the seed and on themselves alone.

    A larger number adds tasks to those of a smaller one.
    """
    order = sorted(tasks, key=lambda task: sha256(f"{seed} {task.key}".encode()).digest())
    chosen = set(order[:count])
    return [task for task in tasks if task in chosen]


def _task_name(task: Context) -> str:
    """A task as the name of a folder: its values, or their digest where they are many."""
    named = assignment(task, digits=9)
    return named if len(named) <= _LONGEST_NAME else sha256(named.encode()).hexdigest()[:16]


def _resolved(
    suite: SuiteRecipe, entry: SuiteEntry, family: FamilyRecipe, overrides: tuple[str, ...], where: str
) -> tuple[AgentRecipe, tuple[str, ...]]:
    """The agent of an entry as it trains on a family, and the overrides that made it so."""
    overrides = (*overrides, *entry.overrides)
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
