import json
import os
import signal
from pathlib import Path
from queue import SimpleQueue

import pytest

from hyperrl.evaluation.progress import Reporter, ValidationReporter
from hyperrl.experiments import Outcome
from hyperrl.experiments.engines import worker
from hyperrl.experiments.engines.processes import Message, Worker
from hyperrl.experiments.engines.worker import Channel
from hyperrl.startup import SIGNALS
from tests.experiments.suites import Record, jobs


class Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


def test_the_channel_sends_progress_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(worker, "time", clock)
    reading, writing = os.pipe()
    channel = Channel(writing)
    assert isinstance(channel, Reporter)
    assert isinstance(channel, ValidationReporter)
    channel.phase("training")
    for done in range(11):
        channel(done, 10)
        channel.reached(float(done))
        channel.phase("training")
        clock.now += 0.125
    for steps in (10, 20):
        channel.validated(-2.5, steps)
    channel.phase("evaluating", 0.0)
    channel.outcome(Outcome("failed", "no oil"))
    os.close(writing)
    with os.fdopen(reading) as file:
        sent = [json.loads(line) for line in file]
    assert [done for kind, done, *_ in sent if kind == "steps"] == [0, 4, 8, 10]
    assert [value for kind, value, *_ in sent if kind == "return"] == [0, 4, 8]
    assert [name for kind, name, *_ in sent if kind == "phase"][-1] == "evaluating"
    assert [rest for kind, *rest in sent if kind == "validation"] == [[-2.5, 10], [-2.5, 20]]
    assert sent[-1] == ["outcome", {"state": "failed", "message": "no oil", "mistake": False}]


def test_a_parent_that_is_gone_is_no_error() -> None:
    reading, writing = os.pipe()
    channel = Channel(writing)
    os.close(reading)
    channel(1, 2)
    channel.outcome(Outcome("finished"))
    os.close(writing)


@pytest.mark.slow
def test_a_run_stops_whose_parent_blocks_signals(tmp_path: Path) -> None:
    """As Ray's workers do, whose children have them blocked, too."""
    (job,) = jobs(tmp_path, {"agents": ["blind-ppo"], "steps": 10**9})
    messages: SimpleQueue[tuple[Worker, Message]] = SimpleQueue()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        process = Worker(job, messages, Record())
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    while (message := messages.get(timeout=120)[1]) is not None:
        if message[0] == "steps":
            process.close()
        process.take(message)
    assert process.end() == Outcome("interrupted")
