"""Options that several commands take."""

from typing import Annotated

import typer

Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="key=value",
        help="Any field of the agent's, as policy.hypernetwork.hidden=[32] (repeatable).",
    ),
]

Checkpoint = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="latest, best or a number of steps. [default: best, else latest]"),
]

AllowImport = Annotated[
    list[str] | None,
    typer.Option(metavar="MODULE", help="A module that the run's environment may import (repeatable)."),
]
