"""What differs between two runs of the same seed, clocks aside."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from hyperrl.store import Run

CLOCK = "time/"
PARTS = (
    "tensors of the last checkpoint", "entries of the last checkpoint", "best checkpoints", "evaluations",
    "lines of progress.csv", "TensorBoard scalars",
)  # fmt: skip


def differences(one: Path, other: Path) -> dict[str, list[str]]:
    """By part, the names of what differs."""
    first, second = Run.open(one), Run.open(other)
    (tensors, meta), (others, other_meta) = (run.load_checkpoint("latest") for run in (first, second))
    unlike = [
        name
        for name in sorted(tensors.keys() | others.keys())
        if name not in tensors or name not in others or not _equal(tensors[name], others[name])
    ]
    flat, other_flat = _flat(meta), _flat(other_meta)
    found = (
        unlike,
        _unlike(flat, other_flat),
        _unlike(_files(one / "checkpoints", "best.*"), _files(other / "checkpoints", "best.*")),
        _unlike(_files(one / "evaluations", "*.json"), _files(other / "evaluations", "*.json")),
        _unlike(_rows(one), _rows(other)),
        _unlike(_scalars(one), _scalars(other)),
    )
    return dict(zip(PARTS, found, strict=True))


def _unlike(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    missing = object()
    names = sorted(one.keys() | other.keys())
    return [name for name in names if one.get(name, missing) != other.get(name, missing)]


def _equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.dtype == other.dtype and one.shape == other.shape and _bytes(one) == _bytes(other)


def _bytes(tensor: torch.Tensor) -> bytes:
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


def _flat(tree: Any, path: str = "") -> dict[str, str]:
    """Leaves by path, as text; clocks are left out."""
    if isinstance(tree, dict):
        items = {str(key): value for key, value in tree.items()}
    elif isinstance(tree, list):
        items = {str(index): value for index, value in enumerate(tree)}
    else:
        return {path: repr(tree)}
    found: dict[str, str] = {}
    for key, value in items.items():
        if key != "elapsed" and not key.startswith(CLOCK):
            found |= _flat(value, f"{path}/{key}")
    return found


def _files(folder: Path, pattern: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob(pattern)}


def _rows(run: Path) -> dict[str, list[str]]:
    """Lines of the table by their number, the header's is 0."""
    with (run / "progress.csv").open(newline="") as file:
        lines = list(csv.reader(file))
    columns = [place for place, name in enumerate(lines[0]) if not name.startswith(CLOCK)]
    return {f"line {number}": [line[place] for place in columns] for number, line in enumerate(lines)}


def _scalars(run: Path) -> dict[str, list[tuple[int, float]]]:
    found = {}
    for folder in (run, *sorted(run.glob("zero_shot/*"))):
        events = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
        for tag in events.Tags()["scalars"]:
            if not tag.startswith(CLOCK):
                name = f"{folder.relative_to(run)} {tag}"
                found[name] = [(event.step, event.value) for event in events.Scalars(tag)]
    return found
