"""Results of an evaluation: per task, per split, and as the object that `hyperrl evaluate --json` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hyperrl.evaluation.error_report import ErrorResult, ErrorSummary, summarize_error
from hyperrl.evaluation.over_time import OverTime, over_time
from hyperrl.evaluation.summary import SplitSummary, pooled, summarize
from hyperrl.evaluation.uncertainty import RunUncertainty
from hyperrl.evaluation.uncertainty_report import UncertaintySummary, summarize_uncertainty
from hyperrl.evaluation.worst_tasks import WorstSummary, WorstTasks, summarize_worst
from hyperrl.evaluation.zero_shot import TaskResult


@dataclass(frozen=True)
class RunResult:
    """One run's results.

    Attributes:
        run: the run directory as it was named.
        seed: the seed that it was trained with.
        steps: environment steps that it was really trained for.
        checkpoint: name of the checkpoint that played.
        checkpoint_steps: environment steps behind that checkpoint.
        split_tasks: results on whole splits of the family.
        own_tasks: results on the user's own contexts and sweeps, which count in no split.
        errors: results where contexts were wrong, by one size after the other.
        noise: results where observations were off, likewise.
        uncertainty: the disagreement of networks; None where none were asked.
        worst: what a search for the worst tasks found; None without one.
    """

    run: str
    seed: int
    steps: int
    checkpoint: str
    checkpoint_steps: int
    split_tasks: list[TaskResult]
    own_tasks: list[TaskResult] = field(default_factory=list)
    errors: tuple[ErrorResult, ...] = ()
    noise: tuple[ErrorResult, ...] = ()
    uncertainty: RunUncertainty | None = None
    worst: WorstTasks | None = None

    @property
    def tasks(self) -> list[TaskResult]:
        """All results: splits first."""
        return [*self.split_tasks, *self.own_tasks]


@dataclass(frozen=True)
class Evaluation:
    """A zero-shot evaluation of one agent on one family, by one run or by several that differ in their seed.

    Attributes:
        agent: the agent's name.
        family: the family's name.
        episodes: episodes per task and run.
        start_seed: seed of the start states.
        deterministic: whether the most likely action was taken, or drawn ones.
        runs: per run, in the order given; at least one.
        files: the JSON files written, one per run.
        figures: the figures written.
        hidden: features that were hidden from the agents.
        shuffled_contexts: whether the agents observed in each task the context of another one.
        left_out: tasks of the splits that were not played, after a short training.
        index: how an agent with an index acted, where it did not act by the one in the middle.
        schedules: how features changed within an episode, by feature as text; empty: they stayed.
    """

    agent: str
    family: str
    episodes: int
    start_seed: int
    deterministic: bool
    runs: tuple[RunResult, ...]
    files: tuple[Path, ...] = ()
    figures: tuple[Path, ...] = ()
    hidden: tuple[str, ...] = ()
    shuffled_contexts: bool = False
    left_out: int = 0
    schedules: Mapping[str, str] = field(default_factory=dict)
    index: str | None = None

    @property
    def splits(self) -> dict[str, SplitSummary]:
        """Every evaluated split in numbers; the user's own contexts count in none."""
        seeds = [run.seed for run in self.runs]
        return summarize(*(run.split_tasks for run in self.runs), seeds=seeds)

    @property
    def label(self) -> str:
        """The agent's name, and what it did not observe, as figures call it."""
        shuffled = ["contexts shuffled"] if self.shuffled_contexts else []
        changing = [f"{name} {text}" for name, text in self.schedules.items()]
        return ", ".join([self.agent, *(f"{name} hidden" for name in self.hidden), *shuffled, *changing])

    @property
    def tasks(self) -> list[TaskResult]:
        """Results per task; several runs' episodes stand one after another."""
        return pooled(*(run.tasks for run in self.runs))

    @property
    def own_tasks(self) -> list[TaskResult]:
        """The part of `tasks` that is the user's own contexts and sweeps."""
        return pooled(*(run.own_tasks for run in self.runs))

    @property
    def context_errors(self) -> list[ErrorSummary]:
        """Returns by the size of the error of contexts, 0 first; empty where contexts were right alone."""
        return self._by_size([run.errors for run in self.runs])

    @property
    def observation_noise(self) -> list[ErrorSummary]:
        """Returns by the size of the noise on observations, 0 first; empty where there was none."""
        return self._by_size([run.noise for run in self.runs])

    def _by_size(self, runs: Sequence[Sequence[ErrorResult]]) -> list[ErrorSummary]:
        """Returns of all runs by the size of an error, 0 first; empty where no errors were played."""
        if not runs[0]:
            return []
        seeds = [run.seed for run in self.runs]
        exact = [ErrorResult(0.0, 1, run.split_tasks, run.own_tasks) for run in self.runs]
        return [summarize_error(same, seeds) for same in (exact, *zip(*runs, strict=True))]

    @property
    def over_time(self) -> dict[str, OverTime]:
        """Rewards over the steps of episodes, by split, and of the user's own contexts and sweeps (`own`).

        Empty where tasks do not change within an episode.
        """
        groups: dict[str, list[TaskResult]] = {}
        for run in self.runs if self.schedules else ():
            for task in run.split_tasks:
                groups.setdefault(task.split, []).append(task)
            if run.own_tasks:
                groups.setdefault("own", []).extend(run.own_tasks)
        return {name: over_time(results) for name, results in groups.items()}

    @property
    def uncertainty(self) -> UncertaintySummary | None:
        """How far networks disagree, and what they predict of returns; None where none were asked."""
        runs = [run.uncertainty for run in self.runs if run.uncertainty is not None]
        return summarize_uncertainty(runs) if runs else None

    @property
    def worst_tasks(self) -> WorstSummary | None:
        """The tasks that searches of the context space found to be the worst; None without searches."""
        searches = [run.worst for run in self.runs if run.worst is not None]
        return summarize_worst(searches, [run.seed for run in self.runs]) if searches else None

    def to_json(self) -> dict[str, Any]:
        """The object of `hyperrl evaluate --json`.

        For several runs `run`, `seed` and `steps` are null (`steps` unless all agree), `tasks` pools their
        episodes, and `runs` holds each one's own object.
        """
        first = self.runs[0]
        one = len(self.runs) == 1
        same_steps = len({run.steps for run in self.runs}) == 1
        return {
            "run": first.run if one else None,
            "agent": self.agent,
            "family": self.family,
            "seed": first.seed if one else None,
            "steps": first.steps if same_steps else None,
            "episodes": self.episodes,
            "splits": self.splits,
            "tasks": [task.to_json() for task in self.tasks],
            "start_seed": self.start_seed,
            "deterministic": self.deterministic,
            "hidden": list(self.hidden),
            "shuffled_contexts": self.shuffled_contexts,
            "left_out": self.left_out,
            "context_errors": self.context_errors,
            "observation_noise": self.observation_noise,
            "schedules": dict(self.schedules),
            "index": self.index,
            "over_time": self.over_time,
            "uncertainty": self.uncertainty,
            "worst_tasks": self.worst_tasks,
            **(
                {"checkpoint": {"name": first.checkpoint, "steps": first.checkpoint_steps}}
                if one
                else {"runs": [part.to_json() for part in self.per_run()]}
            ),
        }

    def per_run(self) -> list[Evaluation]:
        """The same evaluation, one object per run."""
        return [replace(self, runs=(run,), files=(), figures=()) for run in self.runs]
