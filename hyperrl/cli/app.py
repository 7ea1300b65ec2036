"""The commands, put together."""

from typing import Annotated

import typer

from hyperrl.cli import check, describe, evaluate, listing, new, specialize, train, watch

app = typer.Typer(
    help="Train and use agents whose weights are generated from a task's context.",
    epilog="A recipe is a name from `hyperrl list` or the path of a YAML file. Exit status: 0 done, 2 a"
    " mistake in the command or a file, 1 a training that diverged or a fault of HyperRL's, 130 interrupted.",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"hyperrl {version('hyperrl')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    show_version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop."),
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


app.command("list")(listing.list_all)
app.command("describe")(describe.describe)
app.add_typer(new.app, name="new")
app.command("check")(check.check)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("watch")(watch.watch)
app.command("specialize")(specialize.specialize)
app.command("export")(specialize.export)
