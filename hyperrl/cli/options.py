"""Options that several commands take."""

from typing import Annotated

import typer

Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="key=value",
        help="Any field of the agent's, as policy.hypernetwork.rank=4 (repeatable).",
    ),
]
