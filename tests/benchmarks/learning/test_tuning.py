import json
from pathlib import Path

import pytest

from benchmarks.learning import tuning
from tests.api.test_tuning import replace_engine
from tests.experiments.suites import Serial
from tests.runs import SMALL


@pytest.mark.usefixtures("no_figures")
def test_a_result_has_the_study_and_fresh_seeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    replace_engine(monkeypatch, Serial())
    changes = [part for override in SMALL for part in ("--set", override)]
    command = ["--agents", "concat-ppo", "--trials", "2", "--seeds", "400,401", "--steps", "64", *changes]
    assert tuning.main([*command, "--results", str(tmp_path)]) == 0
    result = json.loads((tmp_path / "ode" / "concat-ppo.json").read_text())
    assert [trial["state"] for trial in result["trials"]] == ["finished"] * 2
    assert {role: [len(row) for row in rows] for role, rows in result["interpolation"].items()} == {
        "own": [6, 6], "tuned": [6, 6]
    }  # fmt: skip
    assert (result["steps"], result["seeds"]) == (64, [400, 401])
    assert capsys.readouterr().out.startswith("concat-ppo on ode: validation ")
