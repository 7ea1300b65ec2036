"""`hyperrl new family`: writes an environment and its family, to be changed into one's own."""

import keyword
import re
from contextlib import suppress
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from hyperrl.cli import console
from hyperrl.errors import UserError

app = typer.Typer(help="Write the files of something new, to start from.")

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*([-_][A-Za-z0-9]+)*")
_LONGEST = 40
_TEMPLATES = Path(__file__).parent / "templates"


@app.callback(invoke_without_command=True)
def _root(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def family(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Letters and digits, with single '-' or '_' between them.")
    ],
) -> None:
    """Write an environment of your own and the family of its tasks, to change into what you need.

    NAME_env.py holds a small Gymnasium environment, a tank of water with three parameters, and registers it.
    NAME.yaml makes a family of it, whose features are these parameters. Both go into the working folder, and
    nothing that is there is overwritten. `hyperrl check NAME.yaml` passes as they are.
    """
    module, class_name = _names(name)
    fields = {"name": name, "module": module, "class_name": class_name}
    texts = {
        Path(f"{module}.py"): Template((_TEMPLATES / "env.py.template").read_text()).substitute(fields),
        Path(f"{name}.yaml"): Template((_TEMPLATES / "family.yaml.template").read_text()).substitute(fields),
    }
    _write_all(texts)
    environment, recipe = texts
    console.pairs(
        [
            (str(environment), f"the environment {class_name}-v0: a class with three parameters"),
            (str(recipe), "the family: how far each parameter varies"),
        ]
    )
    console.line()
    console.line("Next:")
    console.line(f"  hyperrl check {recipe}")
    console.line(f"  hyperrl train hyper-ppo {recipe}")


def _names(name: str) -> tuple[str, str]:
    """The names of module and class; UserError where a name is not allowed, or means something already."""
    import importlib.util

    import gymnasium as gym

    from hyperrl.shipped import shipped

    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise UserError(
            f"new family: found {name!r}; allowed: a letter, then letters and digits with single '-' or '_'"
            f" between them, at most {_LONGEST} in all"
        )
    if name in shipped("envs"):
        raise UserError(f"new family: found {name!r}, a family of the suite; allowed: another name")
    parts = re.split("[-_]", name)
    module, class_name = "_".join([*parts, "env"]), "".join(part[0].upper() + part[1:] for part in parts)
    if keyword.iskeyword(class_name):
        raise UserError(
            f"new family: found {name!r}, whose class {class_name} Python has a meaning of its own for;"
            " allowed: another name"
        )
    if f"{class_name}-v0" in gym.registry:
        raise UserError(
            f"new family: found {name!r}, whose id {class_name}-v0 Gymnasium has already; allowed:"
            " another name"
        )
    here = Path(f"{module}.py").absolute()
    spec = importlib.util.find_spec(module)
    if spec is not None and spec.origin != str(here):
        raise UserError(
            f"new family: found {name!r}, whose module {module} is installed already; allowed: another name"
        )
    return module, class_name


def _write_all(texts: dict[Path, str]) -> None:
    """Write new files, all of them or none."""
    from hyperrl.store import report_write_errors

    for path in texts:
        if path.exists() or path.is_symlink():
            raise UserError(f"new family: {str(path)!r} is there already; nothing was written")
    written: list[Path] = []
    try:
        for path, text in texts.items():
            with report_write_errors("new family", path), path.open("x") as file:
                written.append(path)
                file.write(text)
    except BaseException:
        for path in written:
            with suppress(FileNotFoundError):
                path.unlink()
        raise
