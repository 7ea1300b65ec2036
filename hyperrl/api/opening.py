"""What every verb does first: open a run, find its family, and keep torch's generators as they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hyperrl.errors import UserError
from hyperrl.store import Run
from hyperrl.tasks import Family


def opened(run: str | Path | Run, allow_import: Sequence[str]) -> Run:
    """The run itself, or that in a directory."""
    return run if isinstance(run, Run) else Run.open(run, allow_import)


def family_of(run: Run, family: Family | None) -> Family:
    """The family that a run was trained on; one that is given must be that."""
    if family is None:
        if run.spec.family.base.startswith("hyperrl-custom/"):
            raise UserError(
                f"run {str(run.path)!r}: its family was made in Python; pass it again as family=..."
            )
        return Family(run.spec.family)
    place = {"folder": None}  # which may have moved
    if family.recipe.model_copy(update=place) != run.spec.family.model_copy(update=place):
        raise UserError(
            f"run {str(run.path)!r}: was trained on another family than the {family.name!r} given"
        )
    return family


def checkpoint_name(checkpoint: str | int | None) -> str | None:
    """The name of a checkpoint that is given by its name or its number of steps."""
    return None if checkpoint is None else str(checkpoint)


@contextmanager
def isolated_rng(seed: int | None = None) -> Iterator[None]:
    """Put torch's generators back afterwards: building a network and drawing actions both use them."""
    import torch

    with torch.random.fork_rng():
        if seed is not None:
            torch.manual_seed(seed)
        yield
