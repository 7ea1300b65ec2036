"""Which episodes the evaluations of a training play: enough to choose by, and cheap beside the training."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from hyperrl.evaluation.policy_act import Act
from hyperrl.evaluation.progress import Progress
from hyperrl.evaluation.zero_shot import CHOICE_SEED, TaskResult, evaluate_tasks
from hyperrl.recipes import SPLITS

if TYPE_CHECKING:
    from hyperrl.tasks import Family

T = TypeVar("T")

CHOICE = "validation"
"""The split by which the best weights are chosen."""

CHOICE_EPISODES, SERIAL_CHOICE_EPISODES = 320, 64
"""Episodes of validation tasks, all together, that one evaluation in training plays at most: where all
environments advance as one batch, and where they are played one after the other.

Set by `python -m benchmarks.reliability.coverage`: how often two sets of starts choose the same of an agent's
checkpoints.
"""

CHOICE_FACTOR = 4
"""At most so many times the family's own number of episodes are played of a validation task."""

CURVE_EPISODES, SERIAL_CURVE_TASKS = 640, 16
"""Of the other splits: episodes in all, and, where environments are played one after the other, tasks of each
split, one episode each."""

STEPS_PER_STEP, LEAST_STEPS = 10, 16_000
"""Where environments are played one after the other an evaluation takes at most so many environment steps for
each step of training that is planned, and so many in any case."""

UNKNOWN_LENGTH = 1000
"""Steps that an episode is taken to last where no time limit is known."""


@dataclass(frozen=True)
class Part:
    """What is played of one split.

    Attributes:
        split: its name.
        contexts: the tasks, evenly spread over the split where they are not all.
        of: how many tasks the split has.
        episodes: of each task.
        seed: of the starts.
    """

    split: str
    contexts: Sequence[Mapping[str, float]]
    of: int
    episodes: int
    seed: int = 0

    def __str__(self) -> str:
        tasks = f"{self.of}" if len(self.contexts) == self.of else f"{len(self.contexts)} of {self.of}"
        starts = "starts of its own" if self.seed == CHOICE_SEED else f"starts of seed {self.seed}"
        return (
            f"{self.split}: {tasks} tasks, {self.episodes} episode{'s' * (self.episodes > 1)} each, {starts}"
        )


def while_training(family: Family, steps: int) -> list[Part]:
    """What each evaluation during a training of so many planned steps plays of every split that has tasks.

    Validation tasks, by which the best weights are chosen, play more episodes, and from starts of their own:
    no evaluation afterwards, whatever its seed, meets the starts that were chosen by.
    """
    splits = {split: family.tasks(split) for split in SPLITS if family.tasks(split)}
    own = family.recipe.evaluation.episodes
    others = sum(len(tasks) for split, tasks in splits.items() if split != CHOICE)
    parts = []
    for split, tasks in splits.items():
        if split == CHOICE:
            most = CHOICE_EPISODES if family.batched else SERIAL_CHOICE_EPISODES
            episodes = max(1, min(CHOICE_FACTOR * own, most // len(tasks)))
            parts.append(Part(split, tasks, len(tasks), episodes, CHOICE_SEED))
        elif family.batched:
            parts.append(Part(split, tasks, len(tasks), max(1, min(own, CURVE_EPISODES // others))))
        else:
            parts.append(Part(split, spread_out(tasks, SERIAL_CURVE_TASKS), len(tasks), 1))
    return _affordable(parts, family, steps)


def at_the_end(family: Family, steps: int) -> list[Part]:
    """What the evaluation after a training of so many planned steps plays: what `hyperrl evaluate` would.

    After a short training of a family whose environments are played one after the other: fewer episodes, and
    of the shortest, fewer tasks.
    """
    splits = {split: family.tasks(split) for split in SPLITS if family.tasks(split)}
    own = family.recipe.evaluation.episodes
    return _affordable([Part(name, tasks, len(tasks), own) for name, tasks in splits.items()], family, steps)


def affordable_episodes(family: Family, steps: int) -> int | None:
    """Episodes that one evaluation may play in a training of so many planned steps; None: any number."""
    if family.batched:
        return None
    return max(1, max(LEAST_STEPS, STEPS_PER_STEP * steps) // (family.max_steps or UNKNOWN_LENGTH))


def play(
    act: Act, family: Family, parts: Sequence[Part], progress: Progress | None = None
) -> dict[str, list[TaskResult]]:
    """Play all parts as one batch; results by split."""
    each = [(part, context) for part in parts for context in part.contexts]
    results = evaluate_tasks(
        act,
        family,
        [context for _, context in each],
        episodes=[part.episodes for part, _ in each],
        seed=[part.seed for part, _ in each],
        splits=[part.split for part, _ in each],
        progress=progress,
    )
    return {part.split: [result for result in results if result.split == part.split] for part in parts}


def spread_out(items: Sequence[T], most: int) -> list[T]:
    """At most `most` of the items, evenly spaced, first and last among them (where two may be)."""
    if len(items) <= most:
        return list(items)
    return [items[round(i * (len(items) - 1) / max(most - 1, 1))] for i in range(most)]


def _affordable(parts: list[Part], family: Family, steps: int) -> list[Part]:
    """The parts with as many episodes as there may be; at least one of one task each."""
    most = affordable_episodes(family, steps)
    if most is None or sum(len(part.contexts) * part.episodes for part in parts) <= most:
        return parts
    tasks = sum(len(part.contexts) for part in parts)
    if tasks <= most:
        share = most // tasks
        return [Part(p.split, p.contexts, p.of, min(p.episodes, share), p.seed) for p in parts]
    share = max(1, math.floor(most / len(parts)))
    return [Part(p.split, spread_out(p.contexts, share), p.of, 1, p.seed) for p in parts]
