"""`hyperrl new family`: writes an environment and its family, to be changed into one's own."""

import keyword
import re
from contextlib import suppress
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from hyperrl.cli import console, options
from hyperrl.errors import UserError
from hyperrl.shipped import shipped

app = typer.Typer(help="Write files of your own to start from.")

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*([-_][A-Za-z0-9]+)*")
_MAX_LENGTH = 40
_TEMPLATES = Path(__file__).parent / "templates"


app.callback(invoke_without_command=True)(options.print_help)


@app.command()
def family(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="A letter, then letters and digits, with single '-' or '_' between them."
        ),
    ],
) -> None:
    """Write a small environment and its family to start from.

    NAME_env.py holds and registers a Gymnasium environment: a tank of water with three parameters. NAME.yaml
    holds a family with these parameters as features. Both go into the working folder and replace nothing.
    `hyperrl check NAME.yaml` passes as they are.
    """
    module, class_name = _names(name)
    fields = {"name": name, "module": module, "class_name": class_name}
    templates = {Path(f"{module}.py"): "env.py.template", Path(f"{name}.yaml"): "family.yaml.template"}
    _write_all(
        {
            path: Template((_TEMPLATES / file).read_text()).substitute(fields)
            for path, file in templates.items()
        }
    )
    environment, recipe = map(str, templates)
    about = f"the environment {class_name}-v0: a class with three parameters"
    console.pairs([(environment, about), (recipe, "the family: how far each parameter varies")])
    console.line()
    console.line("Next:")
    console.line(f"  hyperrl check {recipe}")
    console.line(f"  hyperrl train hyper-ppo {recipe}")


def _names(name: str) -> tuple[str, str]:
    """The names of module and class; UserError where a name is not allowed, or is taken."""
    import importlib.util

    import gymnasium as gym

    if not _NAME.fullmatch(name) or len(name) > _MAX_LENGTH:
        raise UserError(
            f"new family: found {name!r}; allowed: a letter, then letters and digits with single '-' or '_'"
            f" between them, at most {_MAX_LENGTH} in all"
        )
    parts = re.split("[-_]", name)
    module, class_name = "_".join([*parts, "env"]), "".join(part[0].upper() + part[1:] for part in parts)
    spec = importlib.util.find_spec(module)
    reasons = {
        "a family of the suite": name in shipped("envs"),
        f"whose class {class_name} is a keyword of Python": keyword.iskeyword(class_name),
        f"whose id {class_name}-v0 Gymnasium has already": f"{class_name}-v0" in gym.registry,
        f"whose module {module} is installed already": spec is not None
        and spec.origin != str(Path(f"{module}.py").absolute()),
    }
    for reason, applies in reasons.items():
        if applies:
            raise UserError(f"new family: found {name!r}, {reason}; allowed: another name")
    return module, class_name


def _write_all(texts: dict[Path, str]) -> None:
    """Write new files, all of them or none."""
    from hyperrl.store import report_write_errors

    for path in texts:
        if path.exists() or path.is_symlink():
            raise UserError(f"new family: {str(path)!r} exists already; nothing was written")
    created: list[Path] = []
    try:
        for path, text in texts.items():
            with report_write_errors("new family", path), path.open("x") as file:
                created.append(path)
                file.write(text)
    except BaseException:
        for path in created:
            with suppress(FileNotFoundError):
                path.unlink()
        raise
