"""The command line: it parses, calls the Python function of the same name, and prints."""

import sys
from collections.abc import Sequence

from hyperrl.cli import errors
from hyperrl.errors import on_command_line

__all__ = ["main"]


def main(args: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        args: the command line without the program's name; None: `sys.argv`.

    Returns:
        The exit status: 0 done; 2 a mistake of the user's (one line on stderr); 1 a base environment that
        failed, a training that diverged or output that cannot be written (one line too), or a fault of
        HyperRL's (with its traceback); 130 interrupted; 141 nobody reads the output any more.
    """
    from hyperrl.cli.app import app

    with on_command_line(), errors.report() as outcome:
        errors.check_working_folder()
        outcome.status = app(
            args=list(sys.argv[1:] if args is None else args), prog_name="hyperrl", standalone_mode=False
        )
    return outcome.status or 0
