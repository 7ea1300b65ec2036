"""`load`, `watch`, `specialize` and `export`: the agent of a run, at work and as a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hyperrl.api.arguments import checked
from hyperrl.api.runs import family_of, load_agent, open_run
from hyperrl.arguments import SEED, to_int
from hyperrl.deploy.request import generalist_request, specialist_request
from hyperrl.evaluation import ModelPolicy
from hyperrl.evaluation.agent import Agent
from hyperrl.evaluation.playback import frame_rate, render_episodes, tasks_to_watch
from hyperrl.evaluation.progress import Progress
from hyperrl.evaluation.rng import isolated_rng
from hyperrl.evaluation.video import check_output, show_window, write_video
from hyperrl.garbage import collection_paused
from hyperrl.store import Run
from hyperrl.tasks import Family

if TYPE_CHECKING:
    from hyperrl.deploy.export import Written


@checked
def load(
    run: str | Path | Run,
    *,
    checkpoint: str | int | None = None,
    device: str = "cpu",
    allow_import: Sequence[str] = (),
    family: Family | None = None,
) -> Agent:
    """Load a run's trained agent.

    Args:
        run: a run directory.
        checkpoint: `best`, `latest` or a number of steps; None: the best, or the latest while there is none.
        device: `cpu`, `cuda`, `cuda:1`, `mps` or `auto`.
        allow_import: modules, or Python files, that the run's environment may be imported from.
        family: needed where the run's family was made by `contextualize`.

    Raises:
        UserError: no run, a corrupt one, or no such checkpoint.
    """
    run = open_run(run, allow_import)
    return load_agent(run, family_of(run, family), checkpoint, device, to_learn=True)


@checked
def watch(
    run: str | Path | Run,
    *,
    contexts: Sequence[Mapping[str, float]] = (),
    video: str | Path | None = None,
    seed: int = 0,
    deterministic: bool = True,
    checkpoint: str | int | None = None,
    allow_import: Sequence[str] = (),
    family: Family | None = None,
) -> int:
    """Show an agent acting, one episode of each task side by side, as `hyperrl watch` does.

    Args:
        run: a run directory.
        contexts: at most 16 tasks; none takes three of each held-out split.
        video: an .mp4 or .gif that is written, or replaced, in place of a window; its folders are made.
        seed: of the start states (those of `evaluate`'s first episode), and of the actions where they are
            drawn; at least 0.
        deterministic: take the most likely action rather than draw one.
        checkpoint: as in `load`.
        allow_import: modules, or Python files, that the run's environment may be imported from.
        family: needed where the run's family was made by `contextualize`.

    Returns:
        Frames shown.

    Raises:
        UserError: no run or a corrupt one, a wrong context, a file that cannot be written, no display, or an
            environment that renders no pictures.
    """
    seed = to_int("seed", seed, SEED)
    path = check_output(video)
    run = open_run(run, allow_import)
    agent = load_agent(run, family_of(run, family), checkpoint)
    return play(agent, contexts, path, seed, deterministic)


def play(
    agent: Agent, contexts: Sequence[Mapping[str, float]], video: Path | None, seed: int, deterministic: bool
) -> int:
    """Show one episode of each task in a window, or write it to a video; returns the number of frames."""
    family = agent.family
    tasks, fps = tasks_to_watch(family, contexts), frame_rate(family)
    with isolated_rng(seed):
        frames = render_episodes(ModelPolicy(agent.model, deterministic), family, tasks, seed=seed)
        if video is None:
            return show_window(frames, fps, f"{agent.run.spec.agent.name} on {family.name}")
        return write_video(video, frames, fps)


@checked
def specialize(
    run: str | Path | Run,
    context: Mapping[str, float],
    *,
    format: str = "torch",
    out: str | Path | None = None,
    budget: float | None = None,
    quantize: str | None = None,
    flag: bool = False,
    force: bool = False,
    checkpoint: str | int | None = None,
    allow_import: Sequence[str] = (),
    family: Family | None = None,
    progress: Progress | None = None,
) -> Written:
    """Write the plain network that acts on one task, as `hyperrl specialize` does, and its model card.

    Args:
        run: a run directory.
        context: the task; features left out take their defaults.
        format: `torch` (safetensors), `onnx`, or `sb3` (a zip for `PPO.load` and its like).
        out: a new file, whose folders are made; None: `RUN/specialists/CONTEXT.ENDING`.
        budget: the share of its parameters to prune it to by magnitude, above 0 and at most 1.
        quantize: `int8`, for weights of eight bits.
        flag: tell in the file whether the task is far from anything that the agent was trained on.
        force: replace a file that exists.
        checkpoint: as in `load`.
        allow_import: as in `load`.
        family: as in `load`.
        progress: called with the episodes' steps done and planned, where a smaller network is evaluated.

    Returns:
        The file, its model card, what it costs beside the agent, and the return kept.

    Raises:
        UserError: as in `load`; an unknown feature or format, a share out of range, a file that exists, an
            agent whose weights are not a task's alone, or layers that the format cannot hold.
    """
    run = open_run(run, allow_import)
    family = family_of(run, family)
    request = specialist_request(run, family, context, format, out, budget, quantize, force, flag)
    with collection_paused():
        from hyperrl.deploy.cards.entries import write_specialist_card
        from hyperrl.deploy.export import specialize

    agent = load_agent(run, family, checkpoint)
    with isolated_rng():
        written = specialize(agent, request, progress)
        return replace(written, card=write_specialist_card(agent, written))


@checked
def export(
    run: str | Path | Run,
    *,
    out: str | Path | None = None,
    flag: bool = False,
    force: bool = False,
    checkpoint: str | int | None = None,
    allow_import: Sequence[str] = (),
    family: Family | None = None,
) -> Path:
    """Write the agent as one ONNX file, as `hyperrl export` does, and its model card.

    Args:
        run: a run directory.
        out: a new file, whose folders are made; None: `RUN/generalist.onnx`.
        flag: a second output, `far`, tells which contexts are far from what the agent was trained on.
        force: replace a file that exists.
        checkpoint: as in `load`.
        allow_import: as in `load`.
        family: as in `load`.

    Returns:
        The file: inputs are the observation and `context`, raw values (batch, features); output `action`.

    Raises:
        UserError: as in `load`; a file that exists, or networks that ONNX cannot hold.
    """
    run = open_run(run, allow_import)
    path = generalist_request(run, out, force)
    with collection_paused():
        from hyperrl.deploy import export
        from hyperrl.deploy.cards.entries import write_generalist_card

    agent = load_agent(run, family_of(run, family), checkpoint)
    with isolated_rng(), collection_paused():  # torch's exporter imports as much again
        export.export(agent, path, flag=flag)
        write_generalist_card(agent, path, export.acting_parameters(agent.model))
    return path
