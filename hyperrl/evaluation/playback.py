"""An agent seen acting: several tasks side by side, each with its context and return so far."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.evaluation.canvas import Canvas
from hyperrl.evaluation.plan import spread_out
from hyperrl.evaluation.policy_act import Act
from hyperrl.evaluation.task_selection import select_tasks
from hyperrl.evaluation.zero_shot import MAX_EPISODE_STEPS, start_seeds
from hyperrl.recipes import CONTEXT, SPLITS, Context

if TYPE_CHECKING:
    from hyperrl.tasks import Family
    from hyperrl.tasks.env import ContextualEnv

MAX_PANELS = 16
CHOSEN = 3
"""Tasks of each held-out split that are shown where none are asked for."""

Frame = NDArray[np.uint8]


@dataclass
class Panel:
    """One task at play.

    Attributes:
        env: its environment.
        context: the task.
        split: that it is of, or how a context of the user's own is flagged.
        units: of the features that have one.
        seen: the last observation.
        frame: the last picture of it.
        total: return so far.
        steps: steps so far.
        running: whether the episode goes on.
    """

    env: ContextualEnv
    context: Context
    split: str
    units: Mapping[str, str]
    seen: dict[str, Any] = field(default_factory=dict)
    frame: Frame = field(default_factory=lambda: np.zeros((1, 1, 3), np.uint8))
    total: float = 0.0
    steps: int = 0
    running: bool = True

    def reset(self, seed: int, options: Mapping[str, Any]) -> None:
        """Begin the episode."""
        self.seen, _ = self.env.reset(seed=seed, options={**options, CONTEXT: self.context})
        self.frame = self._drawn()

    def step(self, action: NDArray[Any]) -> None:
        """Take a step, and a picture of where it led."""
        self.seen, reward, terminated, truncated, _ = self.env.step(action)
        self.total += float(reward)
        self.steps += 1
        self.running = not (terminated or truncated)
        self.frame = self._drawn()

    @property
    def caption(self) -> tuple[str, ...]:
        """What stands above the picture: the split, the features' values, then return and steps."""
        state = "" if self.running else ", ended"
        values = [
            f"{name} = {value:.3g} {self.units.get(name, '')}".rstrip()
            for name, value in self.context.items()
        ]
        return self.split, *values, f"return {self.total:.1f}, step {self.steps}{state}"

    def _drawn(self) -> Frame:
        frame = self.env.render()
        if not isinstance(frame, np.ndarray) or frame.ndim != 3 or frame.shape[2] != 3:
            raise UserError(f"{type(self.env.base).__name__}: renders no picture (render_mode 'rgb_array')")
        return frame.astype(np.uint8, copy=False)


def shown(family: Family, contexts: Sequence[Mapping[str, float]]) -> list[Context]:
    """The tasks to watch, complete: those given, else some of each held-out split, evenly spaced in it.

    Where no task is held out, they are training tasks.

    Raises:
        UserError: an unknown feature, a value that is not finite, or more than 16 tasks.
    """
    if len(contexts) > MAX_PANELS:
        raise UserError(f"watch: {len(contexts)} tasks; at most {MAX_PANELS} fit one picture")
    if contexts:
        return list(select_tasks(family, contexts=contexts).contexts)
    held_out = [spread_out(family.tasks(split), CHOSEN) for split in ("interpolation", "extrapolation")]
    return [task for tasks in held_out for task in tasks] or spread_out(family.tasks("train"), 2 * CHOSEN)


def scenes(
    act: Act, family: Family, contexts: Sequence[Mapping[str, float]], *, seed: int = 0
) -> Iterator[Frame]:
    """The pictures of one episode of every task, from its start to the end of the longest.

    Args:
        act: the policy.
        family: the tasks' family; its reset options for evaluation apply.
        contexts: tasks, at most 16; each has a panel, row by row.
        seed: of the start states, which are those of `evaluate`'s first episode.

    Yields:
        Pictures (height, width, 3), all of one size, both a multiple of 16.

    Raises:
        UserError: an environment that renders no pictures, or whose episodes do not end.
    """
    options = dict(family.recipe.evaluation.options)
    with ExitStack() as open_ones:
        units = {name: feature.unit for name, feature in family.recipe.features.items()}
        panels = [
            Panel(family.make(render_mode="rgb_array"), context, _split_of(family, context), units)
            for context in map(family.space.complete, contexts)
        ]
        for panel in panels:
            open_ones.callback(panel.env.close)
        for panel in panels:
            panel.reset(start_seeds(panel.context, 1, seed)[0], options)
        canvas = Canvas([panel.frame.shape[:2] for panel in panels], [panel.caption for panel in panels])
        for _ in range(MAX_EPISODE_STEPS):
            yield canvas.picture([(panel.frame, panel.caption) for panel in panels])
            running = [panel for panel in panels if panel.running]
            if not running:
                return
            seen = {key: np.stack([np.asarray(each.seen[key]) for each in panels]) for key in panels[0].seen}
            for panel, action in zip(panels, act(seen), strict=True):
                if panel.running:
                    panel.step(action)
    raise UserError(f"family {family.name!r}: an episode did not end within {MAX_EPISODE_STEPS} steps")


def _split_of(family: Family, context: Context) -> str:
    """The split that holds a task, or, where none does, how the training ranges flag it."""
    for split in SPLITS:
        if context in family.tasks(split):
            return split
    return family.flag(context)


def rate(family: Family) -> int:
    """Pictures a second at which the environment plays in its own time; 30 where it does not say.

    Raises:
        UserError: its metadata does not say that it renders pictures.
    """
    with closing(family.make_default()) as env:
        metadata = env.metadata or {}
        told, modes = metadata.get("render_fps", 30), metadata.get("render_modes") or ()
        if "rgb_array" not in modes:
            found = ", ".join(map(repr, modes)) or "none"
            raise UserError(
                f"family {family.name!r}: {type(env.base).__name__} renders no picture; its metadata's"
                f" render_modes: found {found}; needed: 'rgb_array'"
            )
    return max(1, round(told)) if isinstance(told, (int, float)) and math.isfinite(told) else 30
