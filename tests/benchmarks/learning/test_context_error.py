import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.learning import context_error
from hyperrl.tasks import Family


def test_a_result_has_all_agents_under_all_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["--families", "ode", "--quick", "--results", str(tmp_path)]
    assert context_error.main(command) == 0
    path = tmp_path / "ode" / "seed-500.json"
    result, family = json.loads(path.read_text()), Family.load("ode")
    assert list(result["splits"]) == ["interpolation", "extrapolation"]
    names = {context_error.at(role, error) for role in context_error.AGENTS for error in context_error.ERRORS}
    for split, rows in result["splits"].items():
        np.testing.assert_allclose(rows["contexts"], family.space.values(family.tasks(split)), rtol=1e-5)
        assert rows.keys() - {"contexts", "oracle"} == names
        assert rows["blind@0"] == rows["blind@0.2"]
    assert result["steps"] == 2048
    assert capsys.readouterr().out.startswith("ode seed 500: interpolation: hyper@0 ")
