"""`hyperrl front`, as a user drives it."""

import json
from pathlib import Path
from typing import Any

import pytest

from hyperrl.cli import main
from tests.api.test_fronts import THRIFTY
from tests.cli.calls import arguments_of, assert_defaults
from tests.runs import untrained

pytest.importorskip("moocore")


def test_options(monkeypatch: pytest.MonkeyPatch) -> None:
    given = arguments_of(
        monkeypatch, "front", "mine", "--points", 5, "--context", "m=2", "--reference", "rest=-5",
        "--episodes", 3, "--seed", 4, "--stochastic", "--checkpoint", "latest", "--json",
    )  # fmt: skip
    assert given == {
        "": ("mine",), "points": 5, "context": {"m": 2.0}, "reference": {"rest": -5.0}, "episodes": 3,
        "seed": 4, "deterministic": False, "checkpoint": "latest", "allow_import": (),
    }  # fmt: skip
    assert_defaults("front", arguments_of(monkeypatch, "front", "mine"))


def test_a_table_with_the_front_and_its_knee(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thrifty.yaml").write_text(THRIFTY)
    run = str(tmp_path / "run")
    untrained(tmp_path / "run", "hyper-ppo", str(tmp_path / "thrifty.yaml"), ["policy.net_arch=[4]"])
    assert main(["front", run, "--points", "3"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "hyper-ppo on thrifty, checkpoint 'best'"
    assert shown[3].split() == ["effort", "reward_effort", "rest", "weighed"]
    assert [line.split()[0] for line in shown[4:7]] == ["1", "50.5", "100"]
    assert sum(line.endswith("knee") for line in shown[4:7]) == 1
    pairs = dict(line.split(maxsplit=1) for line in shown[8:])
    assert Path(pairs["figure"]).is_file()
    assert " above reward_effort=" in pairs["hypervolume"]
    assert main(["front", run, "--points", "3", "--json"]) == 0
    found: Any = json.loads(capsys.readouterr().out)
    assert [point["context"]["effort"] for point in found["points"]] == [1, 50.5, 100]
