import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.learning import sequence


@pytest.mark.slow
def test_a_result_has_all_ways_and_the_returns_of_all_stages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--quick", "--families", "point-goal", "--results", str(tmp_path)]
    assert sequence.main(options) == 0
    result = json.loads((tmp_path / "point-goal" / "seed-800.json").read_text())
    rows = result["splits"]["train"]
    assert rows.keys() - {"contexts", "oracle"} == set(sequence.WAYS)
    assert {len(rows[way]) for way in sequence.WAYS} == {8}
    assert result["planned_steps"] == 8 * 2048
    for way in (sequence.OUTPUTS, sequence.EWC, sequence.CLONING, sequence.NONE):
        returns = np.array(result["sequence"][way]["returns"])
        assert returns.shape == (9, 8)
        np.testing.assert_allclose(returns[-1], np.mean(rows[way], axis=1), rtol=1e-3)
    assert capsys.readouterr().out.startswith("point-goal seed 800: train: outputs ")
