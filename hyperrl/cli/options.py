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

IMPORTABLE = "MODULE|FILE"
NO_NEED_TO_ALLOW = "None is needed for a file that this machine has trained with."

AllowImport = Annotated[
    list[str] | None,
    typer.Option(
        metavar=IMPORTABLE,
        help="A module, or a Python file, that the run's environment may be imported from (repeatable)."
        f" {NO_NEED_TO_ALLOW}",
    ),
]
