"""TensorBoard and progress.csv, which a resumed run goes on with."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stable_baselines3.common.logger import Figure, Logger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from hyperrl.training.writers import CsvWriter, run_logger


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write(writer: CsvWriter, step: int, **values: Any) -> None:
    writer.write(values, dict.fromkeys(values, ("",)), step)


def test_a_row_per_step_with_a_growing_header(tmp_path: Path) -> None:
    path = tmp_path / "progress.csv"
    writer = CsvWriter(path, None)
    write(writer, 10, a=1.5, b=np.float32(0.5))
    write(writer, 20, a=2, c=True)
    assert rows(path) == [
        {"step": "10", "a": "1.5", "b": "0.5", "c": ""},
        {"step": "20", "a": "2", "b": "", "c": "True"},
    ]


def test_what_comes_at_the_same_step_joins_the_row(tmp_path: Path) -> None:
    path = tmp_path / "progress.csv"
    writer = CsvWriter(path, None)
    write(writer, 10, a=100000)
    write(writer, 20, a=123456)
    write(writer, 20, a=1)
    write(writer, 20, b=2)
    write(writer, 30, a=3)
    assert [row["step"] for row in rows(path)] == ["10", "20", "30"]
    assert rows(path)[1] == {"step": "20", "a": "1", "b": "2"}


def test_what_is_no_number_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "progress.csv"
    writer = CsvWriter(path, None)
    write(writer, 10, text="a,b", figure=Figure(None, True), array=np.zeros(3))  # type: ignore[arg-type]
    assert path.read_text() == "step\n"
    writer.write({"a": 1.0, "b": 2.0}, {"a": ("csv",), "b": None}, 20)  # type: ignore[dict-item]
    assert rows(path) == [{"step": "20", "b": "2.0"}]


def test_resuming_drops_later_rows_and_a_torn_one(tmp_path: Path) -> None:
    path = tmp_path / "progress.csv"
    writer = CsvWriter(path, None)
    for step in (10, 20, 30):
        write(writer, step, a=step / 7)
    with path.open("a") as file:
        file.write("40,5.7")
    writer = CsvWriter(path, 20)
    assert [row["step"] for row in rows(path)] == ["10", "20"]
    write(writer, 20, b=1)
    write(writer, 30, a=2)
    assert [row["step"] for row in rows(path)] == ["10", "20", "30"]
    assert rows(path)[1] == {"step": "20", "a": str(20 / 7), "b": "1"}


@pytest.mark.parametrize("torn", [b"", b"st", b"step,a\n", b"step,a\n1", b"\xff\xfe", b"x,y\n1,2\n"])
def test_resuming_takes_a_file_torn_anywhere(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "progress.csv"
    path.write_bytes(torn)
    writer = CsvWriter(path, 20)
    write(writer, 30, a=2)
    assert rows(path) == [{"step": "30", "a": "2"}]


def test_a_new_run_starts_anew(tmp_path: Path) -> None:
    path = tmp_path / "progress.csv"
    write(CsvWriter(path, None), 10, a=1)
    write(CsvWriter(path, None), 10, b=1)
    assert rows(path) == [{"step": "10", "b": "1"}]


def log(logger: Logger, steps: range, value: float) -> None:
    for step in steps:
        logger.record("x", value)
        logger.dump(step)
    logger.close()


def test_tensorboard_and_csv_agree_after_a_resumption(tmp_path: Path) -> None:
    log(run_logger(tmp_path), range(0, 60, 10), 1.0)
    log(run_logger(tmp_path, resumed_at=30), range(40, 80, 10), 2.0)
    events = EventAccumulator(str(tmp_path)).Reload()
    seen = {event.step: event.value for event in events.Scalars("x")}
    assert [event.step for event in events.Scalars("x")] == list(range(0, 80, 10))
    assert seen == {step: 1.0 if step <= 30 else 2.0 for step in range(0, 80, 10)}
    assert {int(row["step"]): float(row["x"]) for row in rows(tmp_path / "progress.csv")} == seen


def test_a_split_has_a_run_of_its_own_that_goes_on(tmp_path: Path) -> None:
    for resumed_at, value in ((None, 1.0), (10, 2.0)):
        logger = run_logger(tmp_path, resumed_at)
        for step in range(0, 30, 10) if resumed_at is None else (20,):
            logger.record("zero_shot/train", value)
            logger.dump(step)
        logger.close()
    events = EventAccumulator(str(tmp_path / "zero_shot" / "train")).Reload()
    found = [(event.step, event.value) for event in events.Scalars("Zero-shot/return")]
    assert found == [(0, 1.0), (10, 1.0), (20, 2.0)]
    run_logger(tmp_path, resumed_at=0).close()
    events = EventAccumulator(str(tmp_path / "zero_shot" / "train")).Reload()
    assert [event.step for event in events.Scalars("Zero-shot/return")] == [0]
