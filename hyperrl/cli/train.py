"""`hyperrl train`: an agent meets a family and a run comes out."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hyperrl.arguments import to_path
from hyperrl.cli import completion, console, next_steps, parsing
from hyperrl.cli.errors import Interrupted
from hyperrl.cli.options import IMPORTABLE, NO_NEED_TO_ALLOW, Overrides
from hyperrl.cli.progress import progress
from hyperrl.errors import UserError

if TYPE_CHECKING:
    from hyperrl.store import Run

_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


def train(
    agent: Annotated[
        str | None,
        typer.Argument(
            metavar="AGENT", autocompletion=completion.agents, help="An agent's name or YAML file."
        ),
    ] = None,
    family: Annotated[
        str | None,
        typer.Argument(
            metavar="FAMILY", autocompletion=completion.families, help="A family's name or YAML file."
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(parser=parsing.STEPS, metavar="N", help="Environment steps. [default: the recipe's]"),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(parser=parsing.SEED, metavar="S", help="Seed of everything random. [default: 0]"),
    ] = None,
    overrides: Overrides = None,
    out: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="The run's directory. [default: runs/FAMILY/AGENT/seed-S]"),
    ] = None,
    leave_out: Annotated[
        list[str] | None,
        typer.Option(
            metavar="k=v,k=v",
            help="A training task that is held out, as the split of interpolation (repeatable).",
        ),
    ] = None,
    from_run: Annotated[
        str | None, typer.Option("--from", metavar="RUN", help="Start at another run's weights.")
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="RUN", help="Go on with this run, or extend it to more --steps; no AGENT or FAMILY."
        ),
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option(
            parser=parsing.KEEP,
            metavar="N",
            help="Checkpoints to keep, named by their steps, beside the latest and the best. [default: 0]",
        ),
    ] = None,
    detect_anomaly: Annotated[
        bool,
        typer.Option(
            "--detect-anomaly",
            help="Look for numbers that are not finite at each step and in each gradient, slowly.",
        ),
    ] = False,
    device: Annotated[
        str | None, typer.Option(metavar="NAME", help="cpu, cuda, cuda:1, mps or auto. [default: cpu]")
    ] = None,
    allow_import: Annotated[
        list[str] | None,
        typer.Option(
            metavar=IMPORTABLE,
            help="A module, or a Python file, that the environment of --resume or --from may be imported from"
            f" (repeatable). {NO_NEED_TO_ALLOW}",
        ),
    ] = None,
) -> None:
    """Train AGENT on FAMILY, or go on with a run."""
    if device is not None and not _DEVICE.fullmatch(device):
        raise UserError(f"--device: found {device!r}; allowed: cpu, cuda, cuda:N, mps, auto")
    allowed = tuple(allow_import or ())
    if resume is not None:
        _nothing_beside_resume(
            {
                "AGENT": agent,
                "--seed": seed,
                "--set": overrides,
                "--leave-out": leave_out,
                "--out": out,
                "--from": from_run,
                "--keep": keep,
            }
        )
        run = _go_on(
            resume, steps=steps, detect_anomaly=detect_anomaly, device=device or "cpu", allow_import=allowed
        )
    elif agent is None or family is None:
        raise UserError(
            "train needs an AGENT and a FAMILY (`hyperrl list` shows their names), or --resume RUN"
        )
    elif allowed and from_run is None:
        raise UserError(
            "--allow-import does not go without --resume or --from: a file of your own imports what it names"
        )
    else:
        run = _start(
            agent,
            family,
            out,
            steps=steps,
            seed=seed or 0,
            overrides=overrides or [],
            leave_out=[parsing.context(text, "--leave-out") for text in leave_out or ()],
            from_run=from_run,
            keep=keep or 0,
            detect_anomaly=detect_anomaly,
            device=device or "cpu",
            allow_import=allowed,
        )
    _print_run(run)


def _nothing_beside_resume(given: Mapping[str, object]) -> None:
    for what, value in given.items():
        if value is not None:
            raise UserError(f"{what} does not go with --resume: the run's own recipe says it")


def _start(
    agent: str, family: str, out: str | None, *, seed: int, leave_out: list[dict[str, float]], **options: Any
) -> "Run":
    from hyperrl import api
    from hyperrl.recipes import load_agent
    from hyperrl.tasks import Family

    recipe, tasks = load_agent(agent), Family.load(family)
    tasks = tasks.leave_out(leave_out) if leave_out else tasks
    tasks.try_out()  # A base that fails at once is told here, before seconds go into loading torch.
    default = api.default_run_dir(tasks.name, recipe.name, seed, leave_out)
    directory = to_path("--out", out) if out is not None else default
    what = f"{recipe.name} on {tasks.name}"
    with _resumable(directory, options), progress(what, "steps", "preparing") as advance:
        return api.train(recipe, tasks, seed=seed, out=directory, progress=advance, **options)


def _go_on(run: str, **options: Any) -> "Run":
    from hyperrl import api

    with _resumable(Path(run), options), progress("resumed", "steps", "preparing") as advance:
        return api.resume(run, progress=advance, **options)


@contextmanager
def _resumable(directory: Path, options: Mapping[str, Any]) -> Iterator[None]:
    """Tell an interrupted user what is kept, and how to go on with the same options."""
    try:
        yield
    except KeyboardInterrupt as stop:
        raise Interrupted(_how_to_go_on(directory, options)) from stop


def _how_to_go_on(directory: Path, options: Mapping[str, Any]) -> str:
    from hyperrl.store import Run, needed_imports, read_spec

    try:
        run = Run(directory, read_spec(directory / "run.yaml"))
    except UserError:
        return "interrupted before anything was written"
    allowed = options["allow_import"] or needed_imports(run.path, run.spec)
    command = ["hyperrl", "train", "--resume", str(directory)]
    command += ["--detect-anomaly"] if options["detect_anomaly"] else []
    command += ["--device", options["device"]] if options["device"] != "cpu" else []
    for module in allowed:
        command += ["--allow-import", module]
    again = "start again" if run.kept_steps() is None else "go on"
    return f"interrupted; {run.last_checkpoint()}; {again} with: {shlex.join(command)}"


def _print_run(run: "Run") -> None:
    agent, family = run.spec.agent.name, run.spec.family.name
    final = json.loads((run.path / "evaluations" / "final.json").read_bytes())
    taken, planned = final["steps"], run.spec.steps
    more = f" ({planned:,} planned, and whole rollouts are played)" if taken > planned else ""
    console.line(f"{agent} on {family}, seed {run.spec.seed}: {taken:,} steps{more}")
    console.evaluation(final)
    if "validation" not in final["splits"]:
        console.line("no task is held out for validation: these are the latest weights, not the best ones")
    console.line()
    figures = sorted(run.figures.glob("return_over_context*.png"))
    rows = [("run", str(run.path)), *(("figure", str(path)) for path in figures)]
    rows.append(("TensorBoard", f"tensorboard --logdir {shlex.quote(str(run.path))}"))
    console.pairs([*rows, *next_steps.commands(run)])
    if hint := next_steps.warning(run, final):
        console.line()
        console.line(f"note: {hint}")
