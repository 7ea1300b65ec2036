"""The episodes that a training's evaluations play: enough to choose by, and cheap beside the training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from hyperrl.evaluation.policy import Policy
from hyperrl.evaluation.progress import Progress
from hyperrl.evaluation.zero_shot import CHOICE_SEED, TaskResult, evaluate_tasks
from hyperrl.recipes import SPLITS

if TYPE_CHECKING:
    from hyperrl.tasks import Family

T = TypeVar("T")

CHOICE = "validation"
"""The split by which the best weights are chosen."""

CHOICE_EPISODES, SERIAL_CHOICE_EPISODES = 320, 64
"""The most episodes of all validation tasks together in one evaluation: where all environments advance as
one batch, and where they are played one after the other.

Set by `python -m benchmarks.reliability.coverage`: how often two sets of starts choose the same of an agent's
checkpoints.
"""

CHOICE_FACTOR = 4
"""The most episodes of a validation task, as a multiple of the family's own number."""

CURVE_EPISODES, SERIAL_CURVE_TASKS = 640, 16
"""Of the other splits: the most episodes in all, and, where environments are played one after the other, the
most tasks of each split, with one episode each."""

STEPS_PER_STEP, LEAST_STEPS = 10, 16_000
"""Where environments are played one after the other: the most environment steps of an evaluation for each
planned step of training, and the number that it may always take."""

UNKNOWN_LENGTH = 1000
"""Assumed steps of an episode without a known time limit."""


@dataclass(frozen=True)
class SplitPlan:
    """The tasks, episodes and starts that an evaluation plays of one split.

    Attributes:
        split: its name.
        contexts: the tasks, evenly spread over the split where they are not all.
        size: how many tasks the split has.
        episodes: of each task.
        seed: of the starts.
    """

    split: str
    contexts: Sequence[Mapping[str, float]]
    size: int
    episodes: int
    seed: int = 0

    def __str__(self) -> str:
        few = f"{len(self.contexts)} of " if len(self.contexts) < self.size else ""
        each = f"{self.episodes} episode{'s' * (self.episodes > 1)} each"
        starts = "starts of its own" if self.seed == CHOICE_SEED else f"starts of seed {self.seed}"
        return f"{self.split}: {few}{self.size} tasks, {each}, {starts}"


def while_training(family: Family, steps: int) -> list[SplitPlan]:
    """The plan of each evaluation during a training of so many steps, for every split that has tasks.

    Validation tasks, by which the best weights are chosen, play more episodes, and from starts of their own:
    no evaluation afterwards, whatever its seed, meets the starts that were chosen by. Where there is one
    training task and none of validation, the former takes their place.
    """
    whole = _whole_splits(family)
    if [(plan.split, plan.size) for plan in whole if plan.split in ("train", CHOICE)] == [("train", 1)]:
        whole.append(replace(whole[0], split=CHOICE))
    others = sum(plan.size for plan in whole if plan.split != CHOICE)
    plans = []
    for plan in whole:
        if plan.split == CHOICE:
            most = CHOICE_EPISODES if family.batched else SERIAL_CHOICE_EPISODES
            episodes = max(1, min(CHOICE_FACTOR * plan.episodes, most // plan.size))
            plans.append(replace(plan, episodes=episodes, seed=CHOICE_SEED))
        elif family.batched:
            plans.append(replace(plan, episodes=max(1, min(plan.episodes, CURVE_EPISODES // others))))
        else:
            plans.append(replace(plan, contexts=spread_out(plan.contexts, SERIAL_CURVE_TASKS), episodes=1))
    return _affordable(plans, family, steps)


def at_the_end(family: Family, steps: int) -> list[SplitPlan]:
    """The plan of the evaluation after a training of so many steps: that of `hyperrl evaluate`.

    After a short training of a family whose environments are played one after the other: fewer episodes, and
    of the shortest, fewer tasks.
    """
    return _affordable(_whole_splits(family), family, steps)


def affordable_episodes(family: Family, steps: int) -> int | None:
    """The most episodes of one evaluation in a training of so many planned steps; None: any number."""
    if family.batched:
        return None
    return max(1, max(LEAST_STEPS, STEPS_PER_STEP * steps) // (family.max_steps or UNKNOWN_LENGTH))


def play(
    policy: Policy, family: Family, plans: Sequence[SplitPlan], progress: Progress | None = None
) -> dict[str, list[TaskResult]]:
    """Play all splits as one batch; results by split."""
    each = [(plan, context) for plan in plans for context in plan.contexts]
    results = evaluate_tasks(
        policy,
        family,
        [context for _, context in each],
        episodes=[plan.episodes for plan, _ in each],
        seed=[plan.seed for plan, _ in each],
        splits=[plan.split for plan, _ in each],
        progress=progress,
    )
    return {plan.split: [result for result in results if result.split == plan.split] for plan in plans}


def spread_out(items: Sequence[T], most: int) -> list[T]:
    """At most `most` of the items, evenly spaced, first and last among them (where two may be)."""
    if len(items) <= most:
        return list(items)
    return [items[round(i * (len(items) - 1) / max(most - 1, 1))] for i in range(most)]


def _whole_splits(family: Family) -> list[SplitPlan]:
    """All tasks of every split that has some, with the family's own number of episodes."""
    tasks = {split: family.tasks(split) for split in SPLITS}
    episodes = family.recipe.evaluation.episodes
    return [SplitPlan(split, each, len(each), episodes) for split, each in tasks.items() if each]


def _affordable(plans: list[SplitPlan], family: Family, steps: int) -> list[SplitPlan]:
    """The plans with as many episodes as there may be; at least one of one task each."""
    most = affordable_episodes(family, steps)
    if most is None or sum(len(plan.contexts) * plan.episodes for plan in plans) <= most:
        return plans
    tasks = sum(len(plan.contexts) for plan in plans)
    if tasks <= most:
        return [replace(plan, episodes=min(plan.episodes, most // tasks)) for plan in plans]
    share = max(1, most // len(plans))
    return [replace(plan, contexts=spread_out(plan.contexts, share), episodes=1) for plan in plans]
