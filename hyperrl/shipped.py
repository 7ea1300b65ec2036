"""Which recipes come with the library."""

from pathlib import Path
from typing import Literal

Kind = Literal["agents", "envs", "suites"]


def shipped(kind: Kind) -> dict[str, Path]:
    """The suite's recipes: name to file, in alphabetical order."""
    return {path.stem: path for path in sorted(_folder(kind).glob("*.yaml"), key=lambda path: path.stem)}


def _folder(kind: Kind) -> Path:
    """In a wheel the recipes lie in the package, in a checkout (or an editable install) beside it."""
    here = Path(__file__).resolve().parent
    packaged = here / "recipes" / "shipped"
    if packaged.is_dir():
        return packaged / kind
    return here.parent / ("benchmarks/suites" if kind == "suites" else kind)
