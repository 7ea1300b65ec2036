"""The benchmark of reports measures time and size of a page about the runs that it has written."""

from pathlib import Path

from benchmarks.speed import report
from tests.benchmarks.speed.test_quick import quick


def test_report(tmp_path: Path) -> None:
    measures = quick(report.main, tmp_path / "report.json")
    assert measures["report of 4 runs"]["goal"] == "<= 30"
    assert measures["report of 4 runs"]["unit"] == "s"
    assert 0 < measures["report of 4 runs, size"]["value"] < 1
