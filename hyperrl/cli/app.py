"""The program `hyperrl`: all commands in one."""

from typing import Annotated

import typer

from hyperrl.cli import (
    adapt,
    bench,
    check,
    compare,
    describe,
    distill,
    evaluate,
    front,
    identify,
    listing,
    new,
    options,
    report,
    specialize,
    train,
    tune,
    watch,
)

app = typer.Typer(
    help="Train and use reinforcement learning agents whose weights are generated from a description of the"
    " task.",
    epilog="AGENT and FAMILY are names from `hyperrl list` or YAML files. Exit status: 0 done; 2 a mistake in"
    " the command or a file; 1 a failed training or environment, or a fault of HyperRL's; 130 interrupted.",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(enabled: bool) -> None:
    if enabled:
        from importlib.metadata import version

        typer.echo(f"hyperrl {version('hyperrl')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    options.print_help(context)


app.command("list")(listing.list_all)
app.command()(describe.describe)
app.add_typer(new.app, name="new")
app.command()(check.check)
app.command()(train.train)
app.command()(evaluate.evaluate)
app.command()(front.front)
app.command()(compare.compare)
app.command()(report.report)
app.command()(bench.bench)
app.command()(tune.tune)
app.command()(distill.distill)
app.command()(watch.watch)
app.command()(identify.identify)
app.command()(adapt.adapt)
app.command()(specialize.specialize)
app.command()(specialize.export)
