"""`hyperrl front`: what one agent reaches of several objectives, over their weights."""

from typing import TYPE_CHECKING, Annotated

from hyperrl.cli import console, options, parsing, streams
from hyperrl.cli.options import option
from hyperrl.cli.progress import progress

if TYPE_CHECKING:
    from hyperrl.evaluation.front import Front


def front(
    run: options.RunPath,
    points: Annotated[int, option("N", "Choices of weights.", parser=parsing.POINTS)] = 11,
    context: Annotated[
        str | None,
        option("k=v,k=v|@FILE", "Values of the other features; those left out take their defaults."),
    ] = None,
    reference: Annotated[
        str | None,
        option("k=v,k=v", "Returns above which the hypervolume counts. [default: below all points]"),
    ] = None,
    episodes: Annotated[
        int | None, option("N", "Episodes of each point. [default: the family's]", parser=parsing.EPISODES)
    ] = None,
    seed: options.StartSeed = 0,
    stochastic: options.Stochastic = False,
    checkpoint: options.Checkpoint = None,
    as_json: options.Json = False,
    allow_import: options.AllowImport = None,
) -> None:
    """Play a run at many weights of the reward's terms: its front, hypervolume and knee.

    Writes the numbers to fronts/ and a figure to figures/ in the run.
    """
    task = {} if context is None else parsing.context(context)
    below = None if reference is None else parsing.context(reference, "--reference")
    with streams.stdout_to_stderr(as_json):
        from hyperrl import api

        with progress("playing") as advance:
            found = api.front(
                run, points=points, context=task, reference=below, episodes=episodes, seed=seed,
                deterministic=not stochastic, checkpoint=checkpoint, allow_import=allow_import or (),
                progress=advance,
            )  # fmt: skip
    if as_json:
        console.json_object(found.to_json())
    else:
        _print(found)


def _print(found: "Front") -> None:
    from hyperrl.tasks.contexts import assignment

    console.line(f"{found.agent} on {found.family}, checkpoint {found.checkpoint!r}")
    episodes = console.count(found.episodes, "episode")
    console.line(
        f"{episodes} of each point, start seed {found.start_seed}; the front was chosen by other starts"
    )
    console.line()
    columns = [*found.weights, *found.objectives, "weighed"]
    rows = []
    for number, point in enumerate(found.points):
        mark = "knee" if number == found.knee else "front" if point.on_front else ""
        returns = [console.number(point.returns[name]) for name in found.objectives]
        weights = [f"{point.context[name]:.4g}" for name in found.weights]
        rows.append([*weights, *returns, console.number(point.weighed), mark])
    console.table([*columns, ""], rows, numbers=columns)
    console.line()
    knee = found.points[found.knee]
    console.pairs(
        [
            ("hypervolume", f"{found.hypervolume:.6g} above {assignment(found.reference, 4)}"),
            ("knee", assignment(knee.context)),
            ("numbers", str(found.files[0])),
            ("figure", str(found.files[1])),
        ]
    )
