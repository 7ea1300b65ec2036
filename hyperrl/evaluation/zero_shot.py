"""Zero-shot evaluation: a fixed policy on many tasks at once, with nothing learned in between."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm

    from hyperrl.tasks import Family

Observation = dict[str, NDArray[Any]]
Act = Callable[[Observation], NDArray[Any]]
"""A policy: observations of n environments, each entry with n as first axis, to n actions."""

MAX_ENVS = 4096
MAX_EPISODE_STEPS = 100_000


@dataclass(frozen=True)
class TaskResult:
    """What one policy reached on one task.

    Attributes:
        context: raw value of every feature.
        split: the split that the task was taken from, or how a context of the user's own is flagged.
        returns: undiscounted return of each episode, in the raw reward's unit.
        lengths: steps of each episode.
        oracle: best known return of the task, None where none is known.
    """

    context: dict[str, float]
    split: str
    returns: list[float]
    lengths: list[int]
    oracle: float | None

    @property
    def mean(self) -> float:
        """Mean return over the episodes."""
        return float(np.mean(self.returns))

    def to_json(self) -> dict[str, Any]:
        """The task's entry in `hyperrl evaluate --json`."""
        return {
            "context": dict(self.context),
            "split": self.split,
            "returns": list(self.returns),
            "lengths": list(self.lengths),
            "mean": self.mean,
            "oracle": self.oracle,
        }


def evaluate_tasks(
    act: Act,
    family: Family,
    contexts: Sequence[Mapping[str, float]],
    *,
    episodes: int,
    seed: int = 0,
    splits: Sequence[str] | None = None,
) -> list[TaskResult]:
    """Play every task for some episodes, all of them side by side as one batch of environments.

    Episode e starts from the same seed on every task, so that tasks, policies and training seeds are
    compared on the same starts. What an environment does never depends on the others: returns do not change
    with the order of the tasks or with what else is in the batch (of a policy that maps each row by
    itself).

    Args:
        act: the policy, called with up to 4096 environments at a time.
        family: the tasks' family; its reset options for evaluation apply.
        contexts: one task each; features left out take their defaults.
        episodes: episodes per task, at least 1.
        seed: of the start states, at least 0.
        splits: name of each task's split; None flags each task by the family's ranges.

    Returns:
        One result per context, in their order.

    Raises:
        UserError: an unknown feature, a value that is not finite, no episode, a negative seed, a return
            that is not finite, or an environment whose episodes do not end.
    """
    if episodes < 1:
        raise UserError(f"episodes: at least 1, found {episodes}")
    full = [family.space.complete(context) for context in contexts]
    names = [family.flag(context) for context in full] if splits is None else list(splits)
    if len(names) != len(full):
        raise ValueError(f"{len(names)} splits for {len(full)} contexts")
    starts = start_seeds(episodes, seed)
    plays = [(context, start) for context in full for start in starts]
    returns, lengths = np.empty(len(plays)), np.empty(len(plays), dtype=np.int64)
    for first in range(0, len(plays), MAX_ENVS):
        chunk = slice(first, first + MAX_ENVS)
        returns[chunk], lengths[chunk] = _play(act, family, plays[chunk])
    _refuse_non_finite(family, plays, returns)
    per_task = zip(full, names, returns.reshape(-1, episodes), lengths.reshape(-1, episodes), strict=True)
    return [
        TaskResult(context, name, got.tolist(), took.tolist(), family.oracle(context))
        for context, name, got, took in per_task
    ]


def start_seeds(episodes: int, seed: int) -> list[int]:
    """The seed that each episode's environment is reset with, the same for all tasks.

    Neighbouring seeds share no start: each is drawn from the sequence (seed, episode).
    """
    if seed < 0:
        raise UserError(f"seed: at least 0, found {seed}")
    return [int(np.random.SeedSequence([seed, episode]).generate_state(1)[0]) for episode in range(episodes)]


def act_of(model: BaseAlgorithm, deterministic: bool = True) -> Act:
    """The policy of a Stable-Baselines3 model; actions are clipped to the action space as `predict` does."""

    def act(observation: Observation) -> NDArray[Any]:
        actions, _ = model.predict(observation, deterministic=deterministic)
        return np.asarray(actions)

    return act


def _play(
    act: Act, family: Family, plays: Sequence[tuple[dict[str, float], int]]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Returns and lengths of each environment's first episode."""
    contexts = [context for context, _ in plays]
    env = family.make_vec(len(plays), contexts=contexts, options=dict(family.recipe.evaluation.options))
    try:
        total, length = np.zeros(len(plays)), np.zeros(len(plays), dtype=np.int64)
        running = np.ones(len(plays), dtype=bool)
        observation, _ = env.reset(seed=[start for _, start in plays])  # type: ignore[arg-type]  # vectors take lists
        for _ in range(MAX_EPISODE_STEPS):
            observation, reward, terminated, truncated, _ = env.step(act(observation))
            total[running] += np.asarray(reward, dtype=np.float64)[running]
            length += running
            running &= ~(np.asarray(terminated) | np.asarray(truncated))
            if not running.any():
                return total, length
    finally:
        env.close()
    raise UserError(
        f"family {family.name!r}: an episode of {family.recipe.base!r} did not end within"
        f" {MAX_EPISODE_STEPS} steps; set kwargs.max_episode_steps in the family's file"
    )


def _refuse_non_finite(
    family: Family, plays: Sequence[tuple[dict[str, float], int]], returns: NDArray[np.float64]
) -> None:
    bad = np.flatnonzero(~np.isfinite(returns))
    if bad.size:
        context = ", ".join(f"{name}={value:g}" for name, value in plays[bad[0]][0].items())
        raise UserError(f"family {family.name!r}: the return at {context} is not finite ({returns[bad[0]]})")
