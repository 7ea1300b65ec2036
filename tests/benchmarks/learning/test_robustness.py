import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.learning import robustness
from benchmarks.report import robustness_section, variants


def test_a_result_has_all_samplers_and_a_section(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert robustness.main(["--families", "ode", "--quick", "--results", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("ode seed 700: interpolation: uniform ")
    result = json.loads((tmp_path / "ode" / "seed-700.json").read_text())
    for rows in result["splits"].values():
        assert rows.keys() - {"contexts", "oracle"} == set(robustness.SAMPLERS)
    (family,) = variants.load(tmp_path)
    text = robustness_section.section([family], "A note.")
    assert text.startswith("## What training against the worst tasks is worth")
    assert text.count("| `ode` |") == 8
    assert text.endswith("A note.\n")


def test_the_worst_decile_is_of_the_lowest_tasks_of_each_seed() -> None:
    rows = {"contexts": [], "uniform": [[float(value)] for value in range(25)]}
    record = {"seed": 1, "splits": {"x": rows}}
    family = variants.FamilyVariants("f", (record, {**record, "seed": 2}))
    np.testing.assert_allclose(robustness_section.worst_decile(family, "uniform", "x"), [[1.0], [1.0]])
