"""The front of one agent: what it reaches of each objective, over the weights of the reward's terms.

Roijers et al., "A Survey of Multi-Objective Sequential Decision-Making", JAIR 48, 2013. Weighed sums reach
the points of the convex hull alone: Das and Dennis, "A Closer Look at Drawbacks of Minimizing Weighted Sums
of Objectives", Structural Optimization 1997.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError, check_known, user_syntax
from hyperrl.evaluation.pareto import hypervolume, knee, nondominated, reference_below
from hyperrl.evaluation.policy import Policy
from hyperrl.evaluation.progress import Progress, parts_of
from hyperrl.evaluation.zero_shot import CHOICE_SEED, TaskResult, evaluate_tasks
from hyperrl.recipes import Context

if TYPE_CHECKING:
    from hyperrl.tasks import Family

Floats = NDArray[np.float64]
_REST = "rest"
_TINY = 1e-9


@dataclass(frozen=True)
class FrontPoint:
    """What the agent reaches at one choice of weights.

    Attributes:
        context: the task, weights included.
        returns: mean return of each objective over the episodes, not weighed.
        errors: the standard error of each.
        weighed: mean weighed return.
        on_front: whether no other point dominated it where the front was chosen.
    """

    context: Mapping[str, float]
    returns: Mapping[str, float]
    errors: Mapping[str, float]
    weighed: float
    on_front: bool


@dataclass(frozen=True)
class Front:
    """The front of one agent.

    Attributes:
        run: the run's directory.
        agent: its name.
        family: its family's.
        checkpoint: whose weights played.
        weights: the features that weigh terms.
        objectives: the terms of the reward, each to be large; "rest" is what no feature weighs.
        points: every choice of weights.
        reference: of the hypervolume, by objective.
        hypervolume: of the points on the front.
        knee: the number of the point at the front's knee.
        episodes: of each point.
        start_seed: of the starts that are reported; the front was chosen by others.
        files: the numbers and the figure, where they were written.
    """

    run: str
    agent: str
    family: str
    checkpoint: str
    weights: tuple[str, ...]
    objectives: tuple[str, ...]
    points: tuple[FrontPoint, ...]
    reference: Mapping[str, float]
    hypervolume: float
    knee: int
    episodes: int
    start_seed: int
    files: tuple[Path, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """The object of `hyperrl front --json`."""
        points = [{**vars(point), "context": dict(point.context)} for point in self.points]
        return {**vars(self), "points": points, "files": [str(file) for file in self.files]}


def weight_features(family: Family) -> tuple[str, ...]:
    """The features of a family that weigh terms of the reward; UserError where there are none."""
    names = tuple(name for name, feature in family.space.features.items() if feature.weighs)
    if not names:
        raise UserError(
            f"family {family.name!r}: found no feature that weighs a term of the reward; needed for a front:"
            " one with 'weighs'"
        )
    return names


def weight_points(family: Family, names: Sequence[str], count: int) -> list[dict[str, float]]:
    """Choices of weights: on a simplex, or on a grid over the training ranges.

    Several features whose training ranges hold 0 to 1 are weights that sum to 1: two at equal distances,
    more drawn uniformly, beside those in which one is 1. Others, and one alone, are on a grid.

    Args:
        family: the weights' family.
        names: the features.
        count: how many points there are to be, at least 2; a grid of several features has about as many.
    """
    features = [family.space.features[name] for name in names]
    ranges = [feature.train for feature in features]
    shares = all(low <= 0 and high >= 1 for low, high in ranges) and not any(
        feature.against or feature.values for feature in features
    )
    if len(names) > 1 and shares:
        corners = np.eye(len(names))
        if len(names) == 2:
            first = np.linspace(1.0, 0.0, count)
            rows = np.stack([first, 1.0 - first], axis=1)
        else:
            drawn = np.random.default_rng(0).dirichlet(np.ones(len(names)), max(count - len(names), 0))
            rows = np.concatenate([corners, drawn])
        return [dict(zip(names, row, strict=True)) for row in rows.tolist()]
    each = max(2, round(count ** (1 / len(names))))
    axes = [
        list(feature.values) if feature.values else np.linspace(*feature.train, each).tolist()
        for feature in features
    ]
    return [dict(zip(names, point, strict=True)) for point in product(*axes)]


@dataclass(frozen=True)
class FrontRequest:
    """What a front is to be made of.

    Attributes:
        weights: the features that weigh terms.
        contexts: the tasks, one for each choice of weights.
        reference: of the hypervolume, by objective; None: below all points.
        episodes: of each task, for the choice and for the report.
        seed: of the reported starts.
    """

    weights: tuple[str, ...]
    contexts: tuple[Context, ...]
    reference: Mapping[str, float] | None
    episodes: int
    seed: int


def front_request(
    family: Family,
    points: int,
    context: Mapping[str, float],
    reference: Mapping[str, float] | None,
    episodes: int,
    seed: int,
) -> FrontRequest:
    """Check what a front is to be made of, before anything is played.

    Args:
        family: the agent's.
        points: choices of weights.
        context: values of the other features; those left out take their defaults.
        reference: of the hypervolume.
        episodes: of each point.
        seed: of the reported starts.

    Raises:
        UserError: a family without weights, an unknown feature or one that is a weight.
    """
    names = weight_features(family)
    others = [name for name in family.space.names if name not in names]
    check_known(user_syntax("context", "--context"), "feature that is no weight", context, others)
    tasks = [
        family.space.complete({**context, **weights}) for weights in weight_points(family, names, points)
    ]
    if reference is not None:
        known = [*_terms(family, names), _REST]
        check_known(user_syntax("reference", "--reference"), "objective", reference, known)
    return FrontRequest(names, tuple(tasks), reference, episodes, seed)


def play_front(
    policy: Policy, family: Family, request: FrontRequest, progress: Progress | None = None
) -> tuple[tuple[str, ...], tuple[FrontPoint, ...], Floats]:
    """Play all points: objectives, points, and the returns (points, objectives) by which these were chosen.

    Which points are on the front is chosen by starts that no evaluation meets; returns are those of other
    starts.

    Raises:
        UserError: a reward with a single objective.
    """
    choosing, reporting = parts_of(progress, (1, 1))
    played: list[list[TaskResult]] = []
    for seed, part in ((CHOICE_SEED, choosing), (request.seed, reporting)):
        played.append(
            evaluate_tasks(
                policy, family, request.contexts, episodes=request.episodes, seed=seed, progress=part
            )
        )
    chosen, reported = played
    objectives = _objectives(family, request.weights, [*chosen, *reported])
    values = np.array([[np.mean(each.term_returns[name]) for name in objectives] for each in chosen])
    best = nondominated(values)
    points = tuple(
        FrontPoint(
            context=dict(result.context),
            returns={name: float(np.mean(result.term_returns[name])) for name in objectives},
            errors={name: _error(result.term_returns[name]) for name in objectives},
            weighed=result.mean,
            on_front=bool(on_front),
        )
        for result, on_front in zip(reported, best, strict=True)
    )
    return objectives, points, values


def summarize_front(
    objectives: Sequence[str],
    points: Sequence[FrontPoint],
    chosen: Floats,
    reference: Mapping[str, float] | None,
) -> tuple[dict[str, float], float, int]:
    """The reference, the hypervolume of the reported points on the front, and the number of its knee.

    The knee is chosen as the front is; the hypervolume is of what is reported.

    Args:
        objectives: names.
        points: what is reported.
        chosen: returns (points, objectives) by which the front was chosen.
        reference: by objective; None: below all points, by a tenth of each objective's range.
    """
    reported = np.array([[point.returns[name] for name in objectives] for point in points])
    own = dict(zip(objectives, reference_below(np.concatenate([chosen, reported])).tolist(), strict=True))
    full = {**own, **(reference or {})}
    on_front = np.flatnonzero([point.on_front for point in points])
    volume = hypervolume(reported[on_front], np.array([full[name] for name in objectives]))
    return {name: full[name] for name in objectives}, volume, int(on_front[knee(chosen[on_front])])


def _terms(family: Family, names: Sequence[str]) -> list[str]:
    return [term for name in names for term in family.space.features[name].terms]


def _objectives(family: Family, names: Sequence[str], played: Sequence[TaskResult]) -> tuple[str, ...]:
    """The terms that are weighed, and the rest where there is any."""
    terms = _terms(family, names)
    if not all(result.term_returns for result in played):
        raise UserError(
            f"family {family.name!r}: found infos without the returns of terms; needed for a front: wrappers"
            " that hand infos on"
        )
    rest = any(
        abs(value) > _TINY * (1 + abs(result.mean))
        for result in played
        for value in result.term_returns[_REST]
    )
    objectives = (*terms, _REST) if rest else tuple(terms)
    if len(objectives) < 2:
        raise UserError(
            f"family {family.name!r}: found a reward of {objectives[0]} alone; needed for a front: several"
            " terms"
        )
    return objectives


def _error(values: Sequence[float]) -> float:
    """The standard error of a mean; 0 of a single episode."""
    return float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
