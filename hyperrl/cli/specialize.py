"""`hyperrl specialize` and `hyperrl export`: agents as files that need no hypernetwork, or no Python."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hyperrl.cli import console, parsing, streams
from hyperrl.cli.options import AllowImport, Checkpoint
from hyperrl.cli.progress import progress
from hyperrl.errors import check_known

if TYPE_CHECKING:
    from hyperrl.deploy.export import Written

RunPath = Annotated[str, typer.Argument(metavar="RUN", help="A run directory.")]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that exists.")]


def specialize(
    run: RunPath,
    context: Annotated[
        str, typer.Option(metavar="k=v,k=v", help="The task; features left out take their defaults.")
    ],
    format: Annotated[
        str,
        typer.Option(
            metavar="torch|onnx|sb3",
            help="torch: safetensors; onnx: a graph with everything inside; sb3: a zip for PPO.load.",
        ),
    ] = "torch",
    out: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="A new file. [default: RUN/specialists/CONTEXT.ENDING]"),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Prune to this share of the parameters; prints the return kept."),
    ] = None,
    quantize: Annotated[
        str | None,
        typer.Option(metavar="int8", help="Weights of eight bits; prints the return kept."),
    ] = None,
    force: Force = False,
    checkpoint: Checkpoint = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    allow_import: AllowImport = None,
) -> None:
    """Write the plain network of one task, for use without HyperRL."""
    from hyperrl.store import Run

    task = parsing.context(context)
    allowed = tuple(allow_import or ())
    with streams.aside(as_json):
        check_known("--context", "feature", task, Run.open(run, allowed).spec.family.features)
        from hyperrl import api

        with progress("evaluating") as advance:
            written = api.specialize(
                run,
                task,
                format=format,
                out=out,
                budget=budget,
                quantize=quantize,
                force=force,
                checkpoint=checkpoint,
                allow_import=allowed,
                progress=advance,
            )
    if as_json:
        typer.echo(json.dumps(written.to_json(), allow_nan=False))
    else:
        _print(written)


def export(
    run: RunPath,
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="A new file. [default: RUN/generalist.onnx]")
    ] = None,
    force: Force = False,
    checkpoint: Checkpoint = None,
    allow_import: AllowImport = None,
) -> None:
    """Write the agent as one ONNX file: observation and raw context in, action out."""
    from hyperrl import api

    path = api.export(
        run, out=out, force=force, checkpoint=checkpoint, allow_import=tuple(allow_import or ())
    )
    console.pairs([("generalist", str(path)), ("size", f"{Path(path).stat().st_size:,} bytes")])


def _print(written: "Written") -> None:
    from hyperrl.tasks.contexts import assignment

    plan = written.specialist.plan
    console.line(f"{plan.agent} on {plan.family}: {assignment(written.context)}")
    if written.outside:
        outside = (
            f"{name}={written.context[name]:g} ({low:g} to {high:g})"
            for name, (low, high) in written.outside.items()
        )
        console.line(f"note: extrapolation, outside the training range: {', '.join(outside)}")
    for name, own in written.unlisted.items():
        listed = ", ".join(f"{value:g}" for value in own)
        console.line(f"note: {name}={written.context[name]:g} is none of the feature's values: {listed}")
    console.line()
    rows = [
        [name, f"{cost.bytes:,}", f"{cost.parameters:,}", f"{cost.microseconds:.0f}"]
        for name, cost in ((plan.agent, written.generalist), (written.format, written.cost))
    ]
    columns = ["", "bytes", "parameters", "us per action"]
    console.table(columns, rows, numbers=columns[1:])
    console.line()
    kept = []
    if written.returns is not None:
        before, after = written.returns
        episodes = f"{written.episodes} {'episode' if written.episodes == 1 else 'episodes'}"
        told = f"{console.number(after)} of {console.number(before)}, mean of {episodes}"
        kept.append(("return kept", told))
    console.pairs([*kept, ("file", str(written.file))])
