import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.learning import transfer
from hyperrl.tasks import Family


@pytest.mark.slow
def test_a_result_has_all_ways_of_tuning_on_their_tasks_and_on_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert transfer.main(["--quick", "--results", str(tmp_path)]) == 0
    result = json.loads((tmp_path / "pendulum" / "seed-700.json").read_text())
    family = Family.load("pendulum")
    assert result["tuning_steps"] == 2048
    tuned, others = (result["splits"][split] for split in (transfer.TUNED, transfer.OTHERS))
    for rows, count in ((tuned, transfer.TASKS), (others, len(family.tasks("interpolation")))):
        assert rows.keys() - {"contexts", "oracle"} == set(transfer.WAYS)
        assert {len(rows[way]) for way in transfer.WAYS} == {count}
        assert len({np.mean(rows[way]) for way in transfer.WAYS}) == len(transfer.WAYS)
    assert capsys.readouterr().out.startswith("pendulum seed 700: extrapolation: untuned ")
