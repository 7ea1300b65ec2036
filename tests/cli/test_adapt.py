"""`hyperrl adapt`, as a user drives it."""

import json
from pathlib import Path

import pytest

from tests.acceptance.driving import refused, succeeded
from tests.cli.calls import arguments_of, assert_defaults
from tests.runs import untrained

FEW = ("--particles", "50", "--episodes", "2")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds a run."""
    path = tmp_path_factory.mktemp("adapt")
    untrained(path / "mine", "hyper-ppo", "ode")
    return path


def test_one_task_is_shown_episode_by_episode(folder: Path) -> None:
    command = ("adapt", "mine", "--context", "c0=-3", *FEW, "--out", "e.json")
    shown = succeeded(*command, cwd=folder, torch=True).splitlines()
    assert shown[0] == "hyper-ppo on ode, seed 0: 1 task"
    assert shown[1] == "checkpoint 'best' of 16 steps: 2 episodes, most likely actions, start seed 0"
    assert shown[2] == "model dynamics, 50 particles in the declared ranges, after each episode"
    heads = "episode return true context ratio c0 90 % interval played with"
    assert shown[4].split() == heads.split()
    assert [line.split()[-1] for line in shown[5:7]] == ["c0=1", "c0=-3"]
    assert shown[6].split()[4:8] == ["-3", "-3", "to", "-3"]
    pairs = dict(line.split(maxsplit=1) for line in shown[8:] if line.strip())
    assert pairs["true"].split() == ["context", "c0=-3"]
    assert (folder / pairs["figure"]).is_file()
    assert pairs["file"] == "e.json"
    assert json.loads((folder / "e.json").read_text())["context"]["c0"] == pytest.approx(-3, rel=1e-4)
    evaluated = ("evaluate", "mine", "--context", "@e.json", "--json")
    assert json.loads(succeeded(*evaluated, cwd=folder, torch=True))["tasks"]
    refused(*command, cwd=folder, says=("out 'e.json': exists already", "replace it with --force"))


def test_several_tasks_are_means_and_a_line_each(folder: Path) -> None:
    command = ("adapt", "mine", "--context", "c0=-3", "--context", "c0=2", *FEW, "--first", "explore")
    shown = succeeded(*command, cwd=folder, torch=True).splitlines()
    assert shown[0] == "hyper-ppo on ode, seed 0: 2 tasks"
    assert shown[4].split() == [
        "episode",
        "return",
        "95",
        "%",
        "interval",
        "true",
        "context",
        "ratio",
        "error",
        "of",
        "c0",
    ]
    assert [line.split()[0] for line in shown[5:7]] == ["1", "2"]
    assert shown[8].split() == ["task", "split", "last", "return", "true", "context", "ratio", "estimate"]
    assert [line.split()[0] for line in shown[9:11]] == ["c0=-3", "c0=2"]
    data = json.loads(succeeded(*command, "--json", cwd=folder, torch=True))
    assert [each["episode"] for each in data["by_episode"]] == [1, 2]
    assert data["tasks"][1]["episodes"][0]["observed_context"] is None


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--episodes", "0"], "--episodes: found '0'; allowed: a whole number from 1"),
        (["--first", "random"], "--first: found 'random'; allowed: 'default', 'explore'"),
        (["--within", "x"], "--within: found 'x'; allowed: 'declared', 'training'"),
        (["--out", "e2.json"], "--out: found 6 tasks; allowed: one, whose estimate is written"),
    ],
    ids=" ".join,
)
def test_mistakes(folder: Path, options: list[str], says: str) -> None:
    refused("adapt", "mine", *options, cwd=folder, says=says)


def test_every_option_reaches_the_python_function(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    given = arguments_of(
        monkeypatch, "adapt", folder / "mine", "--split", "train", "--context", "c0=2", "--episodes", 3,
        "--first", "explore", "--model", "learned", "--level", 0.5, "--within", "training", "--particles", 60,
        "--transitions", 70, "--seed", 4, "--out", "e.json", "--force", "--checkpoint", "latest",
        "--allow-import", "one",
    )  # fmt: skip
    assert given == {
        "": (str(folder / "mine"),), "splits": ["train"], "contexts": [{"c0": 2.0}], "episodes": 3,
        "first": "explore", "model": "learned", "level": 0.5, "within": "training", "particles": 60,
        "transitions": 70, "seed": 4, "out": "e.json", "force": True, "checkpoint": "latest",
        "allow_import": ["one"],
    }  # fmt: skip
    assert_defaults("adapt", arguments_of(monkeypatch, "adapt", folder / "mine"))
