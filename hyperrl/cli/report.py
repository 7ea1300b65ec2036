"""`hyperrl report`: one HTML page about runs."""

from typing import Annotated

from hyperrl.cli import console, options
from hyperrl.cli.options import argument, flag, option
from hyperrl.cli.progress import progress


def report(
    runs: Annotated[list[str], argument("RUN", "Runs, or folders that are searched for runs.")],
    out: Annotated[str, option("FILE", "The page; one that exists is replaced.")] = "report.html",
    animate: Annotated[
        bool, flag("--animate", "Play an agent of each family, where its environment renders pictures.")
    ] = False,
    allow_import: options.AllowImport = None,
) -> None:
    """Write one HTML page about runs, to open from disk or send on.

    Runs of one agent on one family are its seeds. Nothing is played anew.
    """
    from hyperrl import api

    with progress("drawing") as advance:
        path = api.report(runs, out, animate=animate, allow_import=allow_import or (), progress=advance)
    console.pairs([("report", f"{path} ({path.stat().st_size / 1e6:.1f} MB)")])
