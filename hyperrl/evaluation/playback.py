"""Pictures of an agent that acts: several tasks side by side, each with its context and return so far."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.evaluation.canvas import Canvas, Frame
from hyperrl.evaluation.plan import spread_out
from hyperrl.evaluation.policy import Policy, takes_masks
from hyperrl.evaluation.zero_shot import MAX_EPISODE_STEPS, start_seeds
from hyperrl.masks import ACTION_MASKS, Masks
from hyperrl.recipes import ALL_SPLITS, CONTEXT, Context

if TYPE_CHECKING:
    from hyperrl.tasks import Family
    from hyperrl.tasks.env import ContextualEnv

MAX_PANELS = 16
DEFAULT_TASKS = 3
"""Tasks of each held-out split that are shown where the user names none."""


@dataclass
class Panel:
    """One task at play.

    Attributes:
        env: its environment.
        context: the task, as it is at present.
        split: the one that holds it, or how a context of the user's own is flagged.
        units: of the features that have one.
        observation: the last observation.
        frame: the last picture.
        total: return so far.
        steps: steps so far.
        running: whether the episode goes on.
    """

    env: ContextualEnv
    context: Mapping[str, float]
    split: str
    units: Mapping[str, str]
    observation: dict[str, Any] = field(default_factory=dict)
    frame: Frame = field(default_factory=lambda: np.zeros((1, 1, 3), np.uint8))
    total: float = 0.0
    steps: int = 0
    running: bool = True

    def reset(self, seed: int, options: Mapping[str, Any]) -> None:
        """Begin the episode."""
        self.observation, _ = self.env.reset(seed=seed, options={**options, CONTEXT: dict(self.context)})
        self._render()

    def mask(self) -> Masks:
        """Which choices the next action may make; all of them once the episode has ended."""
        if not self.running:
            return np.ones(sum(self.env.adapter.choices), np.bool_)
        return self.env.action_masks()

    def step(self, action: NDArray[Any]) -> None:
        """Take a step, and a picture of the new state."""
        self.observation, _, terminated, truncated, _ = self.env.step(action)
        self.total, self.context = self.env.episode_return, self.env.context
        self.steps += 1
        self.running = not (terminated or truncated)
        self._render()

    @property
    def caption(self) -> tuple[str, ...]:
        """Lines above the picture: the split, the features' values, then return and steps."""
        state = "" if self.running else ", ended"
        values = [
            f"{name} = {value:.3g} {self.units.get(name, '')}".rstrip()
            for name, value in self.context.items()
        ]
        return self.split, *values, f"return {self.total:.1f}, step {self.steps}{state}"

    def _render(self) -> None:
        frame = self.env.render()
        if not isinstance(frame, np.ndarray) or frame.ndim != 3 or frame.shape[2] != 3:
            raise UserError(f"{type(self.env.base).__name__}: renders no picture (render_mode 'rgb_array')")
        self.frame = frame.astype(np.uint8, copy=False)


def tasks_to_watch(family: Family, contexts: Sequence[Mapping[str, float]]) -> list[Context]:
    """The user's contexts, complete; without any, some tasks of each held-out split, evenly spaced in it.

    Where no task is held out, they are training tasks.

    Raises:
        UserError: an unknown feature, a value that is not finite, or more than 16 tasks.
    """
    if len(contexts) > MAX_PANELS:
        raise UserError(f"watch: {len(contexts)} tasks; at most {MAX_PANELS} fit one picture")
    if contexts:
        return [family.space.complete(context) for context in contexts]
    held_out = [family.tasks(split) for split in ("interpolation", "extrapolation")]
    some = [task for tasks in held_out for task in spread_out(tasks, DEFAULT_TASKS)]
    return some or spread_out(family.tasks("train"), 2 * DEFAULT_TASKS)


def render_episodes(
    policy: Policy, family: Family, contexts: Sequence[Mapping[str, float]], *, seed: int = 0
) -> Iterator[Frame]:
    """The pictures of one episode of every task, from its start to the end of the longest.

    Args:
        policy: the policy.
        family: the tasks' family; its reset options for evaluation apply.
        contexts: tasks, at most 16; each has a panel, row by row.
        seed: of the start states, which are those of `evaluate`'s first episode.

    Yields:
        Pictures (height, width, 3), all of one size, both a multiple of 16.

    Raises:
        UserError: an environment that renders no pictures, or whose episodes do not end.
    """
    options = dict(family.recipe.evaluation.options)
    units = {name: feature.unit for name, feature in family.recipe.features.items()}
    with ExitStack() as stack:
        panels = []
        for context in map(family.space.complete, contexts):
            panel = Panel(family.make(render_mode="rgb_array"), context, _split_of(family, context), units)
            stack.callback(panel.env.close)
            panel.reset(start_seeds(context, 1, seed)[0], options)
            panels.append(panel)
        masked = takes_masks(policy, family.name, panels[0].env.has_wrapper_attr(ACTION_MASKS))
        canvas = Canvas([panel.frame.shape[:2] for panel in panels], [panel.caption for panel in panels])
        for _ in range(MAX_EPISODE_STEPS):
            yield canvas.picture([(panel.frame, panel.caption) for panel in panels])
            if not any(panel.running for panel in panels):
                return
            observations = [panel.observation for panel in panels]
            batch = {
                key: np.stack([np.asarray(each[key]) for each in observations]) for key in observations[0]
            }
            masks = (np.stack([panel.mask() for panel in panels]),) if masked else ()
            for panel, action in zip(panels, policy(batch, *masks), strict=True):
                if panel.running:
                    panel.step(action)
    raise UserError(f"family {family.name!r}: an episode did not end within {MAX_EPISODE_STEPS} steps")


def _split_of(family: Family, context: Context) -> str:
    """The split that holds a task, or, where none does, how the training ranges flag it."""
    holding = (split for split in ALL_SPLITS if context in family.tasks(split))
    return next(holding, family.flag(context))


def frame_rate(family: Family) -> int:
    """Frames a second at which the environment plays in its own time; 30 where its metadata has none.

    Raises:
        UserError: its metadata does not say that it renders pictures.
    """
    with closing(family.make_default()) as env:
        metadata = env.metadata or {}
        fps, modes = metadata.get("render_fps", 30), metadata.get("render_modes") or ()
        if "rgb_array" not in modes:
            found = ", ".join(map(repr, modes)) or "none"
            raise UserError(
                f"family {family.name!r}: {type(env.base).__name__} renders no picture; its metadata's"
                f" render_modes: found {found}; needed: 'rgb_array'"
            )
    return max(1, round(fps)) if isinstance(fps, (int, float)) and math.isfinite(fps) else 30
