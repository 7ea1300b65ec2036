"""`hyperrl evaluate`: zero-shot returns of a run, task by task."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from hyperrl.cli import completion, console, parsing, streams
from hyperrl.cli.options import AllowImport, Checkpoint
from hyperrl.cli.progress import progress
from hyperrl.errors import check_known

if TYPE_CHECKING:
    from hyperrl.evaluation import Evaluation


def evaluate(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN...", help="Run directories: seeds of one agent and family.")
    ],
    split: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            autocompletion=completion.splits,
            help="A split of the family (repeatable). [default: all but validation]",
        ),
    ] = None,
    context: Annotated[
        list[str] | None,
        typer.Option(
            metavar="k=v,k=v", help="A task of your own (repeatable); features left out take their defaults."
        ),
    ] = None,
    sweep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="k=lo:hi:n", help="n values of one feature: a curve. Given twice: a heatmap over two."
        ),
    ] = None,
    episodes: Annotated[
        int | None,
        typer.Option(
            parser=parsing.EPISODES,
            metavar="N",
            help="Episodes per task. [default: the family's]",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(parser=parsing.SEED, metavar="S", help="Seed of the start states.")
    ] = 0,
    stochastic: Annotated[
        bool, typer.Option("--stochastic", help="Draw actions instead of the most likely.")
    ] = False,
    hide: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FEATURE",
            help="A feature that the agent is not told (repeatable); for agents trained with"
            " policy.hypernetwork.missing above 0.",
        ),
    ] = None,
    checkpoint: Checkpoint = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    allow_import: AllowImport = None,
) -> None:
    """Evaluate a run on its training tasks and on tasks that it has never seen."""
    from hyperrl.store import Run

    contexts = [parsing.context(text) for text in context or ()]
    sweeps = [parsing.sweep(text) for text in sweep or ()]
    allowed = tuple(allow_import or ())
    with streams.aside(as_json):
        features = Run.open(runs[0], allowed).spec.family.features
        for option, given in (
            ("--context", [name for each in contexts for name in each]),
            ("--sweep", [each.feature for each in sweeps]),
            ("--hide", hide or ()),
        ):
            check_known(option, "feature", given, features)
        from hyperrl import api

        with progress("evaluating") as advance:
            found = api.evaluate(
                runs,
                splits=split,
                contexts=contexts,
                sweep=sweeps,
                episodes=episodes,
                seed=seed,
                deterministic=not stochastic,
                hidden=hide or (),
                checkpoint=checkpoint,
                allow_import=allowed,
                progress=advance,
            )
        for run in runs:
            console.note_missing_best(Run.open(run, allowed), checkpoint)
    if as_json:
        typer.echo(json.dumps(found.to_json(), allow_nan=False))
    else:
        _print(found)


def _print(found: "Evaluation") -> None:
    seeds = ", ".join(str(run.seed) for run in found.runs)
    console.line(f"{found.agent} on {found.family}, seed {seeds}")
    console.evaluation(found.to_json())
    if found.own_tasks:
        console.line()
        console.tasks(found.own_tasks)
    console.line()
    console.pairs(
        [
            *(("figure", str(path)) for path in found.figures),
            *(("numbers", str(path)) for path in found.files),
        ]
    )
