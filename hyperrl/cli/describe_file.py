"""`hyperrl describe FILE`: what a specialist's or a generalist's file holds."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hyperrl.cli import console
from hyperrl.errors import UserError

if TYPE_CHECKING:
    from hyperrl.deploy.plan import Specialist

ENDINGS = (".safetensors", ".onnx")


def is_export(name: str) -> bool:
    """Whether a name is the path of a file that `specialize` or `export` wrote, by its ending."""
    return name.endswith(ENDINGS)


def describe(name: str) -> None:
    """Print what a file holds; UserError where it is none of ours."""
    path = Path(name)
    if path.suffix == ".onnx" and path.is_file():
        about = _generalist(path)
        if about is not None:
            _print_generalist(path, about)
            return
    from hyperrl.deploy.files import load_specialist

    _print_specialist(path, load_specialist(path).specialist)


def _print_specialist(path: Path, specialist: "Specialist") -> None:
    from hyperrl.tasks.contexts import assignment

    plan = specialist.plan
    console.line(f"{path}: a specialist, the network of one task")
    console.line()
    rows = [
        ("agent", f"{plan.agent} ({plan.algorithm})"),
        ("task", f"{plan.family}, {assignment(plan.context)}"),
        ("observation", ", ".join(f"{part.name} {_shape(part.shape)} {part.dtype}" for part in plan.inputs)),
        ("action", f"{_shape(plan.action.shape)} {plan.action.dtype}"),
        ("parameters", f"{specialist.parameters:,}"),
        ("flag", "not asked for" if plan.flag is None else plan.flag.verdict),
    ]
    if plan.flag is not None:
        flag = plan.flag
        nearest = f"{flag.distance:.3g} away, flagged above {flag.largest_distance:.3g}"
        rows.append(("nearest training task", nearest))
        if flag.disagreement is not None and flag.largest_disagreement is not None:
            limit = f"{flag.largest_disagreement:.3g}"
            rows.append(("disagreement of networks", f"{flag.disagreement:.3g}, flagged above {limit}"))
    console.pairs(rows)


def _shape(shape: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, shape))})"


def _generalist(path: Path) -> dict[str, Any] | None:
    """The description in a generalist's file; None where the file is another one.

    Raises:
        UserError: a package that reads ONNX is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise UserError(
            f"describe {str(path)!r}: needs the package onnx: pip install 'hyperrl[export]'"
        ) from error
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        entries = {each.key: each.value for each in onnx.load_model(str(path)).metadata_props}
        about = json.loads(entries["generalist"])
        return about if isinstance(about, dict) else None
    except (DecodeError, KeyError, ValueError, OSError):
        return None


def _print_generalist(path: Path, about: dict[str, Any]) -> None:
    console.line(f"{path}: a generalist, which takes the task as an input")
    console.line()
    flag = about.get("flag")
    flagged = "not asked for" if flag is None else (
        f"output {flag['output']!r}: outside of a training range, or more than"
        f" {flag['largest_distance']:.3g} from the nearest training task"
    )  # fmt: skip
    console.pairs([
        ("agent", f"{about.get('agent')} ({about.get('algorithm')})"),
        ("family", f"{about.get('family')}: {', '.join(about.get('features', {}))}"),
        ("flag", flagged),
    ])  # fmt: skip
