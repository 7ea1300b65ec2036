"""`hyperrl bench`: all runs of a suite, many at a time, and the table of their results."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hyperrl.cli import console, options, parsing, specialists, streams
from hyperrl.cli.bench_view import suite_view
from hyperrl.cli.errors import OURS, USER, Interrupted
from hyperrl.cli.options import argument, option

if TYPE_CHECKING:
    from hyperrl.experiments import SuiteReport

_SPLITS = ("train", "interpolation", "extrapolation")


def bench(
    suite: Annotated[str, argument("SUITE", "A name or a YAML file.", options.complete_suite)],
    jobs: Annotated[
        int | None,
        option("N", "Runs at a time. [default: as many as there are cores for]", parser=parsing.JOBS),
    ] = None,
    out: Annotated[str | None, option("DIR", "Folder of the runs. [default: runs/bench/SUITE]")] = None,
    results: Annotated[
        str | None, option("DIR", "Folder of the runs' results. [default: results in the runs' folder]")
    ] = None,
    shard: Annotated[
        str | None,
        option("i/n", "Make the i-th of n equal parts of the runs, as in an array job."),
    ] = None,
    engine: Annotated[
        str,
        option(
            "NAME",
            "What makes the runs: processes of this machine, or ray.",
            autocompletion=options.complete_engine,
        ),
    ] = "processes",
    ray_address: Annotated[
        str | None,
        option("ADDRESS", "HOST:PORT of a Ray cluster. [default: one is started on this machine]"),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Make the runs of a suite that have no result yet, and print the table of all results.

    A suite that was interrupted or killed goes on where it was. A run that fails leaves error.txt in its
    folder, and the others go on.
    """
    part = None if shard is None else parsing.shard(shard)
    with streams.stdout_to_stderr(as_json):
        from hyperrl import api
        from hyperrl.recipes import load_suite

        recipe = load_suite(suite)
        try:
            with suite_view(recipe.name) as view:
                report = api.bench(
                    recipe, jobs=jobs, out=out, results=results, shard=part, engine=engine,
                    ray_address=ray_address, progress=view,
                )  # fmt: skip
        except KeyboardInterrupt as stop:
            raise Interrupted("interrupted; the same command goes on where it was") from stop
    if as_json:
        console.json_object(report.to_json())
    else:
        _print(report)
    if report.failures:
        raise typer.Exit(USER if all(failure.mistake for failure in report.failures) else OURS)


def _print(report: "SuiteReport") -> None:
    rows = report.table()
    splits = [split for split in _SPLITS if any(split in row["splits"] for row in rows)]
    console.line(f"suite {report.suite}: interquartile mean of returns over seeds and tasks, 95 % interval")
    console.line()
    beside = [split for split in splits if any(split in row["of_specialist"] for row in rows)]
    shares = [f"{split}, {specialists.COLUMN}" for split in beside]
    console.table(
        ["family", "agent", "runs", *splits, *shares],
        (
            [
                row["family"],
                row["agent"],
                f"{row['runs']} of {row['planned']}",
                *(_cell(row["splits"].get(split)) for split in splits),
                *(specialists.cell(row["of_specialist"].get(split)) for split in beside),
            ]
            for row in rows
        ),
        numbers=["runs", *splits, *shares],
    )
    if beside:
        console.line()
        console.line(specialists.MEANING)
    if report.failures:
        console.line()
        console.line(f"{console.count(len(report.failures), 'run')} failed:")
    for failure in report.failures:
        trace = Path(failure.job.folder, "error.txt")
        where = f" ({shlex.quote(str(trace))})" if trace.exists() else ""  # a disk may be full
        console.line(f"{failure.job.label}: {failure.message}{where}")
    console.line()
    console.pairs([("runs", str(report.out)), ("results", str(report.results))])


def _cell(split: Mapping[str, Any] | None) -> str:
    if split is None:
        return "-"
    low, high = split.get("iqm_interval", (None, None))
    interval = f" [{console.number(low)}, {console.number(high)}]" if low is not None else ""
    return f"{console.number(split['iqm'])}{interval}"
