"""States and logs of runs, to be compared."""

import csv
import random
from collections import Counter
from typing import Any

import numpy as np
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from hyperrl.store import Run
from hyperrl.training.checkpoint import load_state, save_state

CLOCK = ("time/",)


def same(one: Any, two: Any, path: str = "") -> None:
    """Two states are equal, bit for bit."""
    assert type(one) is type(two), path
    if isinstance(one, dict):
        assert one.keys() == two.keys(), path
        for key in one:
            if not str(key).startswith(CLOCK) and key != "elapsed":
                same(one[key], two[key], f"{path}/{key}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(two), path
        for i, (left, right) in enumerate(zip(one, two, strict=True)):
            same(left, right, f"{path}/{i}")
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, two), path
    elif isinstance(one, np.ndarray):
        np.testing.assert_array_equal(one, two, err_msg=path)
    else:
        assert one == two, path


def scramble() -> None:
    """Leave the global generators where no training would."""
    random.seed(77)
    np.random.seed(77)
    torch.manual_seed(77)


def table(run: Run) -> list[dict[str, str]]:
    with (run.path / "progress.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [{key: value for key, value in row.items() if not key.startswith(CLOCK)} for row in rows]


def scalars(run: Run) -> dict[str, list[tuple[int, float]]]:
    events = EventAccumulator(str(run.path), size_guidance={"scalars": 0}).Reload()
    tags = [tag for tag in events.Tags()["scalars"] if not tag.startswith(CLOCK)]
    found = {tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in tags}
    for tag, points in found.items():
        assert max(Counter(step for step, _ in points).values()) == 1, tag
    return found


def replaced(tree: Any, path: list[str], value: Any) -> Any:
    """A tree of dictionaries and lists with another value at the end of the path."""
    if not path:
        return value
    key: Any = int(path[0]) if path[0].isdecimal() else path[0]
    copy = tree.copy()
    copy[key] = replaced(tree[key], path[1:], value)
    return copy


def vector(run: Run, name: str) -> torch.Tensor:
    return torch.cat([weight.flatten() for weight in load_state(run, name)["policy"].values()])


def make_best(run: Run) -> None:
    """Other weights than the latest become the best."""
    state = load_state(run, "latest")
    moved = {name: weight + 0.5 for name, weight in state["policy"].items()}
    save_state(run, "best", {"steps": state["steps"], "validation": 1.0, "policy": moved})
    assert not torch.equal(vector(run, "best"), vector(run, "latest"))
