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
    typer.Option(
        metavar="MODULE|FILE",
        help="A module, or a Python file, that the run's environment may be imported from (repeatable). None"
        " is needed for a file that this machine has trained with.",
    ),
]
