"""`hyperrl tune`: the search for an agent's hyperparameters on a family."""

import shlex
from typing import TYPE_CHECKING, Annotated, cast

import typer

from hyperrl.cli import console, options, parsing, streams
from hyperrl.cli.bench_view import suite_view
from hyperrl.cli.errors import OURS, USER, Interrupted
from hyperrl.cli.options import argument, flag, option
from hyperrl.cli.progress import progress

if TYPE_CHECKING:
    from hyperrl.experiments.tuning import PrunerName
    from hyperrl.experiments.tuning.report import TuningReport

_SHOWN = 5
"""Trials in the table, beside the recipe as it is."""


def tune(
    agent: Annotated[str, argument("AGENT", "A name or a YAML file.", options.complete_agent)],
    family: Annotated[str, argument("FAMILY", "A name or a YAML file.", options.complete_family)],
    trials: Annotated[
        int, option("N", "Trials in all, those of before included.", parser=parsing.TRIALS)
    ] = 20,
    jobs: Annotated[
        int | None,
        option("N", "Runs at a time. [default: as many as there are cores for]", parser=parsing.JOBS),
    ] = None,
    storage: Annotated[
        str | None,
        option("FILE|URL", "Optuna's journal, or a database. [default: journal.log in the folder]"),
    ] = None,
    out: Annotated[
        str | None, option("DIR", "Folder of runs and result. [default: runs/tune/FAMILY/AGENT]")
    ] = None,
    steps: Annotated[
        int | None,
        option("N", "Environment steps of each run. [default: the recipe's]", parser=parsing.STEPS),
    ] = None,
    seeds: Annotated[
        int, option("N", "Runs of each trial, which counts by their mean.", parser=parsing.SEEDS)
    ] = 1,
    overrides: options.Overrides = None,
    pruner: Annotated[
        str,
        option(
            "NAME",
            "What stops runs early that are behind: median, hyperband or none.",
            autocompletion=options.complete_pruner,
        ),
    ] = "median",
    timeout: Annotated[
        float | None, option("S", "Begin no trial after so many seconds.", parser=parsing.seconds)
    ] = None,
    as_context: Annotated[
        bool,
        flag(
            "--as-context",
            "Search for the discount factor in one run, which learns each task with every value.",
        ),
    ] = False,
    force: options.Force = False,
    as_json: options.Json = False,
) -> None:
    """Search for the fields of AGENT that are best on FAMILY, by its validation tasks.

    A study that was interrupted or killed goes on where it was. The first trial is the recipe as it is. The
    best one becomes tuned.yaml, which `hyperrl train` takes. A trial that fails is noted, and the others go
    on.
    """
    if as_context:
        _tune_as_context(agent, family, out, steps, seeds, overrides or [], force, as_json)
        return
    with streams.stdout_to_stderr(as_json):
        from hyperrl import api
        from hyperrl.recipes import load_agent

        name = load_agent(agent).name
        try:
            with suite_view(f"tuning {name}") as view:
                report = api.tune(
                    agent, family, trials=trials, jobs=jobs, storage=storage, out=out, steps=steps,
                    seeds=seeds, overrides=overrides or [], pruner=cast("PrunerName", pruner),
                    timeout=timeout, force=force, progress=view,
                )  # fmt: skip
        except KeyboardInterrupt as stop:
            raise Interrupted("interrupted; the same command goes on where it was") from stop
    if as_json:
        console.json_object(report.to_json())
    else:
        _print(report, family)
    failed = [trial for trial in report.trials if trial.state == "failed"]
    if report.best is None and failed:
        raise typer.Exit(USER if all(trial.mistake for trial in failed) else OURS)


def _tune_as_context(
    agent: str, family: str, out: str | None, steps: int | None, seeds: int, overrides: list[str],
    force: bool, as_json: bool,
) -> None:  # fmt: skip
    with streams.stdout_to_stderr(as_json):
        from hyperrl import api

        with progress("training") as advance:
            report = api.tune_as_context(
                agent, family, out=out, steps=steps, seeds=seeds, overrides=overrides, force=force,
                progress=advance,
            )  # fmt: skip
    if as_json:
        console.json_object(report.to_json())
        return
    plan = report.plan
    console.line(
        f"{plan.name}: return on validation tasks, {console.count(plan.seeds, 'run')} of"
        f" {plan.base.steps:,} steps that learned all values"
    )
    console.line()
    names = list(report.records[0].values)
    rows = [
        [*(f"{record.values[name]:g}" for name in names), console.number(record.mean)]
        for record in report.best_first
    ]
    console.table([*names, "return"], rows, numbers=[*names, "return"])
    console.line()
    tuned = str(report.tuned)
    console.pairs([("found", tuned), ("train", shlex.join(["hyperrl", "train", tuned, family]))])


def _print(report: "TuningReport", family: str) -> None:
    plan, best = report.plan, report.best
    steps = f"{plan.base.steps:,} steps each"
    console.line(f"{plan.name}: return on validation tasks, {console.count(plan.seeds, 'run')} of {steps}")
    states = {state: report.count(state) for state in ("finished", "pruned", "failed", "running")}
    summary = ", ".join(f"{count:,} {state}" for state, count in states.items() if count)
    console.line(f"{console.count(len(report.trials), 'trial')}: {summary}")
    if best is not None:
        console.line()
        _print_trials(report)
    if report.importances:
        console.line()
        shares = ([name, f"{share:.0%}"] for name, share in report.importances.items())
        console.table(["field", "importance"], shares, numbers=["importance"])
    failed = [trial for trial in report.trials if trial.state == "failed"]
    if failed:
        console.line()
    for trial in failed:
        console.line(f"trial {trial.number} failed: {trial.error}")
    console.line()
    console.pairs([("runs", str(plan.out)), ("study", report.storage)])
    if report.tuned is not None:
        tuned = str(report.tuned)
        console.pairs([("found", tuned), ("train", shlex.join(["hyperrl", "train", tuned, family]))])


def _print_trials(report: "TuningReport") -> None:
    """Print the best trials and the recipe as it is, a column each and a row for each field."""
    first = report.best_first
    shown = [*first[:_SHOWN], *(trial for trial in first[_SHOWN:] if trial.own)]
    names = [f"trial {trial.number}{', as it is' * trial.own}" for trial in shown]
    values = [report.values(trial) for trial in shown]
    rows = [["return", *(console.number(trial.value) for trial in shown)]]
    fields = dict.fromkeys(field for each in values for field in each)
    rows += [[field, *(_short(each.get(field, "-")) for each in values)] for field in fields]
    console.table(["", *names], rows, numbers=names)


def _short(value: str) -> str:
    """A value in a few digits, if it is a number."""
    try:
        number = float(value)
    except ValueError:
        return value
    return console.number(int(number) if number.is_integer() else number)
