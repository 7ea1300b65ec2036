import json
from pathlib import Path

import pytest

from benchmarks.learning import uncertainty
from benchmarks.report import uncertainty_section, variants


@pytest.mark.slow
def test_a_result_has_both_kinds_of_networks_and_a_section(tmp_path: Path) -> None:
    assert uncertainty.main(["--families", "ode", "--quick", "--results", str(tmp_path)]) == 0
    result = json.loads((tmp_path / "ode" / "seed-600.json").read_text())["uncertainty"]
    assert result["networks"]["index"]["count"] == 10
    assert result["networks"]["ensemble"]["count"] == uncertainty.MEMBERS
    assert len(result["networks"]["index"]["tasks"]["actions"]) == 16
    assert {split: len(flags) for split, flags in result["flag"].items()} == {
        "interpolation": 6, "extrapolation": 10,
    }  # fmt: skip
    assert result["cpu_seconds"]["ensemble"] > 0
    text = uncertainty_section.section(variants.load(tmp_path), None)
    assert text.startswith("## What disagreement of networks tells")
    assert "| `ode` | an index | 1 |" in text


def test_a_section_counts_flags_and_leaves_out_what_is_not_known() -> None:
    def networks(actions: float, failure: float | None) -> dict[str, object]:
        split = {"coverage": {"0.9": actions}}
        return {
            "extrapolation": {"actions": actions, "values": 0.5},
            "failure": {"actions": failure, "values": failure},
            "splits": {"interpolation": split, "extrapolation": split},
        }

    result = {
        "cpu_seconds": {"index": 2.0, "ensemble": 10.0},
        "networks": {"index": networks(0.75, None), "ensemble": networks(1.0, 0.25)},
        "flag": {"interpolation": [{"far": False}, {"far": True}], "extrapolation": [{"far": True}] * 2},
        "failed": {"index": [False, False, True, False], "ensemble": [False] * 4},
    }
    family = variants.FamilyVariants("f", ({"seed": 1, "splits": {}, "uncertainty": result},))
    text = uncertainty_section.section([family], None)
    assert "| `f` | an index | 1 | 0.75 / 0.50 | - | 75% / 75% | 1.00 |" in text
    assert "| `f` | an ensemble of five | 1 | 1.00 / 0.50 | 0.25 / 0.25 | 100% / 100% | 5.00 |" in text
    assert "| `f` | 50.0% | 100.0% | 1 of 1 |" in text
    assert "on 0 of 1 families" in text
