"""`hyperrl specialize` and `hyperrl export`: agents as files that need no hypernetwork, or no Python."""

from typing import TYPE_CHECKING, Annotated

from hyperrl.cli import cards, console, options, parsing, streams
from hyperrl.cli.options import option
from hyperrl.cli.progress import progress

if TYPE_CHECKING:
    from hyperrl.deploy.export import Written


def specialize(
    run: options.RunPath,
    context: Annotated[str, option("k=v,k=v|@FILE", "The task; features left out take their defaults.")],
    format: Annotated[
        str,
        option(
            "torch|onnx|sb3",
            "safetensors, an ONNX graph, or a zip for Stable-Baselines3's PPO.load and so on.",
        ),
    ] = "torch",
    out: Annotated[str | None, option("FILE", "The file. [default: RUN/specialists/CONTEXT.ENDING]")] = None,
    budget: Annotated[
        float | None, option("SHARE", "Prune to this share of the parameters; prints the return kept.")
    ] = None,
    quantize: Annotated[
        str | None, option("int8", "Store weights in eight bits; prints the return kept.")
    ] = None,
    flag: options.Flag = False,
    force: options.Force = False,
    checkpoint: options.Checkpoint = None,
    as_json: options.Json = False,
    allow_import: options.AllowImport = None,
) -> None:
    """Write the plain network of one task, for use without HyperRL, and a model card beside it."""
    task = parsing.context(context)
    with streams.stdout_to_stderr(as_json):
        from hyperrl import api

        with progress("evaluating") as advance:
            result = api.specialize(
                run,
                task,
                format=format,
                out=out,
                budget=budget,
                quantize=quantize,
                flag=flag,
                force=force,
                checkpoint=checkpoint,
                allow_import=allow_import or (),
                progress=advance,
            )
    if as_json:
        console.json_object(result.to_json())
    else:
        _print(result)


def export(
    run: options.RunPath,
    out: Annotated[str | None, option("FILE", "The file. [default: RUN/generalist.onnx]")] = None,
    flag: options.Flag = False,
    force: options.Force = False,
    checkpoint: options.Checkpoint = None,
    allow_import: options.AllowImport = None,
) -> None:
    """Write the whole agent as one ONNX file, and a model card beside it.

    Its inputs are the observation and the raw context, its output is the action.
    """
    from hyperrl import api

    path = api.export(
        run, out=out, flag=flag, force=force, checkpoint=checkpoint, allow_import=allow_import or ()
    )
    size = f"{path.stat().st_size:,} bytes"
    console.pairs([("generalist", str(path)), ("size", size), *cards.pairs(path)])
    cards.note(path)


def _print(result: "Written") -> None:
    from hyperrl.tasks.contexts import assignment

    plan = result.specialist.plan
    console.line(f"{plan.agent} on {plan.family}: {assignment(result.context)}")
    for name, (low, high) in result.context.outside.items():
        where = f"{name}={result.context[name]:g} ({low:g} to {high:g})"
        console.line(f"note: extrapolation, outside the training range: {where}")
    for name, values in result.context.unlisted.items():
        listed = ", ".join(f"{value:g}" for value in values)
        console.line(f"note: {name}={result.context[name]:g} is none of the feature's values: {listed}")
    if plan.flag is not None:
        console.line(f"flag: {plan.flag.verdict}")
    console.line()
    rows = [
        [name, f"{cost.bytes:,}", f"{cost.parameters:,}", f"{cost.microseconds:.0f}"]
        for name, cost in ((plan.agent, result.generalist), (result.format, result.cost))
    ]
    columns = ["", "bytes", "parameters", "us per action"]
    console.table(columns, rows, numbers=columns[1:])
    console.line()
    pairs = [("file", str(result.file))]
    if result.returns is not None:
        before, after = map(console.number, result.returns)
        episodes = console.count(result.episodes, "episode")
        pairs.insert(0, ("return kept", f"{after} of {before}, mean of {episodes}"))
    if result.statistics is not None:
        pairs.append(("statistics", str(result.statistics)))
    console.pairs([*pairs, *cards.pairs(result.file)])
    cards.note(result.file)
    if wrapped := result.wrapping:
        console.line()
        console.line("Wrap the environment for the model, as it was wrapped in training:")
        for line in wrapped:
            console.line(f"  {line}")
