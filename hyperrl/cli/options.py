"""Arguments and options that several commands take, and what a shell completes them to."""

from collections.abc import Callable, Iterable
from glob import escape, glob
from typing import Annotated, Any

import typer

from hyperrl.cli import parsing
from hyperrl.extras import TRACKERS
from hyperrl.shipped import shipped


def complete_agent(incomplete: str) -> list[str]:
    """Agents of the suite, and YAML files."""
    return [*_matching(shipped("agents"), incomplete), *_files(incomplete)]


def complete_family(incomplete: str) -> list[str]:
    """Families of the suite, and YAML files."""
    return [*_matching(shipped("envs"), incomplete), *_files(incomplete)]


def complete_suite(incomplete: str) -> list[str]:
    """Suites that come with the library, and YAML files."""
    return [*_matching(shipped("suites"), incomplete), *_files(incomplete)]


def complete_recipe(incomplete: str) -> list[str]:
    """Agents and families of the suite, and YAML files."""
    return [*_matching(shipped("agents"), incomplete), *complete_family(incomplete)]


def complete_split(incomplete: str) -> list[str]:
    """Splits; every family has the same names for them."""
    from hyperrl.recipes import ALL_SPLITS

    return _matching(ALL_SPLITS, incomplete)


def complete_engine(incomplete: str) -> list[str]:
    """What makes the runs of a suite."""
    from hyperrl.experiments import ENGINES

    return _matching(ENGINES, incomplete)


def complete_tracker(incomplete: str) -> list[str]:
    """Services that a training may log to."""
    return _matching(TRACKERS, incomplete)


def complete_pruner(incomplete: str) -> list[str]:
    """What may stop runs early."""
    from hyperrl.experiments.tuning import PRUNERS

    return _matching(PRUNERS, incomplete)


def _matching(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _files(incomplete: str) -> list[str]:
    return sorted(glob(f"{escape(incomplete)}*.yaml"))


def argument(metavar: str, help: str, complete: Callable[[str], list[str]] | None = None) -> Any:
    """An argument of a command; `complete` finds what a shell completes it to."""
    return typer.Argument(metavar=metavar, help=help, autocompletion=complete)


def option(metavar: str, help: str, *names: str, **settings: Any) -> Any:
    """An option of a command that takes a value; without names it is called as the parameter."""
    return typer.Option(*names, metavar=metavar, help=help, **settings)


def flag(name: str, help: str) -> Any:
    """An option of a command that takes no value."""
    return typer.Option(name, help=help)


def print_help(context: typer.Context) -> None:
    """Print the help of a command that needs another one, where none is given."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


RunPath = Annotated[str, argument("RUN", "A run's directory.")]
Overrides = Annotated[
    list[str] | None,
    option(
        "FIELD=VALUE",
        "Change a field of the agent, as policy.hypernetwork.hidden=[32] (repeatable).",
        "--set",
    ),
]
StartSeed = Annotated[int, option("N", "Seed of the start states.", parser=parsing.SEED)]
Stochastic = Annotated[bool, flag("--stochastic", "Draw actions instead of taking the most likely ones.")]
Checkpoint = Annotated[
    str | None, option("NAME", "best, latest or a number of steps. [default: best, else latest]")
]
Predictor = Annotated[
    str | None,
    option("dynamics|learned", "What predicts. [default: dynamics, where the family has arrays]"),
]
Level = Annotated[float, option("P", "Probability of the intervals.")]
Within = Annotated[
    str, option("declared|training", "Which contexts are possible: all declared, or training ranges.")
]
Particles = Annotated[int, option("N", "Contexts drawn from the posterior.", parser=parsing.PARTICLES)]
Transitions = Annotated[
    int, option("N", "Use so many at most, evenly spaced ones of more.", parser=parsing.TRANSITIONS)
]
Flag = Annotated[bool, flag("--flag", "Tell in the file which contexts are far from anything trained on.")]
Force = Annotated[bool, flag("--force", "Replace a file that exists.")]
Json = Annotated[bool, flag("--json", "Print one JSON object and nothing else.")]
AllowImport = Annotated[
    list[str] | None,
    option(
        "MODULE|FILE",
        "Allow a run's environment to import a module or a Python file (repeatable). Files that this machine"
        " has trained with need no permission.",
    ),
]
