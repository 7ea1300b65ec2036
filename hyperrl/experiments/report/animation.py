"""An animation of an agent that acts on a task of each split, inside a page."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from typing import TYPE_CHECKING

from hyperrl.errors import UserError
from hyperrl.evaluation import ModelPolicy
from hyperrl.evaluation.playback import frame_rate, render_episodes
from hyperrl.experiments.report.images import Picture

if TYPE_CHECKING:
    from hyperrl.evaluation.agent import Agent

SPLITS = ("train", "interpolation", "extrapolation")
_FRAMES = 80
"""Frames of an episode of full length, about; others are left out."""
_PANEL = 280
"""Width of a task's panel in pixels."""
_COLORS = 48
_SHORTEST = 20
"""Milliseconds that browsers show a frame at least."""


def animate(agent: Agent, label: str) -> Picture:
    """One episode each of the middle task of train, interpolation and extrapolation, as a GIF.

    Raises:
        UserError: the family renders no pictures, or has no such tasks.
    """
    from PIL import Image

    family = agent.family
    splits = {split: family.tasks(split) for split in SPLITS if family.tasks(split)}
    tasks = [each[len(each) // 2] for each in splits.values()]
    if not tasks:
        raise UserError(f"family {family.name!r}: has no tasks")
    rate, every = frame_rate(family), max(1, (family.max_steps or 1000) // _FRAMES)
    size = (0, 0)
    frames = []
    for step, frame in enumerate(render_episodes(ModelPolicy(agent.model), family, tasks)):
        if step % every == 0:
            height, width = frame.shape[:2]
            size = (_PANEL * len(tasks), round(height * _PANEL * len(tasks) / width))
            frames.append(Image.fromarray(frame).resize(size).quantize(_COLORS))
    packed = BytesIO()
    milliseconds = max(_SHORTEST, round(1000 * every / rate))
    frames[0].save(
        packed, format="gif", save_all=True, append_images=frames[1:], duration=milliseconds, loop=0
    )
    caption = f"{label} acts on the middle task of {', '.join(splits)}."
    source = f"data:image/gif;base64,{b64encode(packed.getvalue()).decode()}"
    return Picture(source, caption, size[0], lines=False)
