import json
from pathlib import Path

from hyperrl.experiments.tuning.report import TuningReport
from tests.experiments.tuning.studies import plan
from tests.experiments.tuning.test_tuned import TRIALS


def test_a_report_as_json(tmp_path: Path) -> None:
    report = TuningReport(plan(tmp_path), "a.log", TRIALS, {"algorithm.gamma": 1.0}, tmp_path / "tuned.yaml")
    data = report.to_json()
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert (data["agent"], data["family"], data["steps"], data["seeds"]) == ("concat-ppo", "ode", 128, 1)
    assert data["best"] == data["trials"][1] == TRIALS[1].to_json()
    assert (data["importances"], data["tuned"]) == ({"algorithm.gamma": 1.0}, f"{tmp_path}/tuned.yaml")
    assert report.values(TRIALS[0]) == {"algorithm.learning_rate": "0.0003"}
    assert report.values(TRIALS[1]).keys() == {"algorithm.learning_rate", "policy.net_arch"}
    assert [report.count(state) for state in ("finished", "pruned", "failed", "running")] == [3, 1, 1, 0]
    empty = TuningReport(plan(tmp_path), "a.log", (), {}, None).to_json()
    assert (empty["best"], empty["tuned"], empty["trials"]) == (None, None, [])
