"""Bad recipes: each is refused in one line that names the field, without torch."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.acceptance.driving import hyperrl_without_torch, refused

FAMILY: dict[str, Any] = {
    "about": "a cart of your own",
    "base": "CartPole-v1",
    "features": {
        "gravity": {
            "about": "gravity",
            "unit": "m/s^2",
            "default": 9.8,
            "train": [5, 15],
            "extrapolation": [1, 30],
        }
    },
    "splits": {"train": {"list": [{"gravity": 6}, {"gravity": 14}]}},
}
AGENT: dict[str, Any] = {
    "about": "an agent of your own",
    "algorithm": {"name": "ppo", "learning_rate": 1e-3},
    "policy": {"kind": "hyper", "hypernetwork": {"rank": 4}},
}


def changed(recipe: dict[str, Any], field: str, value: object) -> dict[str, Any]:
    head, _, rest = field.partition(".")
    return {**recipe, head: changed(recipe.get(head, {}), rest, value) if rest else value}


def write(folder: Path, recipe: object) -> Path:
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(recipe))
    return path


WRONG_FAMILIES = {
    "wrong type": (
        "features.gravity.train",
        "wide",
        ("features.gravity.train", '"wide"', "two finite numbers"),
    ),
    "text for a number": ("features.gravity.default", "nine", ("features.gravity.default", '"nine"')),
    "empty range": ("features.gravity.train", [5, 5], ("features.gravity.train", "low < high")),
    "inverted range": ("features.gravity.train", [15, 5], ("features.gravity.train", "low < high")),
    "range outside the widest": ("features.gravity.extrapolation", [6, 30], "features.gravity.extrapolation"),
    "non-finite number": ("features.gravity.default", float("nan"), "features.gravity.default"),
    "negative step count": ("training.steps", -100, ("training.steps", "-100")),
    "unknown field": ("featurs", {}, ("featurs", "did you mean 'features'?")),
    "no features": ("features", {}, "features"),
    "overlapping splits": (
        "splits.interpolation",
        {"list": [{"gravity": 6}]},
        ("splits.interpolation", "train already"),
    ),
    "unknown feature in a split": (
        "splits.interpolation",
        {"list": [{"gravty": 7}]},
        ("gravty", "did you mean 'gravity'?"),
    ),
    "split on the wrong side": ("splits.extrapolation", {"list": [{"gravity": 7}]}, "splits.extrapolation"),
    "unknown base": ("base", "CartPol-v1", "CartPol-v1"),
    "base that is no id": ("base", "import os", "base"),
    "later format": ("format", 2, "format"),
}


@pytest.mark.parametrize(("field", "value", "says"), WRONG_FAMILIES.values(), ids=WRONG_FAMILIES)
def test_a_wrong_family(field: str, value: object, says: str | tuple[str, ...], tmp_path: Path) -> None:
    path = write(tmp_path, changed(FAMILY, field, value))
    refused("check", path, cwd=tmp_path, says=says)


WRONG_AGENTS = {
    "wrong type": ("algorithm.learning_rate", "fast", ("algorithm.learning_rate", '"fast"')),
    "negative step count": ("steps", -1, ("steps", "-1")),
    "no steps": ("steps", 0, "steps"),
    "fraction of a step": ("steps", 0.5, ("steps", "whole number")),
    "unknown algorithm": ("algorithm.name", "pppo", ("algorithm", "ppo")),
    "unknown field": ("algorithm.learning_rat", 1e-3, ("learning_rat", "did you mean 'learning_rate'?")),
    "unknown kind": ("policy.kind", "hyperr", ("policy", "did you mean 'hyper'?")),
    "rank of nothing": ("policy.hypernetwork.rank", 0, "policy.hypernetwork.rank"),
}


@pytest.mark.parametrize(("field", "value", "says"), WRONG_AGENTS.values(), ids=WRONG_AGENTS)
def test_a_wrong_agent(field: str, value: object, says: str | tuple[str, ...], tmp_path: Path) -> None:
    path = write(tmp_path, changed(AGENT, field, value))
    refused("check", path, cwd=tmp_path, says=says)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "mine.yaml"),
        ("- 1\n- 2\n", "mine.yaml"),
        ("about: [1\n", ("mine.yaml", "not valid YAML")),
        ("about: x\nabout: y\n", ("mine.yaml", "duplicate key")),
        ("about: !!python/object/apply:os.system [touch owned]\n", "mine.yaml"),
        ("about: \x00\n", "mine.yaml"),
    ],
)
def test_a_file_that_is_no_recipe(text: str, says: str | tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    refused("check", path, cwd=tmp_path, says=says)


@pytest.mark.parametrize(
    "command", [("check", "mine.yaml"), ("describe", "./mine"), ("train", "hyper-ppo", "no/m.yaml")]
)
def test_a_file_that_is_not_there(command: tuple[str, ...], tmp_path: Path) -> None:
    refused(*command, cwd=tmp_path, says=(command[-1].removeprefix("./"), "no such file"))


def test_a_feature_that_no_attribute_carries(tmp_path: Path) -> None:
    path = write(tmp_path, changed(FAMILY, "features.gravity.attribute", "gravitas"))
    refused("check", path, cwd=tmp_path, says=("gravity", "gravitas"))
    refused("train", "hyper-ppo", path, cwd=tmp_path, says=("gravity", "gravitas"))


def test_one_wrong_recipe_among_others(tmp_path: Path) -> None:
    write(tmp_path, changed(FAMILY, "features.gravity.train", [5, 5]))
    done = hyperrl_without_torch("check", "mine.yaml", "hyper-ppo", cwd=tmp_path)
    assert done.returncode == 2
    assert [line.split(": ")[:2] for line in done.stdout.splitlines()] == [
        ["mine.yaml", "WRONG"],
        ["hyper-ppo", "ok, an agent (hyper policy, ppo)"],
    ]
    assert done.stderr.count("\n") == 1


def test_a_wrong_recipe_is_not_trained(tmp_path: Path) -> None:
    path = write(tmp_path, changed(FAMILY, "features.gravity.train", [15, 5]))
    refused("train", "hyper-ppo", path, cwd=tmp_path, says="features.gravity.train")
    path = write(tmp_path, changed(AGENT, "steps", -1))
    refused("train", path, "ode", cwd=tmp_path, says="steps")
