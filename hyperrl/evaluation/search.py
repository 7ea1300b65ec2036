"""Searches the context space for the tasks on which a policy is worst."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hyperrl.evaluation.policy import Policy
from hyperrl.evaluation.progress import Progress
from hyperrl.evaluation.worst_tasks import FOUND, WorstRequest, WorstTask, WorstTasks
from hyperrl.evaluation.zero_shot import CHOICE_SEED, TaskResult, evaluate_tasks
from hyperrl.recipes import Context
from hyperrl.tasks.axes import Axis
from hyperrl.tasks.splits import sobol

if TYPE_CHECKING:
    from hyperrl.tasks import Family

FINALISTS = 16
"""Candidates that are played again, on other starts, before the worst are chosen."""

FINAL_SHARE = 0.25
"""Share of the budget that the finalists play."""

CANDIDATE_EPISODES = 4
"""The most episodes of a candidate; a family with fewer episodes of its own has those."""

SOBOL_SHARE = 0.25
"""Share of the candidates that are a Sobol sample of the ranges."""

POPULATION, LEAST_POPULATION = 4, 16
"""Candidates of a generation for each feature, and the least in all."""

STEP, LEAST_STEP = 0.2, 0.01
"""Step size that CMA-ES begins with, and below which it has converged, as parts of a feature's range."""

APART_STARTS = 0.25
"""How far in one feature a point of the sample is from those that CMA-ES began at before."""

APART = 0.1
"""How far apart reported tasks are in at least one feature, as a part of its range."""

SEARCH_SEEDS = (CHOICE_SEED + 1, CHOICE_SEED + 2)
"""Seeds of the starts of candidates and of finalists: beyond any that an evaluation takes."""

Points = NDArray[np.float64]


def find_worst(
    policy: Policy, family: Family, request: WorstRequest, *, seed: int = 0, progress: Progress | None = None
) -> WorstTasks:
    """Search for the tasks on which a policy is worst, and play these on fresh starts.

    Three quarters of the budget are candidates: a Sobol sample of the ranges, then CMA-ES (Hansen and
    Ostermeier, Evolutionary Computation 9, 2001) from the worst of it on, begun anew where it has converged.
    The worst candidates are played again on other starts, since the worst of many estimates is partly the
    unluckiest. Those tasks that are worst then, and not alike, are reported. What they return is measured
    once more, on the starts of an evaluation, which the search never sees.

    Args:
        policy: as in `evaluate_tasks`.
        family: whose tasks are searched.
        request: what for.
        seed: of the search, and of the starts of the reported tasks.
        progress: as in `evaluate_tasks`.

    Raises:
        UserError: as `evaluate_tasks`.
    """
    search = _Search(policy, family, request, _Steps(progress, family, request.episodes))
    final = round(FINAL_SHARE * request.budget)
    search.explore(request.budget - final, seed)
    finalists = search.worst_apart(search.candidates, FINALISTS)
    again = search.play([each.context for each in finalists], final // len(finalists), SEARCH_SEEDS[1])
    chosen = search.worst_apart(again, FOUND)
    played = search.play([each.context for each in chosen], request.fresh, seed)
    found = [WorstTask(result, each.mean) for result, each in zip(played, chosen, strict=True)]
    return WorstTasks(request, search.candidates, found)


class _Search:
    """Plays candidates and keeps their results."""

    def __init__(self, policy: Policy, family: Family, request: WorstRequest, steps: _Steps) -> None:
        self._policy, self._family, self._steps, self._by = policy, family, steps, request.by
        features = family.space.features.values()
        self._axes = [
            Axis(each, each.train if request.within == "training" else each.widest) for each in features
        ]
        self.candidates: list[TaskResult] = []
        self._random = np.random.default_rng()

    def explore(self, budget: int, seed: int) -> None:
        """Try candidates for so many episodes in all: a Sobol sample, then CMA-ES from the worst of it."""
        each = min(CANDIDATE_EPISODES, self._family.recipe.evaluation.episodes)
        features, most = len(self._axes), budget // each
        self._random = np.random.default_rng(seed)
        first = max(1, round(SOBOL_SHARE * most))
        points = sobol(features, math.ceil(math.log2(first)), seed)[:first]
        scores = self._try(points, each)
        order = np.argsort(scores, kind="stable")
        starts = [points[place] for place in order]
        while starts and len(self.candidates) < most:
            start = starts[0]
            starts = [point for point in starts if np.abs(point - start).max() > APART_STARTS]
            self._descend(start, most, each)

    def _descend(self, start: Points, most: int, episodes: int) -> None:
        """Follow CMA-ES from a point of the unit cube until it has converged or all candidates are tried."""
        import cma

        # A flat generation, as of a policy that earns all that there is, would end it by these tolerances;
        # its global generator and the seeding of NumPy's are avoided by `randn` and a seed that is none.
        settings = {
            "bounds": [0.0, 1.0], "popsize": max(LEAST_POPULATION, POPULATION * len(start)), "verbose": -9,
            "tolfun": 0.0, "tolfunhist": 0.0, "tolflatfitness": most, "seed": math.nan,
            "randn": lambda *shape: self._random.standard_normal(shape),
        }  # fmt: skip
        strategy = cma.CMAEvolutionStrategy(start, STEP, settings)
        while strategy.sigma > LEAST_STEP and not strategy.stop() and len(self.candidates) < most:
            points = np.array(strategy.ask())
            scores = self._try(points[: most - len(self.candidates)], episodes)
            if len(scores) == len(points):
                strategy.tell(list(points), scores.tolist())

    def _try(self, points: Points, episodes: int) -> Points:
        """The scores of the tasks at some points of the unit cube, which become candidates."""
        results = self.play(self._tasks_at(points), episodes, SEARCH_SEEDS[0])
        self.candidates += results
        return np.array([self._score(result) for result in results])

    def play(self, contexts: Sequence[Mapping[str, float]], episodes: int, seed: int) -> list[TaskResult]:
        """The results of some tasks."""
        if not contexts:
            return []
        progress = self._steps.of(len(contexts) * episodes)
        return evaluate_tasks(
            self._policy, self._family, contexts, episodes=episodes, seed=seed, progress=progress
        )

    def worst_apart(self, results: Sequence[TaskResult], count: int) -> list[TaskResult]:
        """The worst results, none of a task that is like a worse one's."""
        chosen: list[TaskResult] = []
        for result in sorted(results, key=self._score):
            if len(chosen) < count and not any(self._similar(result, other) for other in chosen):
                chosen.append(result)
        return chosen

    def _score(self, result: TaskResult) -> float:
        """What is searched for, low where a task is bad: the return, or the regret with the other sign."""
        if self._by == "return":
            return result.mean
        assert result.oracle is not None
        return result.mean - result.oracle

    def _tasks_at(self, points: Points) -> list[Context]:
        """The tasks at points (N, F) of the unit cube."""
        inside = np.clip(points, 0.0, 1.0 - 1e-12)
        columns = [axis.at(inside[:, place]) for place, axis in enumerate(self._axes)]
        return self._family.space.contexts(np.stack(columns, axis=1))

    def _similar(self, one: TaskResult, other: TaskResult) -> bool:
        """Whether two tasks are nearer than `APART` in every feature, with the same of only some values."""
        values = zip(one.context.values(), other.context.values(), self._axes, strict=True)
        return all(abs(first - second) <= APART * axis.width for first, second, axis in values)


class _Steps:
    """Reports the steps of plays that follow each other, where one hook counts them all."""

    def __init__(self, hook: Progress | None, family: Family, episodes: int) -> None:
        self._hook, self._longest = hook, family.max_steps or 1
        self._total, self._before = episodes * self._longest, 0

    def of(self, episodes: int) -> Progress | None:
        """A hook for the next play, of so many episodes."""
        before, hook, total = self._before, self._hook, self._total
        self._before += episodes * self._longest
        return None if hook is None else lambda done, _: hook(min(before + done, total), total)
