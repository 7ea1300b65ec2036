"""Callbacks of a training: progress, checkpoints, logs and the best weights."""

import csv
import math
from pathlib import Path

import pytest

from hyperrl.store import Run
from hyperrl.training import load_model, resume, train
from hyperrl.training.callbacks import BestWeights, validation_return
from hyperrl.training.checkpoint import load_state
from tests.training.conftest import Start, small
from tests.training.states import scalars, table


@pytest.mark.usefixtures("no_figures")
def test_best_is_the_checkpoint_of_the_highest_validation_return(start: Start) -> None:
    run = start("hyper-ppo", "ode", "evaluate_every=500", steps=2048)
    model = load_model(run)
    best = BestWeights(run, model)
    state = load_state(run, "best")
    assert best.validation == state["validation"]
    assert model.num_timesteps == state["steps"]
    best(state["validation"], 7)
    best(-math.inf, 8)
    best(math.nan, 9)
    assert load_state(run, "best")["steps"] == state["steps"]
    best(state["validation"] + 1, 10)
    assert load_state(run, "best")["steps"] == 10
    assert validation_return(run) == state["validation"] + 1
    (run.path / "checkpoints" / "best.safetensors").unlink()
    assert validation_return(run) is None


class Heard(list[tuple[float, int]]):
    """A progress hook that writes down what it is told of validation."""

    def __call__(self, done: int, total: int) -> None: ...

    def validated(self, best: float, steps: int) -> None:
        self.append((best, steps))


@pytest.mark.usefixtures("no_figures")
def test_progress_hears_of_the_best_validation_return_so_far(tmp_path: Path) -> None:
    heard = Heard()
    agent, family = small("hyper-ppo", "ode", "evaluate_every=500")
    run = train(agent, family, out=tmp_path / "run", steps=2048, progress=heard)
    curve = {steps: row["validation"] for steps, row in run.history("zero_shot/").items()}
    assert [steps for _, steps in heard] == list(curve)
    assert heard == [(max(list(curve.values())[: end + 1]), steps) for end, steps in enumerate(curve)]


@pytest.mark.usefixtures("no_telemetry")
def test_progress_is_reported_from_start_to_end(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    agent, family = small("concat-ppo", "ode")
    train(
        agent,
        family,
        out=tmp_path / "run",
        steps=1000,
        progress=lambda done, total: calls.append((done, total)),
    )
    assert calls[0] == (0, 1000)
    assert calls[-1] == (1000, 1000)
    assert calls == sorted(calls)


@pytest.mark.usefixtures("no_figures")
def test_no_row_is_missing_or_twice(start: Start) -> None:
    overrides = ("evaluate_every=1000",)
    straight = start("hyper-ppo", "ode", *overrides, name="straight", steps=2560)
    rows, events = table(straight), scalars(straight)
    assert [int(row["step"]) for row in rows] == [512 * i for i in range(6)]
    for killed_at, checkpoint in ((1, 0), (2000, 1024)):
        killed = start("hyper-ppo", "ode", *overrides, name=f"{killed_at}", steps=2560, killed_at=killed_at)
        assert (killed.checkpoints()[-1], killed.status.steps) == ("latest", checkpoint)
        resume(killed)
        assert table(killed) == rows
        assert scalars(killed) == events


@pytest.mark.usefixtures("nothing_but_training")
def test_a2c_logs_the_same_rollouts_after_a_resumption(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hyperrl.training.session.LOG_STEPS", 250)
    often = ("algorithm.n_steps=5", "checkpoint_every=425")
    straight = start("hyper-a2c", "ode", *often, name="straight", steps=768)
    killed = start("hyper-a2c", "ode", *often, name="killed", steps=768, killed_at=600)
    assert killed.status.steps == 480  # the first log after 425 steps
    resume(killed)
    assert table(killed) == table(straight)
    assert [int(row["step"]) for row in table(killed)] == [240, 480, 720]


def logged_rows(run: Run) -> list[dict[str, str]]:
    return list(csv.DictReader((run.path / "progress.csv").read_text().splitlines()))


@pytest.mark.usefixtures("no_figures")
def test_a_resumed_runs_log_is_that_of_one_never_killed(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hyperrl.training.session.LOG_STEPS", 300)
    often = ("checkpoint_every=350",)
    straight = start("hyper-sac", "ode", *often, name="straight", steps=640)
    killed = start("hyper-sac", "ode", *often, name="killed", steps=640, killed_at=500)
    assert killed.status.steps == 384
    resume(killed)
    clock = ("time/", "gradient/")

    def rows(run: Run) -> list[dict[str, str]]:
        return [
            {name: value for name, value in row.items() if not name.startswith(clock)}
            for row in logged_rows(run)
        ]

    assert rows(killed) == rows(straight)
    assert [row["step"] for row in logged_rows(killed) if row["time/fps"]] == ["320", "640"]
