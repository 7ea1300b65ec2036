"""`hyperrl adapt`: an agent on tasks whose contexts it is not given."""

from typing import TYPE_CHECKING, Annotated

from hyperrl.cli import console, options, parsing, streams
from hyperrl.cli.options import option
from hyperrl.cli.progress import progress

if TYPE_CHECKING:
    from hyperrl.identify.adaptation import AdaptedTask
    from hyperrl.identify.adaptation_report import Adaptation


def adapt(
    run: options.RunPath,
    split: Annotated[
        list[str] | None,
        option(
            "NAME",
            "Tasks of a split (repeatable). [default: interpolation]",
            autocompletion=options.complete_split,
        ),
    ] = None,
    context: Annotated[
        list[str] | None,
        option(
            "k=v,k=v|@FILE",
            "A task of your own, whose context the agent is not given (repeatable); features left out take"
            " their defaults.",
        ),
    ] = None,
    episodes: Annotated[int, option("N", "Episodes of each task.", parser=parsing.EPISODES)] = 5,
    first: Annotated[
        str,
        option(
            "default|explore",
            "The first episode: act as in the context of defaults, or take random actions.",
        ),
    ] = "default",
    model: options.Predictor = None,
    level: options.Level = 0.9,
    within: options.Within = "declared",
    particles: options.Particles = 500,
    transitions: options.Transitions = 500,
    seed: Annotated[int, option("N", "Seed of the start states and of the draws.", parser=parsing.SEED)] = 0,
    out: Annotated[
        str | None, option("FILE", "Write the last estimate as JSON, for --context @FILE of other commands.")
    ] = None,
    force: options.Force = False,
    checkpoint: options.Checkpoint = None,
    as_json: options.Json = False,
    allow_import: options.AllowImport = None,
) -> None:
    """Let an agent act on a task whose context it is not given, and identify it episode by episode.

    Writes a figure to figures/ in the run.
    """
    contexts = [*map(parsing.context, context or ())]
    with streams.stdout_to_stderr(as_json):
        from hyperrl import api
        from hyperrl.cli import tables
        from hyperrl.store import Run

        with progress("adapting") as advance:
            found = api.adapt(
                run,
                splits=split,
                contexts=contexts,
                episodes=episodes,
                first=first,
                model=model,
                particles=particles,
                transitions=transitions,
                level=level,
                within=within,  # type: ignore[arg-type]  # checked there
                seed=seed,
                out=out,
                force=force,
                checkpoint=checkpoint,
                allow_import=allow_import or (),
                progress=advance,
            )
        tables.note_missing_best(Run.open(run, allow_import or ()), checkpoint)
    if as_json:
        console.json_object(found.to_json())
    else:
        _print(found)


def _print(found: "Adaptation") -> None:
    from hyperrl.cli import tables

    tasks = found.tasks
    console.line(f"{found.agent} on {found.family}, seed {found.seed}: {console.count(len(tasks), 'task')}")
    episodes, settings = console.count(found.episodes, "episode"), found.settings
    checkpoint = f"checkpoint {found.checkpoint!r} of {found.checkpoint_steps:,} steps"
    console.line(f"{checkpoint}: {episodes}, most likely actions, start seed {settings.seed}")
    console.line(
        f"model {found.model}, {settings.particles:,} particles in the {settings.within} ranges, after each"
        " episode"
    )
    console.line()
    if len(tasks) == 1:
        _print_task(found, tasks[0])
    else:
        _print_episodes(found)
        if len(tasks) <= tables.MAX_ROWS:
            console.line()
            _print_tasks(found)
    pairs = [("figure", str(found.figure))] if found.figure is not None else []
    pairs += [("file", str(found.file))] if found.file is not None else []
    console.line()
    console.pairs(pairs)


def _print_task(found: "Adaptation", task: "AdaptedTask") -> None:
    """One task: the context that each episode was played with, its return, and the estimate after it."""
    from hyperrl.tasks.contexts import assignment

    interval = f"{100 * found.settings.level:g} % interval"
    names = list(found.prior.space.names)
    columns = ["episode", "return", "true context", "ratio"]
    columns += [column for name in names for column in (name, interval)]
    rows = []
    for each, seen, estimate in zip(found.by_episode, task.observed, task.estimates, strict=True):
        cells = [str(each["episode"]), console.number(each["mean"]), console.number(each["with_context"])]
        cells.append(_share(each["of_with_context"]))
        for feature in estimate.features.values():
            cells += [f"{feature.estimate:.4g}", f"{feature.low:.4g} to {feature.high:.4g}"]
        rows.append([*cells, "random actions" if seen is None else assignment(seen, 4)])
    console.table([*columns, "played with"], rows, numbers=[*columns[:4], *names])
    console.line()
    for note in task.estimates[-1].notes:
        console.line(f"note: {note}")
    known = assignment(task.context)
    console.pairs([("true context", known), ("estimate", assignment(task.estimates[-1].context))])


def _print_episodes(found: "Adaptation") -> None:
    """Several tasks: mean returns by episode, and how far estimates are off after it."""
    prior = found.prior
    errors = {
        name: f"wrong {name}" if place in prior.discrete else f"error of {name}"
        for place, name in enumerate(prior.space.names)
    }
    columns = ["episode", "return", "95 % interval", "true context", "ratio", *errors.values()]
    rows = []
    for each in found.by_episode:
        low, high = each["low"], each["high"]
        interval = "-" if low is None else f"{console.number(low)} to {console.number(high)}"
        cells = [str(each["episode"]), console.number(each["mean"]), interval]
        cells += [console.number(each["with_context"]), _share(each["of_with_context"])]
        for place, error in enumerate(each["errors"].values()):
            cells.append(f"{error:.1%}" if place in prior.discrete else f"{error:.3g}")
        rows.append(cells)
    console.table(columns, rows, numbers=columns)


def _print_tasks(found: "Adaptation") -> None:
    """Several tasks: the last episode of each."""
    from hyperrl.evaluation.zero_shot import part_of
    from hyperrl.tasks.contexts import assignment

    columns = ["task", "split", "last return", "true context", "ratio", "estimate"]
    rows = []
    for task in found.tasks:
        own, exact = task.returns[-1], task.with_context.returns[-1]
        cells = [assignment(task.context, 4), task.split, console.number(own), console.number(exact)]
        rows.append([*cells, _share(part_of(own, exact)), assignment(task.estimates[-1].context, 4)])
    console.table(columns, rows, numbers=columns[2:5])


def _share(part: float | None) -> str:
    return "-" if part is None else f"{part:.1%}"
