"""The forward model of a run as files: `forward-model/model.yaml`, and its weights beside it."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from hyperrl.errors import UserError, user_syntax
from hyperrl.identify.forward_data import ForwardData
from hyperrl.recipes import Model, dump_yaml, read_yaml
from hyperrl.recipes.base import Count, Number, Positive, Rate, Text, Width, matching
from hyperrl.store import Run, atomic_write, report_write_errors
from hyperrl.store.checkpoint import decode, encode

if TYPE_CHECKING:
    from torch import Tensor

FOLDER, SPEC = "forward-model", "model.yaml"
_WEIGHTS = re.compile(r"weights-[0-9a-f]{16}\.safetensors")


class ForwardSpec(Model):
    """What `model.yaml` holds.

    Attributes:
        family: the family's name.
        columns: what is predicted.
        width: numbers in an input.
        hidden: widths of the target network's hidden layers.
        rank: of the generated changes of its weights.
        transitions: that it learned from.
        updates: of its weights.
        seed: of data and learning.
        errors: for each column, the root mean square of its errors on validation tasks.
        power: of the likelihood, by which intervals of validation tasks cover as they should.
        covered: the part of the 90 % intervals of validation tasks that hold the true value, at that power.
        weights: the file of the weights.
    """

    format: Literal[1] = 1
    family: Text
    columns: Annotated[tuple[Text, ...], Field(min_length=2, max_length=1001)]
    width: Width
    hidden: Annotated[tuple[Width, ...], Field(max_length=8)]
    rank: Width
    transitions: Count
    updates: Count
    seed: Annotated[int, Field(ge=0)]
    errors: Annotated[tuple[Positive, ...], Field(min_length=2)]
    power: Rate
    covered: Number
    weights: Annotated[str, matching(_WEIGHTS.pattern, "the name of a file of weights")]


def write_model(run: Run, spec: ForwardSpec, tensors: dict[str, Tensor]) -> None:
    """Write a forward model into a run, in place of an older one.

    The weights' file is named by its content, and `model.yaml`, written last, names it: a crash at any moment
    leaves the old model or the new one, whole.

    Raises:
        UserError: the run cannot be written.
    """
    data = encode(tensors, {})
    folder = run.path / FOLDER
    name = f"weights-{hashlib.sha256(data).hexdigest()[:16]}.safetensors"
    spec = spec.model_copy(update={"weights": name})
    text = dump_yaml(spec.model_dump(mode="json"))
    with report_write_errors("run", run.path):
        folder.mkdir(exist_ok=True)
        atomic_write(folder / name, data)
        atomic_write(folder / SPEC, text.encode())
        for path in folder.iterdir():
            if _WEIGHTS.fullmatch(path.name) and path.name != name:
                path.unlink()


def has_model(run: Run) -> bool:
    """Whether a run has a forward model."""
    return (run.path / FOLDER / SPEC).is_file()


def read_model(run: Run, data: ForwardData) -> tuple[ForwardSpec, dict[str, Tensor]]:
    """The forward model of a run; nothing is unpickled.

    Args:
        run: the run.
        data: of its family.

    Raises:
        UserError: it has none, or one that is damaged or of another family.
    """
    path = run.path / FOLDER / SPEC
    again = user_syntax("hyperrl.api.fit_forward_model(run)", f"hyperrl identify {run.path} --fit")
    if not path.is_file():
        raise UserError(f"run {str(run.path)!r}: has no forward model; fit one by {again}")
    spec = ForwardSpec.parse(read_yaml(path), str(path))
    weights = path.with_name(spec.weights)
    try:
        tensors, _ = decode(weights.read_bytes())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"forward model {str(weights)!r}: {reason}; fit it anew by {again}") from error
    if (spec.columns, spec.width) != (data.columns, data.width) or len(spec.errors) != len(spec.columns):
        raise UserError(f"forward model {str(path)!r}: is of another family; fit one by {again}")
    return spec, tensors
