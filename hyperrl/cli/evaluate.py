"""`hyperrl evaluate`: zero-shot returns of a run, task by task."""

from typing import TYPE_CHECKING, Annotated

from hyperrl.cli import console, options, parsing, streams
from hyperrl.cli.options import argument, flag, option
from hyperrl.cli.progress import progress

if TYPE_CHECKING:
    from hyperrl.evaluation import Evaluation


def evaluate(
    runs: Annotated[list[str], argument("RUN", "Runs of one agent on one family; each is a seed.")],
    split: Annotated[
        list[str] | None,
        option(
            "NAME",
            "A split to play (repeatable). [default: all but validation]",
            autocompletion=options.complete_split,
        ),
    ] = None,
    context: Annotated[
        list[str] | None,
        option("k=v,k=v|@FILE", "A task of your own (repeatable); features left out take their defaults."),
    ] = None,
    sweep: Annotated[
        list[str] | None,
        option(
            "k=lo:hi:n", "n values of a feature: draws a curve. Given twice: a heatmap over two features."
        ),
    ] = None,
    episodes: Annotated[
        int | None, option("N", "Episodes per task. [default: the family's]", parser=parsing.EPISODES)
    ] = None,
    seed: options.StartSeed = 0,
    stochastic: options.Stochastic = False,
    index: Annotated[
        str | None,
        option("mean|vote|thompson", "How an agent with an index acts. [default: by the one in the middle]"),
    ] = None,
    hide: Annotated[
        list[str] | None,
        option(
            "FEATURE",
            "Hide a feature from an agent trained with policy.hypernetwork.context_dropout (repeatable).",
        ),
    ] = None,
    shuffle_contexts: Annotated[
        bool,
        flag(
            "--shuffle-contexts",
            "Let the agent observe in each task the context of another one of its split, as a control.",
        ),
    ] = False,
    context_error: Annotated[
        str | None,
        option(
            "E,E",
            "Also play with what the agent observes of contexts off by these parts of each feature's range.",
        ),
    ] = None,
    observation_noise: Annotated[
        str | None,
        option(
            "E,E",
            "Also play with observations off at each step, by up to these parts of their spread.",
        ),
    ] = None,
    schedule: Annotated[
        list[str] | None,
        option(
            "k=jump:50",
            "Change a feature in each episode: jump, drift, sinusoid:AMPLITUDE:PERIOD or none (repeatable).",
        ),
    ] = None,
    uncertainty: Annotated[
        bool,
        flag(
            "--uncertainty",
            "Tell how far networks disagree: those of the agent's index, or of several runs.",
        ),
    ] = False,
    worst: Annotated[
        str | None,
        option("return|regret", "Search for the tasks with the lowest return, or the largest regret."),
    ] = None,
    worst_within: Annotated[
        str | None,
        option("declared|training", "The ranges that --worst searches. [default: declared]"),
    ] = None,
    worst_budget: Annotated[
        int | None,
        option(
            "N",
            "Episodes that --worst plays. [default: 2000, or 200 without batched dynamics]",
            parser=parsing.WORST_BUDGET,
        ),
    ] = None,
    checkpoint: options.Checkpoint = None,
    as_json: options.Json = False,
    allow_import: options.AllowImport = None,
) -> None:
    """Evaluate a run, also on tasks that it has never seen.

    Writes the numbers to evaluations/ and a figure to figures/ in the run.
    """
    contexts, sweeps = [*map(parsing.context, context or ())], [*map(parsing.sweep, sweep or ())]
    sizes = [] if context_error is None else parsing.numbers(context_error, "--context-error")
    noise = [] if observation_noise is None else parsing.numbers(observation_noise, "--observation-noise")
    schedules = parsing.schedules(schedule) if schedule else None
    with streams.stdout_to_stderr(as_json):
        from hyperrl import api
        from hyperrl.cli import tables
        from hyperrl.store import Run

        with progress("evaluating") as advance:
            evaluation = api.evaluate(
                runs,
                splits=split,
                contexts=contexts,
                sweep=sweeps,
                episodes=episodes,
                seed=seed,
                deterministic=not stochastic,
                index=index,  # type: ignore[arg-type]
                hidden=hide or (),
                shuffle_contexts=shuffle_contexts,
                context_error=sizes,
                observation_noise=noise,
                schedules=schedules,
                uncertainty=uncertainty,
                worst=worst,  # type: ignore[arg-type]
                worst_within=worst_within,  # type: ignore[arg-type]
                worst_budget=worst_budget,
                checkpoint=checkpoint,
                allow_import=allow_import or (),
                progress=advance,
            )
        for run in runs:
            tables.note_missing_best(Run.open(run, allow_import or ()), checkpoint)
    if as_json:
        console.json_object(evaluation.to_json())
    else:
        _print(evaluation)


def _print(evaluation: "Evaluation") -> None:
    from hyperrl.cli import tables

    seeds = ", ".join(str(run.seed) for run in evaluation.runs)
    console.line(f"{evaluation.agent} on {evaluation.family}, seed {seeds}")
    tables.evaluation(evaluation.to_json())
    if evaluation.own_tasks:
        console.line()
        tables.tasks(evaluation.own_tasks)
    for what, errors in (
        ("context error", evaluation.context_errors),
        ("observation noise", evaluation.observation_noise),
    ):
        if errors:
            console.line()
            tables.errors(what, errors)
    if recoveries := {name: each["recovery"] for name, each in evaluation.over_time.items()}:
        tables.recoveries({name: each for name, each in recoveries.items() if each is not None})
    if disagreement := evaluation.uncertainty:
        console.line()
        tables.uncertainty(disagreement)
    if found := evaluation.worst_tasks:
        console.line()
        tables.worst_tasks(found)
    console.line()
    files = [("figure", str(path)) for path in evaluation.figures]
    console.pairs(files + [("numbers", str(path)) for path in evaluation.files])
