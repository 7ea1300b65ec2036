"""A replay buffer that infers contexts from the transitions that it stores."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.type_aliases import DictReplayBufferSamples as Samples
from stable_baselines3.common.vec_env import VecNormalize

from hyperrl.policies.hindsight import HindsightReplayBuffer
from hyperrl.policies.inference import ContextInference
from hyperrl.policies.n_step import Returns
from hyperrl.policies.replay import ContextReplayBuffer
from hyperrl.policies.task_table import StoredContexts
from hyperrl.policies.windows import Floats
from hyperrl.recipes import CONTEXT


class WindowReplayBuffer(ContextReplayBuffer):
    """A replay buffer whose contexts are latents, inferred anew whenever transitions are sampled.

    The transitions of an environment lie one after the other, so that the window before each of them is there
    already and is not stored. It begins with the episode, and at the oldest transition that is still stored.

    Args:
        arguments: Those of ``ContextReplayBuffer``; the context is a latent.
        window: The most transitions of a window.
        inference: Infers latents; it may be set later, before anything is sampled.
    """

    def __init__(
        self,
        buffer_size: int,
        observation_space: spaces.Dict,
        *arguments: Any,
        window: int,
        inference: ContextInference | None = None,
        **options: Any,
    ) -> None:
        super().__init__(buffer_size, observation_space, *arguments, **options)
        self.window, self.inference = window, inference
        self.observations[CONTEXT] = self.next_observations[CONTEXT] = NotStored()  # type: ignore[assignment]

    def _samples(self, rows: NDArray[np.intp], returns: Returns, env: VecNormalize | None) -> Samples:
        last, rewards, dones, discounts = returns
        windows = np.concatenate([self.windows_before(rows), self.windows_after(last)])
        latents = self._inference.latents(windows)
        now, later = np.split(latents, 2)
        return Samples(
            observations=self._with_latents(self.observations, rows, now, env),
            actions=self.to_torch(self.actions.reshape(-1, *self.actions.shape[2:]).take(rows, axis=0)),
            next_observations=self._with_latents(self.next_observations, last, later, env),
            dones=dones,
            rewards=rewards,
            discounts=discounts,
        )

    @property
    def _inference(self) -> ContextInference:
        if self.inference is None:
            raise RuntimeError("WindowReplayBuffer: inference is None; allowed: that of a policy")
        return self.inference

    def _with_latents(
        self, parts: Mapping[str, Any], rows: NDArray[np.intp], latents: Floats, env: VecNormalize | None
    ) -> dict[str, Any]:
        normalized: Any = self._normalize_obs(self._rows_of(parts, rows), env)
        return {
            name: self.to_torch(latents if name == CONTEXT else normalized[name])
            for name in self.observations
        }

    def _rows_of(self, parts: Mapping[str, Any], rows: NDArray[np.intp]) -> dict[str, NDArray[Any]]:
        """Some transitions' observations, without their contexts."""
        return {
            name: part.reshape(-1, *part.shape[2:]).take(rows, axis=0)
            for name, part in parts.items()
            if name != CONTEXT
        }

    def sample_transitions(self, batch_size: int) -> tuple[Floats, Floats]:
        """Windows (row, window, columns + 1), and the transitions (row, columns) that follow each."""
        positions = self.buffer_size if self.full else self.pos
        rows = np.random.randint(0, positions * self.n_envs, size=batch_size)
        return self.windows_before(rows), self.transitions(rows)

    def transitions(self, rows: NDArray[np.intp]) -> Floats:
        """Transitions (row, columns) of these numbers, which count over all environments."""
        to_rows = self._inference.transitions
        before, after = (
            to_rows.observations(self._rows_of(parts, rows))
            for parts in (self.observations, self.next_observations)
        )
        actions = self.actions.reshape(-1, *self.actions.shape[2:]).take(rows, axis=0)
        return to_rows.join(before, to_rows.stored_actions(actions), after)

    def windows_before(self, rows: NDArray[np.intp]) -> Floats:
        """The windows (row, window, columns + 1) of what was observed before transitions."""
        return self._windows(rows, np.arange(self.window, 0, -1))

    def windows_after(self, rows: NDArray[np.intp]) -> Floats:
        """The windows of what was observed after transitions, these included."""
        return self._windows(rows, np.arange(self.window - 1, -1, -1))

    def _windows(self, rows: NDArray[np.intp], steps: NDArray[np.intp]) -> Floats:
        """Windows of the transitions that lie these numbers of steps before others, decreasing ones."""
        position, env = np.divmod(rows, self.n_envs)
        oldest = self.pos if self.full else 0
        age = (position - oldest) % self.buffer_size
        earlier = (position[:, None] - steps) % self.buffer_size * self.n_envs + env[:, None]
        ended = (self.dones.reshape(-1).take(earlier) > 0) | (self.timeouts.reshape(-1).take(earlier) > 0)
        ended &= steps > 0  # a transition's own end is none of what came before
        over = np.logical_or.accumulate(ended[:, ::-1], axis=1)[:, ::-1]
        present = ~over & (steps <= age[:, None])
        found = self.transitions(earlier.reshape(-1)).reshape(*earlier.shape, -1)
        return np.concatenate([found * present[..., None], present[..., None]], axis=2, dtype=np.float32)


class WindowHindsightReplayBuffer(WindowReplayBuffer, HindsightReplayBuffer):
    """The same where goals are relabeled in hindsight; observations tell the goal, and not the context."""


class NotStored(StoredContexts):
    """Contexts that are not stored."""

    def __init__(self) -> None:
        """Holds nothing."""

    @property
    def stored(self) -> None:
        """None."""
        return None

    def __setitem__(self, position: int, contexts: NDArray[Any]) -> None:
        """Stores nothing."""

    def _holders(self) -> list[StoredContexts]:
        return []
