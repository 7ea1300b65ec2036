"""Adaptation: an agent plays tasks whose contexts it is not given, and identifies them episode by episode."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hyperrl.evaluation.policy import Observation, Policy, WithOtherContexts
from hyperrl.evaluation.progress import Progress
from hyperrl.evaluation.zero_shot import TaskResult, evaluate_tasks, start_seeds
from hyperrl.identify.inference import Posterior, Settings, infer
from hyperrl.identify.models import IdentificationModel
from hyperrl.identify.playing import joined, play_tasks
from hyperrl.identify.prior import Prior
from hyperrl.identify.transitions import Transitions
from hyperrl.masks import Masks
from hyperrl.recipes import Context
from hyperrl.tasks.spaces import draw_valid

if TYPE_CHECKING:
    from hyperrl.tasks import Family

FIRST = ("default", "explore")
"""What an agent does in the first episode: acts as in the context of defaults, or takes random actions."""


@dataclass(frozen=True)
class AdaptedTask:
    """The episodes of an agent on one task whose context it was not given.

    Attributes:
        context: the true one.
        split: the split that holds the task, or how a context of the user's own is flagged.
        observed: the context that the agent observed in each episode; None: it took random actions.
        returns: undiscounted return of each episode, in the raw reward's unit.
        lengths: steps of each episode.
        with_context: the same agent from the same starts, where it observes the true context.
        estimates: what all transitions so far tell of the context, after each episode.
    """

    context: Context
    split: str
    observed: tuple[Context | None, ...]
    returns: tuple[float, ...]
    lengths: tuple[int, ...]
    with_context: TaskResult
    estimates: tuple[Posterior, ...]


def adapt_tasks(
    policy: Policy,
    family: Family,
    contexts: Sequence[Mapping[str, float]],
    model: IdentificationModel,
    settings: Settings,
    *,
    episodes: int,
    first: str = "default",
    splits: Sequence[str] | None = None,
    after: Collection[int] | None = None,
    progress: Progress | None = None,
) -> list[AdaptedTask]:
    """Play tasks episode by episode, each with the context that the episodes before it tell.

    After each episode, the context is inferred from all of the task's transitions so far, rewards among
    them. Features that no simulation has, such as hyperparameters, are given. Starts are those of an
    evaluation (`evaluate_tasks`), and tasks do not influence each other.

    Args:
        policy: observes the context.
        family: of the tasks; its environments may stack frames, and have no wrappers.
        contexts: the tasks, N of them; features left out take their defaults.
        model: predicts transitions.
        settings: of the inference; its seed is also that of the starts.
        episodes: of each task, at least 1.
        first: what the agent does in the first episode, one of `FIRST`.
        splits: name of each task's split; None flags each task by the family's ranges.
        after: numbers of the episodes after which the context is inferred, from 1; after others the estimate
            stays. The first is always one of them. None: all.
        progress: called with the identifications done and planned.

    Raises:
        UserError: an unknown feature, a number that is not finite, an environment whose episodes do not end,
            or as `infer`.
    """
    tasks = [family.space.complete(context) for context in contexts]
    prior = Prior(family.space, settings.within)
    exact = evaluate_tasks(
        policy, family, tasks, episodes=episodes, seed=settings.seed, splits=splits
    )  # of the true contexts
    starts = [start_seeds(task, episodes, settings.seed) for task in tasks]
    observed: list[list[Context | None]] = [
        [None if first == "explore" else _observable(family, family.space.default, task)] for task in tasks
    ]
    recorded: list[list[Transitions]] = [[] for _ in tasks]
    estimates: list[list[Posterior]] = [[] for _ in tasks]
    for episode in range(episodes):
        seeds = [own[episode] for own in starts]
        acting = _acting(policy, family, [own[-1] for own in observed], seeds)
        options = dict(family.recipe.evaluation.options)
        played = play_tasks(family, tasks, policy=acting, seeds=seeds, options=options)
        for place, transitions in enumerate(played):
            recorded[place].append(transitions)
            if episode > 0 and after is not None and episode + 1 not in after:
                estimates[place].append(estimates[place][-1])
                observed[place].append(observed[place][-1])
                continue
            used = joined(recorded[place]).thinned(settings.most)
            found = infer(model.predictor(used), prior, settings, power=model.power)
            estimates[place].append(found)
            observed[place].append(_observable(family, found.context, tasks[place]))
            if progress is not None:
                progress(episode * len(tasks) + place + 1, episodes * len(tasks))
    return [
        AdaptedTask(
            task,
            result.split,
            tuple(seen[:-1]),
            tuple(float(np.asarray(each.rewards).sum()) for each in own),
            tuple(map(len, own)),
            result,
            tuple(inferred),
        )
        for task, seen, own, result, inferred in zip(tasks, observed, recorded, exact, estimates, strict=True)
    ]


def _observable(family: Family, found: Context, task: Context) -> Context:
    """A context with the task's own values of features that no simulation has: they are the user's choice."""
    own = {name: task[name] for name in family.space.names if not family.carriers.of(name).simulated}
    return family.space.complete({**found, **own}) if own else found


def _acting(
    policy: Policy, family: Family, observed: Sequence[Context | None], seeds: Sequence[int]
) -> Policy:
    """What acts in an episode of each task: the policy under other contexts, or random actions."""
    known = [context for context in observed if context is not None]
    if len(known) < len(observed):
        return _RandomActions(family.action_space, seeds)
    descriptors = family.space.descriptors(known)
    return WithOtherContexts(policy, lambda _: descriptors)


class _RandomActions:
    """Draws actions uniformly, valid ones where the environment has masks, of each task by its own seed.

    Attributes:
        masked: it takes action masks, where there are any.
    """

    masked = True

    def __init__(self, space: Any, seeds: Sequence[int]) -> None:
        self._spaces = [deepcopy(space) for _ in seeds]
        for own, seed in zip(self._spaces, seeds, strict=True):
            own.seed(int(seed))
        self._rngs = [np.random.default_rng(seed) for seed in seeds]

    def __call__(self, observation: Observation, masks: Masks | None = None) -> NDArray[Any]:
        """The actions (n, ...)."""
        if masks is None:
            return np.stack([space.sample() for space in self._spaces])
        rows = zip(self._spaces, masks, self._rngs, strict=True)
        return np.stack([draw_valid(space, mask, rng) for space, mask, rng in rows])
