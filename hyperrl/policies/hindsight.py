"""A replay buffer that relabels goals in hindsight."""

from collections.abc import Mapping
from typing import Any, get_args

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.type_aliases import DictReplayBufferSamples as Samples
from stable_baselines3.common.vec_env import VecNormalize

from hyperrl.arguments import integer, one_of
from hyperrl.policies.replay import ContextReplayBuffer, normalizes_contexts
from hyperrl.policies.task_rows import TaskRows, known_tasks
from hyperrl.policies.task_table import PresentContexts, TaskTable
from hyperrl.recipes import CONTEXT
from hyperrl.recipes.algorithms.off_policy import GoalSelectionStrategy
from hyperrl.tasks.goals import Goals
from hyperrl.tasks.spaces import ACHIEVED, DESIRED

GOAL_SELECTION_STRATEGIES: tuple[str, ...] = get_args(GoalSelectionStrategy)
"""Which achieved goal of an episode becomes the desired one."""


class HindsightReplayBuffer(ContextReplayBuffer):
    """Hindsight experience replay: goals that were achieved replace those that were desired.

    Andrychowicz et al., "Hindsight Experience Replay", NeurIPS 2017. What is drawn, and how it is relabeled,
    is what Stable-Baselines3's ``HerReplayBuffer`` does: transitions of finished episodes, a part of which
    get as their desired goal one that was achieved in the same episode, and the reward of that goal. Their
    ends stay, a relabeled success is none. Rewards are those of the task that was played. Where features
    carry the goal, descriptors are relabeled too. Before the first episode has ended nothing is relabeled.

    Args:
        arguments: Those of ``ContextReplayBuffer``; observations have an ``"achieved_goal"``.
        n_sampled_goal: Relabeled transitions for each one as it was.
        goal_selection_strategy: ``"future"``, ``"final"`` or ``"episode"``.
        goals: The family's; it may be set later, before anything is sampled.

    Raises:
        ValueError: Another strategy, a number of relabeled transitions below 1, or returns of several steps.
    """

    def __init__(
        self,
        buffer_size: int,
        observation_space: spaces.Dict,
        *arguments: Any,
        n_sampled_goal: int = 4,
        goal_selection_strategy: str = "future",
        goals: Goals | None = None,
        **options: Any,
    ) -> None:
        one_of(GOAL_SELECTION_STRATEGIES).check("goal_selection_strategy", goal_selection_strategy)
        integer(1).check("n_sampled_goal", n_sampled_goal)
        if options.get("n_steps", 1) != 1:
            raise ValueError(f"n_steps: found {options['n_steps']}; allowed: 1 where goals are relabeled")
        super().__init__(buffer_size, observation_space, *arguments, **options)
        self.goals, self.goal_selection_strategy = goals, goal_selection_strategy
        self._relabeled = 1 - 1 / (n_sampled_goal + 1)
        shape = self.buffer_size, self.n_envs
        self._starts, self._lengths = np.zeros((2, *shape), np.int32)
        self._begun = np.zeros(self.n_envs, np.int32)
        self._finished: NDArray[np.intp] | None = None
        self._played: PresentContexts | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of all that is stored for each transition, over the whole buffer; contexts are not."""
        return super().nbytes + self._starts.nbytes + self._lengths.nbytes + 4 * self._starts.size

    def add(self, obs: Any, next_obs: Any, action: Any, reward: Any, done: Any, infos: Any) -> None:
        """Stores a transition of each environment.

        The info of an episode's last step has the context that was played, ``{"context": {name: value}}``.
        """
        position = self.pos
        for env in self._lengths[position].nonzero()[0]:  # an episode that is overwritten from now on
            end = self._starts[position, env] + self._lengths[position, env]
            self._lengths[np.arange(position, end) % self.buffer_size, env] = 0
            self._finished = None
        self._starts[position] = self._begun
        super().add(obs, next_obs, action, reward, done, infos)
        for env in np.asarray(done).nonzero()[0]:
            self._finish(int(env), infos[env][CONTEXT])

    def _finish(self, env: int, context: Mapping[str, float]) -> None:
        """Notes that an environment's episode has ended, and which context it played."""
        start = self._begun[env]
        length = (self.pos - start - 1) % self.buffer_size + 1
        steps = np.arange(start, start + length) % self.buffer_size
        self._lengths[steps, env] = length
        if self._played is None:
            self._played = self._table_of(len(context))
        self._played.fill((steps, env), np.array([[*context.values()]]))
        self._begun[env] = self.pos
        self._finished = None

    def sample(self, batch_size: int, env: VecNormalize | None = None) -> Samples:  # type: ignore[override]
        """A minibatch, its relabeled transitions last.

        Args:
            batch_size: Its rows.
            env: Normalizes observations and rewards, after goals are relabeled.

        Raises:
            RuntimeError: ``goals`` was not set.
        """
        if self._finished is None:
            self._finished = self._lengths.reshape(-1).nonzero()[0]
        if not len(self._finished):
            return super().sample(batch_size, env)
        drawn = np.random.choice(self._finished, size=batch_size)
        relabeled, others = np.split(drawn, [int(self._relabeled * batch_size)])
        rows = np.concatenate([others, relabeled])
        samples = self._samples(rows, self._returns(self, rows, None), None)
        return self._normalize(self._relabel(samples, relabeled), env)

    def _relabel(self, samples: Samples, rows: NDArray[np.intp]) -> Samples:
        """Samples whose last transitions, of these numbers, have goals that were achieved."""
        if self.goals is None or self._played is None:
            raise RuntimeError("HindsightReplayBuffer: goals is None; allowed: Goals of a family")
        goals, first = self._sample_goals(rows), len(samples.rewards) - len(rows)
        achieved = self.next_observations[ACHIEVED].reshape(-1, *goals.shape[1:]).take(rows, axis=0)
        numbers, index = np.unique(self._played.of(rows), return_inverse=True)
        rewards = self.goals.rewards(achieved, goals, self._played.table.contexts[numbers], index)
        samples.rewards[first:, 0] = self.to_torch(rewards)
        parts: dict[str, Any] = {}
        for name in ("observations", "next_observations"):
            parts[name] = observations = getattr(samples, name)
            if DESIRED in observations:
                observations[DESIRED][first:] = self.to_torch(goals)
            if self.goals.features:
                parts[name] = dict(observations)  # it no longer says which rows are of the same task
                descriptors = observations[CONTEXT][first:].cpu().numpy()
                observations[CONTEXT][first:] = self.to_torch(self.goals.relabel(descriptors, goals))
        return samples._replace(**parts)

    def _sample_goals(self, rows: NDArray[np.intp]) -> NDArray[Any]:
        """For each transition a goal that was achieved in its episode."""
        position, env = np.divmod(rows, self.n_envs)
        starts, lengths = self._starts[position, env], self._lengths[position, env]
        steps: NDArray[Any]
        if self.goal_selection_strategy == "final":
            steps = lengths - 1
        elif self.goal_selection_strategy == "future":
            steps = np.random.randint((position - starts) % self.buffer_size, lengths)
        else:
            steps = np.random.randint(0, lengths)
        goals: NDArray[Any] = self.next_observations[ACHIEVED][(starts + steps) % self.buffer_size, env]
        return goals

    def _normalize(self, samples: Samples, env: VecNormalize | None) -> Samples:
        if env is None:
            return samples
        rewards = self._normalize_reward(samples.rewards.cpu().numpy(), env)
        parts: dict[str, Any] = {"rewards": self.to_torch(rewards)}
        for name in ("observations", "next_observations"):
            sampled = getattr(samples, name)
            normalized: Any = self._normalize_obs(
                {key: part.cpu().numpy() for key, part in sampled.items()}, env
            )
            parts[name] = {key: self.to_torch(part) for key, part in normalized.items()}
            known = None if normalizes_contexts(env) else known_tasks(sampled)
            if known is not None:
                parts[name] = TaskRows(parts[name], known.tasks, known.rows)
        return samples._replace(**parts)

    def end_episodes(self) -> None:
        """Leaves unfinished episodes out, whose environments were reset: nobody says which task they were."""
        super().end_episodes()
        self._begun[:] = self.pos

    def reset(self) -> None:
        """Forgets all transitions."""
        super().reset()
        self._lengths[:] = 0
        self._begun[:] = 0
        self._finished = None

    def extra_state(self, used: int) -> dict[str, Any]:
        """See :meth:`ContextReplayBuffer.extra_state`; where episodes begin, and what they played."""
        played = self._played
        return super().extra_state(used) | {
            "starts": self._starts[:used].copy(),
            "lengths": self._lengths[:used].copy(),
            "begun": self._begun.copy(),
            "played": None if played is None else played.numbers[:used].copy(),
            "values": None if played is None else played.table.contexts[: played.table.count].copy(),
        }

    def load_extra_state(self, state: Mapping[str, Any]) -> None:
        """Restores what :meth:`extra_state` returned."""
        super().load_extra_state(state)
        used = len(state["starts"])
        self._starts[:used], self._lengths[:used] = state["starts"], state["lengths"]
        self._begun[:] = state["begun"]
        if state["values"] is not None:
            self._played = self._table_of(state["values"].shape[1])
            self._played.table.load(state["values"])
            self._played.numbers[:used] = state["played"]

    def _table_of(self, features: int) -> PresentContexts:
        return PresentContexts(TaskTable((features,), np.float64), np.zeros(self._starts.shape, np.int32))
