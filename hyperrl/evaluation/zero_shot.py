"""Zero-shot evaluation: a fixed policy on many tasks at once, with nothing learned in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.evaluation.observed import Change, WithNoise, replaced, with_changes
from hyperrl.evaluation.policy import Policy, begin_episodes, takes_masks
from hyperrl.evaluation.progress import EpisodeProgress, Progress
from hyperrl.recipes import Context
from hyperrl.tasks.carriers import term_returns
from hyperrl.tasks.context_errors import ContextErrors
from hyperrl.tasks.contexts import assignment
from hyperrl.tasks.observation_noise import ObservationNoise
from hyperrl.tasks.schedules import Schedules, schedule_rng

if TYPE_CHECKING:
    from hyperrl.tasks import Family

MAX_ENVS, MAX_SINGLE_ENVS = 4096, 256
"""The most environments that play side by side: where they advance as one batch, and where each is an object
of its own, which takes memory (a MuJoCo environment some 3 MB)."""

MAX_EPISODE_STEPS = 100_000
CHOICE_SEED = 2**32
"""Seed of the starts by which training chooses its best weights: beyond any that an evaluation takes."""


class StepRewards(NamedTuple):
    """One episode in which the task changed.

    Attributes:
        rewards: of each step, (steps,).
        jumps: the steps after which a feature jumped.
    """

    rewards: NDArray[np.float64]
    jumps: tuple[int, ...]


@dataclass(frozen=True)
class TaskResult:
    """The episodes of one policy on one task.

    Attributes:
        context: raw value of every feature.
        split: the split that holds the task, or how a context of the user's own is flagged.
        returns: undiscounted return of each episode, in the raw reward's unit.
        lengths: steps of each episode.
        oracle: best known return of the task, None where none is known.
        observed_context: what the policy observed in the task's place; None where that was its context.
        rewards: of each step of each episode, and the steps after which a feature jumped, where tasks change
            within an episode or rewards were to be kept; else None.
        term_returns: where features weigh terms of the reward, the return of each term and of the rest in
            each episode, not weighed; else empty.
    """

    context: Mapping[str, float]
    split: str
    returns: list[float]
    lengths: list[int]
    oracle: float | None
    observed_context: Mapping[str, float] | None = None
    rewards: Sequence[StepRewards] | None = None
    term_returns: Mapping[str, list[float]] = field(default_factory=dict)

    @property
    def mean(self) -> float:
        """Mean return over the episodes."""
        return float(np.mean(self.returns))

    @property
    def of_oracle(self) -> float | None:
        """Mean return as a part of the oracle; None unless that is known and above 0."""
        return part_of(self.mean, self.oracle)

    def to_json(self) -> dict[str, Any]:
        """The task's entry in `hyperrl evaluate --json`; `observed_context` is there if it is another one."""
        entry = {**vars(self), "context": dict(self.context), "mean": self.mean}
        entry.pop("rewards")
        if not self.term_returns:
            entry.pop("term_returns")
        observed = entry.pop("observed_context")
        return entry if observed is None else {**entry, "observed_context": dict(observed)}


def part_of(mean: float, best: float | None) -> float | None:
    """A return as a part of another one; None unless that is known and above 0."""
    return mean / best if best is not None and best > 0 else None


def evaluate_tasks(
    policy: Policy,
    family: Family,
    contexts: Sequence[Mapping[str, float]],
    *,
    episodes: int | Sequence[int],
    seed: int | Sequence[int] = 0,
    splits: Sequence[str] | None = None,
    observed: Sequence[Mapping[str, float]] | None = None,
    errors: Sequence[NDArray[np.float64]] | None = None,
    noise: ObservationNoise | None = None,
    step_rewards: bool = False,
    progress: Progress | None = None,
) -> list[TaskResult]:
    """Play every task for some episodes, side by side, each in an environment of its own.

    Every episode of every task has a start of its own, drawn from the seed, the task's values and the
    episode's number: other tasks start otherwise, while policies and training seeds are compared on the same
    starts. Environments do not influence each other: returns do not change with the order of the tasks or
    with what else is in the batch (of a policy that maps each row by itself).

    Args:
        policy: the policy, called with up to 4096 environments at a time; one with a memory is reset first,
            one that takes action masks gets them.
        family: the tasks' family; its reset options for evaluation apply.
        contexts: one task each; features left out take their defaults.
        episodes: episodes per task, at least 1; or of each task its own number of them.
        seed: of the starts, at least 0; or of each task its own.
        splits: name of each task's split; None flags each task by the family's ranges.
        observed: for each task the context that the policy observes in the place of the task's own, while
            the environment stays in its own; None: the task's own.
        errors: for each task the error of what the policy observes, (features,), as `ContextErrors` has them;
            None: none.
        noise: on what the policy observes beside the context, of the episode's start; None: none.
        step_rewards: keep the reward of each step, in families whose tasks stay too.
        progress: called now and then with the work done and planned, in steps; every episode counts as the
            longest that there can be.

    Returns:
        One result per context, in their order.

    Raises:
        UserError: an unknown feature, or a value that is not finite; an observation, action or return that
            is not finite, with its task and step; or an environment whose episodes do not end.
    """
    full = [family.space.complete(context) for context in contexts]
    names = [family.flag(context) for context in full] if splits is None else splits
    starts = [
        start_seeds(context, count, own)
        for context, count, own in zip(full, _each(episodes, full), _each(seed, full), strict=True)
    ]
    plays = [(context, start) for context, own in zip(full, starts, strict=True) for start in own]
    report = EpisodeProgress(progress, family.max_steps or 1, len(plays))
    played: list[_Episode] = []
    step_rewards = step_rewards or family.schedules is not None
    others = [family.space.complete(context) for context in observed or ()]
    noted: Sequence[Context | None] = others or [None] * len(full)
    counts = [*map(len, starts)]
    changes: list[tuple[Change, NDArray[Any]]] = []
    if others:
        changes.append((replaced, np.repeat(family.space.descriptors(others), counts, axis=0)))
    if errors is not None:
        changes.append((ContextErrors(family.space).shift, np.repeat(np.stack(errors), counts, axis=0)))
    most = MAX_ENVS if family.batched else MAX_SINGLE_ENVS
    for first in range(0, len(plays), most):
        some = slice(first, first + most)
        acting = with_changes(policy, changes, some)
        if noise is not None:
            acting = WithNoise(acting, noise, [start for _, start in plays[some]])
        played += _play(acting, family, plays[some], report, step_rewards)
    results, rest = [], iter(played)
    for context, split, own, other in zip(full, names, starts, noted, strict=True):
        returns, lengths, rewards, terms = zip(*islice(rest, len(own)), strict=True)
        steps = _with_jumps(family.schedules, context, own, rewards) if step_rewards else None
        best = family.oracle(context, own)
        by_term = {term: [each[term] for each in terms] for term in terms[0]}
        results.append(TaskResult(context, split, list(returns), list(lengths), best, other, steps, by_term))
    return results


def _with_jumps(
    schedules: Schedules | None,
    context: Context,
    seeds: Sequence[int],
    rewards: Sequence[NDArray[np.float64]],
) -> list[StepRewards]:
    """The rewards of a task's episodes with the jumps in each, which its seed tells."""
    if schedules is None:
        return [StepRewards(own, ()) for own in rewards]
    courses = [schedules.begin(context, schedule_rng(seed)) for seed in seeds]
    return [StepRewards(own, course.jumps) for own, course in zip(rewards, courses, strict=True)]


def start_seeds(context: Context, episodes: int, seed: int) -> list[int]:
    """The seed that the environment is reset with for each of a task's episodes.

    They are words of NumPy's SeedSequence of (seed, the task's values): entry e depends on these and on e
    alone, not on the number of episodes, on other tasks, or on the policy. Values that are the same task to
    the family (equal to 9 digits, an angle a turn further) have the same starts.

    Args:
        context: the task.
        episodes: how many, at least 1.
        seed: of the evaluation.
    """
    sequence = np.random.SeedSequence([seed, *task_words(context)])
    return [int(start) for start in sequence.generate_state(episodes)]


def task_words(context: Context) -> list[int]:
    """A task's values as words of 32 bits, from which its random numbers are drawn."""
    return [int(word) for word in np.array(context.key, dtype="<f8").view("<u4")]


def _each(value: int | Sequence[int], tasks: Sequence[object]) -> Sequence[int]:
    return value if isinstance(value, Sequence) else [value] * len(tasks)


_Episode = tuple[float, int, NDArray[np.float64], dict[str, float]]
"""Return, steps, the reward of each step where it is kept, else none, and the return of each term of the
reward that a feature weighs."""


def _play(
    policy: Policy,
    family: Family,
    plays: Sequence[tuple[Context, int]],
    report: EpisodeProgress,
    step_rewards: bool,
) -> list[_Episode]:
    """Play one episode of each task and start, all side by side."""
    per_step: list[NDArray[np.float64]] = []
    terms: list[dict[str, float]] = [{} for _ in plays]
    weighed = [term for feature in family.space.features.values() for term in feature.terms]
    contexts = [context for context, _ in plays]
    total, length = np.zeros(len(plays)), np.zeros(len(plays), dtype=np.int64)
    running = np.ones(len(plays), dtype=bool)
    begin_episodes(policy)
    env = family.make_vec(len(plays), contexts=contexts, options=dict(family.recipe.evaluation.options))

    def finite(what: str, rows: NDArray[Any]) -> NDArray[Any]:
        """Refuse a number that is not finite in an episode under way, and put 0 in the place of others."""
        if rows.dtype.kind != "f" or np.isfinite(rows).all():
            return rows
        bad = ~np.isfinite(rows.reshape(len(rows), -1)).all(axis=1)
        if (bad & running).any():
            task = assignment(contexts[int(np.argmax(bad & running))])
            raise UserError(
                f"family {family.name!r}: {what} is not finite after {length.max()} steps of task {task}"
            )
        return np.where(bad.reshape(-1, *[1] * (rows.ndim - 1)), rows.dtype.type(0), rows)

    with closing(env), np.errstate(all="ignore"):
        observation, _ = env.reset(seed=[start for _, start in plays])
        masked = takes_masks(policy, family.name, env.masked)
        for _ in range(MAX_EPISODE_STEPS):
            observation = {name: finite("the observation", part) for name, part in observation.items()}
            masks = (env.action_masks(),) if masked else ()
            action = finite("the action", policy(observation, *masks))
            observation, reward, terminated, truncated, ended = env.advance(action)
            if step_rewards:
                per_step.append(np.array(reward, np.float64))
            total[running] += np.asarray(reward, dtype=np.float64)[running]
            for index, _, info in ended:
                if running[index]:
                    total[index] = info["episode"]["r"]  # of the rewards below an agent's wrappers
                    terms[index] = term_returns(info, weighed)
            length += running
            finite("the return", total)
            running &= ~(np.asarray(terminated) | np.asarray(truncated))
            if ended:
                env.set_idle([index for index, *_ in ended])
            report(length, running)
            if not running.any():
                rewards = np.stack(per_step, axis=1) if per_step else np.zeros((len(plays), 0))
                steps = length.tolist()
                return [
                    (own, count, row[:count], parts)
                    for own, count, row, parts in zip(total.tolist(), steps, rewards, terms, strict=True)
                ]
    raise endless_error(family)


def endless_error(family: Family) -> UserError:
    """The error of an environment whose episodes do not end."""
    return UserError(
        f"family {family.name!r}: an episode of {family.recipe.base!r} did not end within"
        f" {MAX_EPISODE_STEPS} steps; set kwargs.max_episode_steps in the family's file"
    )
