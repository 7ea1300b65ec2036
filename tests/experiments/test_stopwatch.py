import json
from pathlib import Path

import pytest

from hyperrl.experiments import stopwatch
from hyperrl.experiments.stopwatch import FILE, Stopwatch


class Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


def test_seconds_add_up_over_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(stopwatch, "time", clock)
    first = Stopwatch(tmp_path)
    clock.now += 4
    first.tick()
    assert not (tmp_path / FILE).exists()
    clock.now += 4
    first.tick()
    assert json.loads((tmp_path / FILE).read_text())["wall"] == 8
    clock.now += 1  # lost, as the process is killed
    second = Stopwatch(tmp_path)
    clock.now += 3
    second.note()
    assert json.loads((tmp_path / FILE).read_text())["wall"] == second.seconds["wall"] == 11
    assert second.seconds["cpu"] > first.seconds["cpu"] > 0


def test_processes_that_it_started_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.times", lambda: (1.0, 2.0, 4.0, 8.0, 1000.0))
    assert Stopwatch(tmp_path).seconds["cpu"] == 15


@pytest.mark.parametrize("content", ["", "[]", '{"wall": 1}', '{"wall": "x", "cpu": null}'])
def test_a_broken_file_counts_for_none(content: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(content)
    assert Stopwatch(tmp_path).seconds["wall"] < 60
