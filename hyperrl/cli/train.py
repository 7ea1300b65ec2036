"""`hyperrl train`: an agent meets a family and a run comes out."""

import json
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from hyperrl.cli import console, next_steps, options, parsing
from hyperrl.cli.errors import Interrupted
from hyperrl.cli.options import argument, flag, option
from hyperrl.cli.progress import progress
from hyperrl.errors import UserError
from hyperrl.extras import check_trackers

if TYPE_CHECKING:
    from hyperrl.recipes import AgentRecipe, FamilyRecipe
    from hyperrl.store import Run


def train(
    agent: Annotated[str | None, argument("AGENT", "A name or a YAML file.", options.complete_agent)] = None,
    family: Annotated[
        str | None, argument("FAMILY", "A name or a YAML file.", options.complete_family)
    ] = None,
    steps: Annotated[
        int | None, option("N", "Environment steps. [default: the recipe's]", parser=parsing.STEPS)
    ] = None,
    seed: Annotated[
        int | None, option("N", "Seed of all random numbers. [default: 0]", parser=parsing.SEED)
    ] = None,
    overrides: options.Overrides = None,
    out: Annotated[
        str | None, option("DIR", "The run's directory. [default: runs/FAMILY/AGENT/seed-N]")
    ] = None,
    leave_out: Annotated[
        list[str] | None,
        option("k=v,k=v", "Hold out a training task, as the interpolation split (repeatable)."),
    ] = None,
    from_run: Annotated[str | None, option("RUN", "Start with the weights of another run.", "--from")] = None,
    freeze: Annotated[
        str | None,
        option("PART", "With --from, keep a part of the weights as it is: generator or shared."),
    ] = None,
    context: Annotated[
        list[str] | None,
        option("k=v,k=v", "Train on this task alone, anywhere in the declared ranges (repeatable)."),
    ] = None,
    sequence: Annotated[
        list[str] | None,
        option(
            "k=v,k=v|N",
            "Train on these tasks one after another (repeat it), or on N of the family's training tasks.",
        ),
    ] = None,
    resume: Annotated[
        str | None,
        option("RUN", "Go on with this run, or extend it to more --steps; without AGENT and FAMILY."),
    ] = None,
    keep: Annotated[
        int | None,
        option(
            "N",
            "Also keep the N newest checkpoints, besides best and latest. [default: 0]",
            parser=parsing.KEEP,
        ),
    ] = None,
    detect_anomaly: Annotated[
        bool,
        flag("--detect-anomaly", "Look at each step and gradient for numbers that are not finite, slowly."),
    ] = False,
    track: Annotated[
        list[str] | None,
        option("NAME", "Log to wandb or mlflow too (repeatable).", autocompletion=options.complete_tracker),
    ] = None,
    device: Annotated[str, option("NAME", "cpu, cuda, cuda:1, mps or auto.")] = "cpu",
    allow_import: options.AllowImport = None,
) -> None:
    """Train AGENT on FAMILY, or go on with a run."""
    common: dict[str, Any] = {"steps": steps, "device": device, "detect_anomaly": detect_anomaly}
    common |= {"track": check_trackers(track or ()), "allow_import": allow_import or ()}
    if resume is not None:
        refused = {"AGENT": agent, "--seed": seed, "--set": overrides, "--leave-out": leave_out}
        refused |= {
            "--out": out,
            "--from": from_run,
            "--keep": keep,
            "--freeze": freeze,
            "--context": context,
            "--sequence": sequence,
        }
        for option, value in refused.items():
            if value is not None:
                raise UserError(
                    f"{option} does not go with --resume, which goes on as the run's run.yaml says"
                )
        run = _resume(resume, common)
    elif agent is None or family is None:
        raise UserError(
            "train needs an AGENT and a FAMILY (`hyperrl list` shows their names), or --resume RUN"
        )
    elif allow_import and from_run is None:
        raise UserError(
            "--allow-import does not go without --resume or --from: a file of your own imports what it names"
        )
    else:
        common |= {"overrides": overrides or [], "from_run": from_run, "keep": keep or 0, "out": out}
        common["leave_out"] = [parsing.context(text, "--leave-out") for text in leave_out or ()]
        common |= {"contexts": [*map(parsing.context, context or ())], "freeze": freeze}
        common["sequence"] = parsing.sequence(sequence or ())
        run = _start(agent, family, seed=seed or 0, **common)
    _print_run(run)


def _start(agent: str, family: str, **settings: Any) -> "Run":
    from hyperrl import api
    from hyperrl.recipes import load_agent, resolve, shipped
    from hyperrl.tasks import Family

    recipe, tasks = load_agent(agent), Family.load(family)
    tasks = tasks.for_agent(resolve(recipe, tasks.recipe, settings["overrides"]))
    if agent not in shipped("agents"):
        _note_replaced(recipe, tasks.recipe, settings)
    tasks.try_out()  # An environment that fails at once is reported before seconds go into loading torch.
    chosen = settings["leave_out"], settings["contexts"], settings["sequence"]
    default = api.default_run_dir(tasks.name, recipe.name, settings["seed"], *chosen)
    what = f"{recipe.name} on {tasks.name}"
    with _resumable(Path(settings["out"] or default), settings), progress(what, "steps", "preparing") as hook:
        return api.train(recipe, tasks, progress=hook, **settings)


def _note_replaced(agent: "AgentRecipe", family: "FamilyRecipe", settings: Mapping[str, Any]) -> None:
    """One line on stderr where a family replaces what a user's own file states."""
    from hyperrl.recipes.messages import show
    from hyperrl.recipes.resolve import replaced

    overrides = [*settings["overrides"], *(["steps="] if settings["steps"] is not None else [])]
    if fields := replaced(agent, family, overrides):
        changes = ", ".join(f"{name} {show(own)} by {show(found)}" for name, own, found in fields)
        note = f"family {family.name!r} replaces the agent's {changes}; --set FIELD=VALUE keeps yours"
        console.console(stderr=True).print(f"hyperrl: note: {note}", soft_wrap=True)


def _resume(run: str, settings: Mapping[str, Any]) -> "Run":
    from hyperrl import api

    with _resumable(Path(run), settings), progress("resumed", "steps", "preparing") as hook:
        return api.resume(run, progress=hook, **settings)


@contextmanager
def _resumable(directory: Path, settings: Mapping[str, Any]) -> Iterator[None]:
    """Tell an interrupted user what is kept, and how to go on with the same settings."""
    try:
        yield
    except KeyboardInterrupt as stop:
        raise Interrupted(_how_to_go_on(directory, settings)) from stop


def _how_to_go_on(directory: Path, settings: Mapping[str, Any]) -> str:
    from hyperrl.store import Run, needed_imports, read_spec

    try:
        run = Run(directory, read_spec(directory / "run.yaml"))
    except UserError:
        return "interrupted before anything was written"
    command = ["hyperrl", "train", "--resume", str(directory)]
    command += ["--detect-anomaly"] * settings["detect_anomaly"]
    for name in settings["track"]:
        command += ["--track", name]
    command += ["--device", settings["device"]] if settings["device"] != "cpu" else []
    for module in settings["allow_import"] or needed_imports(run.path, run.spec):
        command += ["--allow-import", module]
    again = "start again" if run.latest_steps() is None else "go on"
    return f"interrupted; {run.describe_latest()}; {again} with: {shlex.join(command)}"


def _print_run(run: "Run") -> None:
    from hyperrl.cli import cards, tables
    from hyperrl.store.spec import SPEC

    agent, family = run.spec.agent.name, run.spec.family.name
    final = json.loads((run.path / "evaluations" / "final.json").read_bytes())
    taken, planned = final["steps"], run.spec.steps
    more = f" ({planned:,} planned, rounded up to whole rollouts)" if taken > planned else ""
    console.line(f"{agent} on {family}, seed {run.spec.seed}: {taken:,} steps{more}")
    tables.evaluation(final)
    if run.spec.sequence:
        tables.sequence(run)
    elif final["checkpoint"]["name"] != "best":
        console.line("no task is held out for validation: these are the latest weights, not the best ones")
    console.line()
    figures = sorted(run.figures.glob("return_over_context*.png"))
    console.pairs(
        [
            ("run", str(run.path)),
            *cards.pairs(run.path / SPEC),
            *(("figure", str(path)) for path in figures),
            ("TensorBoard", f"tensorboard --logdir {shlex.quote(str(run.path))}"),
            *next_steps.tracker_commands(run),
            *next_steps.commands(run),
        ]
    )
    cards.note(run.path / SPEC)
    if not run.spec.sequence and (hint := next_steps.warning(run, final)):
        console.line()
        console.line(f"note: {hint}")
