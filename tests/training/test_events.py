"""TensorBoard's event files of a run."""

from functools import partial
from pathlib import Path

import pytest
from stable_baselines3.common.logger import Logger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.summary.writer import event_file_writer

from hyperrl.training.writers import run_logger


def log(logger: Logger, steps: range, value: float) -> None:
    for step in steps:
        logger.record("x", value)
        logger.dump(step)
    logger.close()


@pytest.mark.parametrize("clock", [[1.7e9], [1.7e9, 1.6e9]], ids=["in one second", "set back"])
def test_what_is_disowned_does_not_come_back(
    clock: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers order event files by their names, which hold the second and a counter."""
    monkeypatch.setattr(event_file_writer, "_global_uid", event_file_writer.AtomicCounter(9))
    for number in range(3):
        monkeypatch.setattr("time.time", partial(float, clock[number % len(clock)]))
        log(run_logger(tmp_path, resumed_at=-1 if number else None), range(0, 30, 10), float(number))
    events = EventAccumulator(str(tmp_path)).Reload()
    assert [(event.step, event.value) for event in events.Scalars("x")] == [(0, 2.0), (10, 2.0), (20, 2.0)]
