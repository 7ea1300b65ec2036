import json
from pathlib import Path

import pytest

from benchmarks.measures import Measure, Report, Spent, alternate, finish, on_the_clock, ratios, rows


def test_a_measure_is_the_median_with_its_range() -> None:
    found = Measure("ratio of a to b", [3.0, 1.0, 2.0], "ratio", ("<=", 2.0), {"peak MB": 1.5}).to_json()
    assert (found["value"], found["low"], found["high"], found["runs"]) == (2.0, 1.0, 3.0, 3)
    assert (found["goal"], found["met"], found["peak MB"]) == ("<= 2", True, 1.5)


@pytest.mark.parametrize(
    ("relation", "value", "met"),
    [(">=", 0.85, True), (">=", 0.84, False), ("<=", 2.5, True), ("<=", 2.6, False)],
)
def test_a_goal_is_met_at_its_bound_and_on_the_right_side(relation: str, value: float, met: bool) -> None:
    bound = 0.85 if relation == ">=" else 2.5
    assert Measure("x", [value], "ratio", (relation, bound)).met is met


def test_the_exit_status_tells_of_a_missed_goal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, free = Measure("good", [1.0], "ratio", (">=", 0.5)), Measure("free", [7.0], "ms")
    bad = Measure("bad", [0.1, 0.2], "ratio", (">=", 0.5))
    assert finish(Report("speed", [good, free]), tmp_path / "new" / "speed.json") == 0
    assert finish(Report("speed", [good, bad, free]), tmp_path / "speed.json") == 1
    printed = capsys.readouterr().out
    assert "good" in printed
    assert ">= 0.5, missed" in printed
    written = json.loads((tmp_path / "speed.json").read_text())
    assert written["benchmark"] == "speed"
    assert written["versions"]["torch"]
    assert written["cores"] >= 1
    assert [each["met"] for each in written["measures"]] == [True, False, None]


def test_columns_beside_the_value_stay_with_their_measures() -> None:
    one, other = Measure("a", [1.0], "ms", beside={"x": 1.0}), Measure("b", [2.0], "ms", beside={"y": 2.0})
    assert rows(Report("speed", [one, other]).to_json()) == [
        ["measure", "median", "range", "unit", "x", "y", "goal"],
        ["a", "1", "", "ms", "1", "", ""],
        ["b", "2", "", "ms", "", "2", ""],
    ]


def test_two_kinds_of_work_take_turns_and_one_disturbed_turn_moves_no_median() -> None:
    order: list[str] = []
    times = iter([2.0, 2.0, 200.0, 2.0, 2.0, 2.0])

    def first() -> Spent:
        order.append("a")
        return Spent(next(times), 6.0)

    def second() -> Spent:
        order.append("b")
        return Spent(1.0, 2.0)

    measured = alternate(first, second, rounds=2, pairs=3)
    assert "".join(order) == "ab" * 6
    assert ratios(measured) == [3.0, 3.0]
    assert ratios(measured, "wall") == [2.0, 2.0]
    assert on_the_clock(measured) == {"on the clock": 2.0}
