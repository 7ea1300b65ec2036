"""`hyperrl watch`: an agent acts on several tasks side by side, in a window or a video."""

from typing import Annotated

from hyperrl.cli import console, options, parsing
from hyperrl.cli.options import option


def watch(
    run: options.RunPath,
    context: Annotated[
        list[str] | None,
        option(
            "k=v,k=v|@FILE",
            "A task to watch (repeatable, at most 16); features left out take their defaults."
            " [default: three tasks each of interpolation and extrapolation]",
        ),
    ] = None,
    video: Annotated[str | None, option("FILE", "Write an .mp4 or .gif instead of opening a window.")] = None,
    seed: options.StartSeed = 0,
    stochastic: options.Stochastic = False,
    checkpoint: options.Checkpoint = None,
    allow_import: options.AllowImport = None,
) -> None:
    """Watch a run's agent act, one episode of each task."""
    contexts = [*map(parsing.context, context or ())]
    from hyperrl.api import agents, runs
    from hyperrl.cli import tables
    from hyperrl.evaluation.video import check_output
    from hyperrl.store import Run

    opened = Run.open(run, allow_import or ())
    tables.note_missing_best(opened, checkpoint)
    path = check_output(video)
    agent = runs.load_agent(opened, runs.family_of(opened), checkpoint)
    frames = agents.play(agent, contexts, path, seed, not stochastic)
    rows = [("video", f"{video} ({frames} frames)")] if video is not None else []
    console.pairs([("checkpoint", f"{agent.checkpoint}, of {agent.model.num_timesteps:,} steps"), *rows])
