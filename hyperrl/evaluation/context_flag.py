"""Tells whether a context is far from anything that an agent was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hyperrl.evaluation.networks import Networks
from hyperrl.evaluation.policy import Policy
from hyperrl.evaluation.uncertainty import WatchedPolicy
from hyperrl.evaluation.zero_shot import CHOICE_SEED, evaluate_tasks
from hyperrl.recipes import Context

if TYPE_CHECKING:
    from hyperrl.tasks import Family

Floats = NDArray[np.float64]

ROUNDING = 1e-6
"""How far a value may be beyond its training range, in half widths of it, and still count as within."""


@dataclass(frozen=True)
class FlagRule:
    """When a context is far from training, by a family's tasks and, perhaps, by an agent's networks.

    Attributes:
        trained: descriptors of the training tasks, (tasks, D).
        distance: the largest distance to the nearest training task that is not flagged.
        disagreement: the largest disagreement of actions that is not flagged; None without several networks.
    """

    trained: Floats
    distance: float
    disagreement: float | None = None


@dataclass(frozen=True)
class ContextFlag:
    """What is known of one context.

    Attributes:
        far: whether it is far from anything trained on: for any reason below.
        outside: features outside of their training ranges, and by how many half widths of these.
        distance: of its descriptor to that of the nearest training task; training ranges are [-1, 1].
        largest_distance: the largest that is not flagged.
        disagreement: of the actions of several networks on it; None without several.
        largest_disagreement: the largest that is not flagged.
    """

    far: bool
    outside: dict[str, float] = field(default_factory=dict)
    distance: float = 0.0
    largest_distance: float = 0.0
    disagreement: float | None = None
    largest_disagreement: float | None = None

    @property
    def reasons(self) -> list[str]:
        """Why it is far, in words; none where it is not."""
        found = [
            f"{name} lies {excess:.3g} half widths beyond its training range"
            for name, excess in self.outside.items()
        ]
        if self.distance > self.largest_distance:
            limit = f"{self.largest_distance:.3g}"
            found.append(f"the nearest training task is {self.distance:.3g} away, more than {limit}")
        if self._disagrees:
            found.append(
                f"networks disagree by {self.disagreement:.3g}, more than {self.largest_disagreement:.3g}"
            )
        return found

    @property
    def _disagrees(self) -> bool:
        most = self.largest_disagreement
        return self.disagreement is not None and most is not None and self.disagreement > most

    def to_json(self) -> dict[str, Any]:
        """Its fields."""
        return asdict(self)


def flag_rule(family: Family, policy: Policy | None = None, networks: Networks | None = None) -> FlagRule:
    """Choose what is far by the tasks of training and validation; no other split is looked at.

    The largest distance is that of a validation task to the nearest training task, or of a training task to
    the nearest other one, if that is larger. The largest disagreement is that of a validation task (of a
    training task, where there are none), and one standard deviation over these tasks more.

    Args:
        family: with its splits.
        policy: what acts; needed with networks.
        networks: several, whose disagreement is flagged too; None: distance alone.
    """
    tasks = {split: family.tasks(split) for split in ("train", "validation")}
    trained = _descriptors(family, tasks["train"])
    others = _distances(trained, trained)
    np.fill_diagonal(others, np.inf)
    nearest = [0.0]
    if len(trained) > 1:
        nearest += others.min(axis=1).tolist()
    if tasks["validation"]:
        nearest += _distances(_descriptors(family, tasks["validation"]), trained).min(axis=1).tolist()
    largest = None
    if policy is not None and networks is not None:
        known = _disagreements(family, policy, networks, tasks["validation"] or tasks["train"])
        largest = float(known.max() + known.std())
    return FlagRule(trained, max(nearest), largest)


def flag_context(
    rule: FlagRule,
    family: Family,
    context: Mapping[str, float],
    policy: Policy | None = None,
    networks: Networks | None = None,
) -> ContextFlag:
    """Tell whether a context is far from anything trained on.

    Args:
        rule: of the same family, policy and networks.
        family: whose context it is.
        context: features left out take their defaults.
        policy: as in `flag_rule`.
        networks: as in `flag_rule`.
    """
    task = family.space.complete(context)
    outside = {}
    for name, (low, high) in task.outside.items():
        if family.space.features[name].encoding == "linear":
            excess = 2 * max(low - task[name], task[name] - high) / (high - low)
            if excess > ROUNDING:
                outside[name] = excess
        else:
            outside[name] = 1.0
    distance = float(_distances(_descriptors(family, [task]), rule.trained).min())
    disagreement = None
    if rule.disagreement is not None and policy is not None and networks is not None:
        disagreement = float(_disagreements(family, policy, networks, [task])[0])
    found = ContextFlag(False, outside, distance, rule.distance, disagreement, rule.disagreement)
    return ContextFlag(bool(found.reasons), outside, distance, rule.distance, disagreement, rule.disagreement)


def _descriptors(family: Family, tasks: list[Context]) -> Floats:
    return family.space.descriptors(tasks).astype(np.float64)


def _distances(one: Floats, other: Floats) -> Floats:
    """Euclidean distances (n, m) between descriptors (n, D) and (m, D)."""
    distances: Floats = np.sqrt(((one[:, None] - other[None]) ** 2).sum(axis=2))
    return distances


def _disagreements(family: Family, policy: Policy, networks: Networks, tasks: list[Context]) -> Floats:
    """Disagreement of actions on tasks, the mean over the steps of their episodes, (tasks,)."""
    watcher = WatchedPolicy(policy, networks)
    results = evaluate_tasks(
        watcher, family, tasks, episodes=family.recipe.evaluation.episodes, seed=CHOICE_SEED
    )
    return np.array([actions for actions, _ in watcher.disagreement(results)])
