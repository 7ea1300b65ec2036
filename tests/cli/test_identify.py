"""`hyperrl identify`, as a user drives it."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.acceptance.driving import refused, succeeded
from tests.cli.calls import arguments_of, assert_defaults
from tests.identify.cases import arrays_of, recorded
from tests.runs import untrained


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds a run, and a recording as CSV and as NPZ."""
    path = tmp_path_factory.mktemp("identify")
    untrained(path / "mine", "hyper-ppo", "double-integrator")
    arrays = arrays_of(recorded("double-integrator", {"action_sign": -1, "mass": 0.8}))
    np.savez(path / "log.npz", allow_pickle=False, **arrays)
    table = np.concatenate([arrays["obs"], arrays["action"]], axis=1)
    header = "obs.0,obs.1,obs.2,obs.3,action.0,action.1"
    np.savetxt(path / "log.csv", table, delimiter=",", header=header, comments="")
    return path


def test_the_table_names_the_task(folder: Path) -> None:
    shown = succeeded("identify", "mine", "--data", "log.csv", "--particles", "100", cwd=folder).splitlines()
    assert shown[0] == "double-integrator: 59 transitions of 1 episode in log.csv"
    assert shown[1] == "model dynamics, 100 particles in the declared ranges"
    table = {line.split()[0]: line.split()[1:] for line in shown[3:] if line.strip()}
    assert table["feature"] == ["estimate", "90", "%", "interval", "possible"]
    assert table["action_sign"][0] == "-1"
    assert float(table["mass"][0]) == pytest.approx(0.8, rel=1e-3)
    assert table["context"][0].startswith("action_sign=-1,mass=0.")


def test_the_estimate_is_taken_by_other_commands(folder: Path) -> None:
    command = ("identify", "mine", "--data", "log.npz", "--particles", "100", "--out", "e.json", "--json")
    found = json.loads(succeeded(*command, cwd=folder))
    assert found["context"] == json.loads((folder / "e.json").read_text())["context"]
    evaluated = ("evaluate", "mine", "--context", "@e.json", "--episodes", "1", "--json")
    (task,) = json.loads(succeeded(*evaluated, cwd=folder, torch=True))["tasks"]
    assert task["context"] == found["context"]
    succeeded("specialize", "mine", "--context", "@e.json", "--out", "x.safetensors", cwd=folder, torch=True)
    refused(*command, cwd=folder, says=("out 'e.json': exists already", "replace it with --force"))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "--data: found none; allowed: a file of transitions"),
        (["--data", "none.csv"], "data 'none.csv': No such file or directory"),
        (["--data", "log.npz", "--level", "2"], "--level: found 2.0; allowed: a number above 0 and below 1"),
        (["--data", "log.npz", "--model", "equations"], "--model: found 'equations'"),
        (["--data", "log.npz", "--out", "e.txt"], "out 'e.txt': found the ending '.txt'; allowed: .json"),
    ],
    ids=" ".join,
)
def test_mistakes(folder: Path, options: list[str], says: str) -> None:
    refused("identify", "mine", *options, cwd=folder, says=says)


def test_a_bad_row_is_named_by_its_line(folder: Path) -> None:
    lines = (folder / "log.csv").read_text().splitlines()
    lines[7] = "nan" + lines[7][lines[7].index(",") :]
    (folder / "bad.csv").write_text("\n".join(lines))
    refused("identify", "mine", "--data", "bad.csv", cwd=folder, says="line 8, obs.0: found nan; allowed:")


def test_every_option_reaches_the_python_function(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    given = arguments_of(
        monkeypatch, "identify", folder / "mine", "--data", "x.csv", "--model", "dynamics", "--level", 0.5,
        "--within", "training", "--particles", 60, "--transitions", 70, "--seed", 3, "--out", "e.json",
        "--force", "--allow-import", "one",
    )  # fmt: skip
    assert given == {
        "": (str(folder / "mine"), "x.csv"), "model": "dynamics", "level": 0.5, "within": "training",
        "particles": 60, "transitions": 70, "seed": 3, "out": "e.json", "force": True,
        "allow_import": ["one"],
    }  # fmt: skip
    plain = arguments_of(monkeypatch, "identify", folder / "mine", "--data", "x.csv")
    assert_defaults("identify", plain)


def test_a_fit_reaches_its_function(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    given = arguments_of(
        monkeypatch, "identify", folder / "mine", "--fit", "--seed", 4, function="fit_forward_model"
    )
    assert given == {"": (str(folder / "mine"),), "seed": 4, "allow_import": ()}
