import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.learning import adapt


@pytest.mark.slow
def test_a_result_has_all_episodes_of_all_ways(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapt, "TASKS", 4)
    monkeypatch.setattr(adapt, "LEARNED_TASKS", 2)
    assert adapt.main(["--quick", "--families", "ode", "--results", str(tmp_path)]) == 0
    result = json.loads((tmp_path / "ode" / "seed-800.json").read_text())
    adapting = {
        name(role, n) for name in (adapt.at, adapt.exact) for role in adapt.AGENTS for n in adapt.AFTER
    }
    learning = {adapt.at(role, n) for role in (adapt.SPECIALIST, adapt.SCRATCH) for n in adapt.AFTER}
    unseen, learned = (result["splits"][split] for split in adapt.SPLITS)
    assert unseen.keys() - {"contexts", "oracle"} == adapting
    assert learned.keys() - {"contexts", "oracle"} == adapting | learning
    assert {len(unseen[name]) for name in adapting} == {4}
    assert {len(learned[name]) for name in learning} == {2}
    np.testing.assert_allclose(unseen["hyper@1"], unseen["hyper-true@1"], atol=20)
    assert set(result["untrained"]) == set(adapt.AGENTS)
    assert learned["specialist@10"] != learned["scratch@10"]
    assert capsys.readouterr().out.startswith("ode seed 800: unseen: hyper@0 ")
