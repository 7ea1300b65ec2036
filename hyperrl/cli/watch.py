"""`hyperrl watch`: the agent acting on several tasks side by side, in a window or a video."""

from typing import Annotated

import typer

from hyperrl.cli import console, parsing
from hyperrl.cli.options import AllowImport, Checkpoint
from hyperrl.errors import check_known


def watch(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run directory.")],
    context: Annotated[
        list[str] | None,
        typer.Option(
            metavar="k=v,k=v",
            help="A task to watch (repeatable, at most 16); features left out take their defaults."
            " [default: three of interpolation and three of extrapolation]",
        ),
    ] = None,
    video: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write a video, .mp4 or .gif, in place of the window."),
    ] = None,
    seed: Annotated[
        int, typer.Option(parser=parsing.SEED, metavar="S", help="Seed of the start states.")
    ] = 0,
    stochastic: Annotated[
        bool, typer.Option("--stochastic", help="Draw actions instead of the most likely.")
    ] = False,
    checkpoint: Checkpoint = None,
    allow_import: AllowImport = None,
) -> None:
    """Watch a run's agent act, one episode of each task."""
    from hyperrl.store import Run

    contexts = [parsing.context(text) for text in context or ()]
    opened = Run.open(run, tuple(allow_import or ()))
    for each in contexts:
        check_known("--context", "feature", each, opened.spec.family.features)
    from hyperrl import api

    console.note_missing_best(opened, checkpoint)
    frames = api.watch(
        opened,
        contexts=contexts,
        video=video,
        seed=seed,
        deterministic=not stochastic,
        checkpoint=checkpoint,
    )
    name = checkpoint or opened.default_checkpoint()
    rows = [("video", f"{video} ({frames} frames)")] if video is not None else []
    console.pairs([("checkpoint", f"{name}, of {opened.checkpoint_steps(name):,} steps"), *rows])
