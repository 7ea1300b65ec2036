"""`hyperrl train`: an agent meets a family and a run comes out."""

import re
from typing import TYPE_CHECKING, Annotated

import typer

from hyperrl.cli import show, values
from hyperrl.cli.progress import progress
from hyperrl.errors import UserError

if TYPE_CHECKING:
    from hyperrl.store import Run

_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


def train(
    agent: Annotated[
        str | None, typer.Argument(metavar="AGENT", help="An agent's name or YAML file.")
    ] = None,
    family: Annotated[
        str | None, typer.Argument(metavar="FAMILY", help="A family's name or YAML file.")
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            parser=values.whole("--steps", 1), metavar="N", help="Environment steps. [default: the recipe's]"
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            parser=values.whole("--seed", 0), metavar="S", help="Seed of everything random. [default: 0]"
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="key=value",
            help="Any field of the agent's, as algorithm.gamma=0.95 (repeatable).",
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="The run's directory. [default: runs/FAMILY/AGENT/seed-S]"),
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
    device: Annotated[
        str | None, typer.Option(metavar="NAME", help="cpu, cuda, cuda:1, mps or auto. [default: cpu]")
    ] = None,
    allow_import: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODULE",
            help="A module that the environment of --resume or --from may import (repeatable).",
        ),
    ] = None,
) -> None:
    """Train AGENT on FAMILY, or go on with a run."""
    if device is not None and not _DEVICE.fullmatch(device):
        raise UserError(f"--device {device!r} is none of cpu, cuda, cuda:N, mps, auto")
    from hyperrl import api

    if resume is not None:
        _nothing_beside_resume(
            AGENT=agent, seed=seed, set=overrides, out=out, device=device, **{"from": from_run}
        )
        with progress("training") as advance:
            run = api.resume(resume, steps=steps, progress=advance, allow_import=tuple(allow_import or ()))
    else:
        if agent is None or family is None:
            raise UserError(
                "train needs an AGENT and a FAMILY, or --resume RUN; `hyperrl list` shows their names"
            )
        with progress(f"{agent} on {family}") as advance:
            run = api.train(
                agent,
                family,
                steps=steps,
                seed=seed or 0,
                overrides=overrides or (),
                out=out,
                from_run=from_run,
                device=device or "cpu",
                progress=advance,
            )
    _print_run(run)


def _nothing_beside_resume(**given: object) -> None:
    for name, value in given.items():
        if value is not None:
            what = name if name.isupper() else f"--{name}"
            raise UserError(
                f"--resume takes a RUN and --steps alone: the run's own recipe says the rest, drop {what}"
            )


def _print_run(run: "Run") -> None:
    show.line(f"run: {run.path}")
    show.line(f"watch it with: tensorboard --logdir {run.path}")
