import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.learning.variants import FORMAT
from benchmarks.report import aims_section
from benchmarks.report.results import Site
from hyperrl.errors import UserError


def put(root: Path, family: str, seed: int, **found: Any) -> None:
    path = root / family / f"seed-{seed}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    data = {"format": FORMAT, "family": family, "seed": seed, "planned_steps": 5000, **found}
    path.write_text(json.dumps(data))


def test_discounts_and_fronts_have_a_table_each(tmp_path: Path) -> None:
    for seed in range(3):
        separate = {"0.9": [1.0, 2.0 + seed], "0.99": [9.0, 9.5]}
        one = {"0.9": [3.0, 4.0 + seed], "0.99": [8.0, 9.6]}
        returns = {"context": separate, "total": one, "separate": separate}
        put(tmp_path, "ode", seed, kind="discount", returns=returns)
        volumes = {"front": 5.0 + seed, "context": 4.0 + seed, "separate": 4.5}
        put(tmp_path, "effort", seed, kind="front", hypervolume=volumes)
    text = aims_section.section(aims_section.load(tmp_path), "A note.\n")
    lines = text.splitlines()
    assert lines[0] == "## Aims as context"
    (line,) = [line for line in lines if line.startswith("| `ode` | 5,000 | 3 | 0.9 |")]
    assert line.endswith("| **+2 [+2, +2]** |")
    assert "best discount factor of the longer run was the best of the separate runs in 3 of 3 seeds" in text
    (line,) = [line for line in lines if line.startswith("| `effort`")]
    assert line == "| `effort` | 5,000 | 3 | 6.00 [5.00, 7.00] | 5.00 [4.00, 6.00] | 4.50 [4.50, 4.50] | 2 |"
    assert lines[-1] == "A note."


def test_what_is_no_result_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "ode", 0, kind="else")
    with pytest.raises(UserError, match="not a result of format"):
        aims_section.load(tmp_path)


def test_the_page_has_the_section_where_there_are_results() -> None:
    further = "".join(Site().further())
    there = any((Site().data / "aims").glob("*/seed-*.json"))
    assert ("## Aims as context" in further) == there
