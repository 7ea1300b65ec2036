"""What the page says of made-up identifications."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.learning.identify import FORMAT
from benchmarks.learning.suite import encode
from benchmarks.report import identify_section
from hyperrl.errors import UserError

TASKS = 32


def put(
    root: Path, family: str, model: str, seed: int, width: float = 1.0, features: tuple[str, ...] = ("c0",)
) -> Path:
    """Estimates that are off by a standard normal error, with intervals of `width` times its quantiles."""
    rng = np.random.default_rng(seed)
    tasks = rng.uniform(-5, 5, (TASKS, len(features)))
    choices = [name == "action_sign" for name in features]
    tasks[:, choices] = np.sign(tasks[:, choices])
    found = np.where(choices, tasks, tasks + rng.standard_normal(tasks.shape))
    rows: list[dict[str, Any]] = [
        {
            "estimate": row.tolist(),
            "0.5": [[value - 0.674 * width, value + 0.674 * width] for value in row],
            "0.9": [[value - 1.645 * width, value + 1.645 * width] for value in row],
        }
        for row in found
    ]
    result = {
        "format": FORMAT, "family": family, "model": model, "seed": seed, "features": list(features),
        "ranges": [[-5.0, 5.0] for _ in features], "choices": choices, "particles": 200,
        "transitions": [9] * TASKS, "tasks": tasks.tolist(), "noise": {"exact": 0.0, "noisy": 0.02},
        "conditions": {"exact": rows, "noisy": rows}, "seconds": 1.0,
    }  # fmt: skip
    path = root / family / model / f"seed-{seed}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(result))
    return path


def cells(text: str, feature: str) -> list[str]:
    """The first line of a feature, cell by cell."""
    (line, *_) = [
        line for line in text.splitlines() if f"| `{feature}` |" in line or f"| {feature} |" in line
    ]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_intervals_that_hold_as_often_as_they_say_are_not_marked(tmp_path: Path) -> None:
    for seed in range(5):
        put(tmp_path, "ode", "dynamics", seed)
    text = identify_section.section(identify_section.load(tmp_path), "By hand.")
    assert "Of 4 rates at which intervals hold the true value, 0 are clearly below the nominal one; 0" in text
    assert "does not tell all features" not in text
    error, guess, half, ninety, right = cells(text, "c0")[3:]
    assert 0.5 < float(error.split()[0]) < 0.9  # the median of a standard normal's size is 0.674
    assert (guess, "*" in half + ninety, right.endswith("%")) == ("2.5", False, True)
    assert "`ode`, seeds: 5 of the model `dynamics`." in text
    assert text.endswith("\n\nBy hand.\n")


@pytest.mark.parametrize(
    ("width", "words"), [(0.5, "4 are clearly below the nominal one: c0 of `ode`"), (2.0, "; 4 are")]
)
def test_intervals_that_are_too_narrow_or_too_wide_are_named(
    tmp_path: Path, width: float, words: str
) -> None:
    for seed in range(5):
        put(tmp_path, "ode", "learned", seed, width)
    text = identify_section.section(identify_section.load(tmp_path), None)
    assert words in text
    assert cells(text, "c0")[5].startswith("**")


def test_choices_have_signs_alone_and_what_an_episode_does_not_tell_comes_first(tmp_path: Path) -> None:
    put(tmp_path, "double-integrator", "dynamics", 0, features=("action_sign", "mass"))
    path = put(tmp_path, "pendulum", "dynamics", 0, features=("m", "l", "g"))
    result = json.loads(path.read_text())
    for row, task in zip(result["conditions"]["exact"], result["tasks"], strict=True):
        row["estimate"] = (
            np.abs(task) * [4, 0.5, 0.5]
        ).tolist()  # no equation of a pendulum tells them apart
    result["tasks"] = np.abs(result["tasks"]).tolist()
    path.write_bytes(encode(result))
    text = identify_section.section(identify_section.load(tmp_path), None)
    first = text.split("\n\n")[1]
    assert "does not tell all features" in first
    assert "m of `pendulum` (`dynamics`)" in first
    assert "Signs that are right: 64 of 64 by `dynamics`" not in text  # mass has both signs here
    assert cells(text, "action_sign")[3:] == ["", "", "", "", "100%"]
    assert cells(text, "m l^2")[3] == "0 %"


def test_seeds_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    path = put(tmp_path, "ode", "dynamics", 1)
    put(tmp_path, "ode", "dynamics", 0)
    good = json.loads(path.read_text())
    for change, words in (
        ({"particles": 7}, "seeds 0 and 1 differ in their particles"),
        ({"format": 9}, "not a result of format"),
        ({"family": "pendulum"}, "is of pendulum"),
    ):
        path.write_bytes(encode({**good, **change}))
        with pytest.raises(UserError, match=words):
            identify_section.load(tmp_path)
    path.write_text("{")
    with pytest.raises(UserError, match="not JSON"):
        identify_section.load(tmp_path)
