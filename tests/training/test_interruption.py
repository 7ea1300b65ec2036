"""Ctrl-C and SIGTERM end a training at its next safe point, and it goes on as if they had never come."""

import math
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from hyperrl.errors import DivergenceError
from hyperrl.store import Run
from hyperrl.tasks import Family
from hyperrl.training import Progress, resume, train
from hyperrl.training.callbacks import ProgressHook
from hyperrl.training.checkpoint import load_state
from tests.training.conftest import small
from tests.training.states import same, scalars, scramble, table


@pytest.fixture(autouse=True)
def short(no_figures: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluations have few tasks, and nothing is drawn."""
    tasks = Family.tasks
    monkeypatch.setattr(Family, "tasks", lambda self, split: tasks(self, split)[:4])


ROLLOUTS = {"hyper-ppo": 512, "hyper-sac": 64, "hyper-a2c": 40}
OVERRIDES = ("evaluate_every=800", "checkpoint_every=100000")


def signals(number: signal.Signals, at: int, times: int = 1) -> Progress:
    """Sends this process a signal, so many times, once so many steps are taken."""
    left = times

    def hook(done: int, total: int) -> None:
        nonlocal left
        if done >= at and left:
            left = 0
            for _ in range(times):
                os.kill(os.getpid(), number)

    return hook


def stopped(path: Path, agent: str, progress: Progress | None, *overrides: str) -> Run:
    recipe, family = small(agent, "ode", *OVERRIDES, *overrides)
    if progress is None:
        return train(recipe, family, out=path, seed=1, steps=1536)
    with pytest.raises(KeyboardInterrupt):
        train(recipe, family, out=path, seed=1, steps=1536, progress=progress)
    return Run.open(path)


@pytest.mark.parametrize(
    ("agent", "overrides", "number", "moments"),
    [
        ("hyper-ppo", (), signal.SIGINT, (1, 1500)),
        pytest.param("hyper-sac", (), signal.SIGTERM, (900,), marks=pytest.mark.slow),
        pytest.param("hyper-a2c", ("algorithm.n_steps=5",), signal.SIGHUP, (900,), marks=pytest.mark.slow),
    ],
)
def test_a_stopped_training_ends_as_one_never_stopped(
    agent: str, overrides: tuple[str, ...], number: signal.Signals, moments: tuple[int, ...], tmp_path: Path
) -> None:
    straight = stopped(tmp_path / "straight", agent, None, *overrides)
    for at in moments:
        run = stopped(tmp_path / str(at), agent, signals(number, at), *overrides)
        steps = run.status.steps
        assert (run.state, load_state(run, "latest")["steps"]) == ("interrupted", steps)
        assert at <= steps < at + max(ROLLOUTS[agent], 1000 if agent == "hyper-a2c" else 0)
        assert steps % ROLLOUTS[agent] == 0
        scramble()
        resume(run)
        assert (run.state, [each.steps for each in run.status.resumed]) == ("finished", [steps])
        same(load_state(run, "latest"), load_state(straight, "latest"))
        same(load_state(run, "best"), load_state(straight, "best"))
        assert table(run) == table(straight)
        assert scalars(run) == scalars(straight)


def test_a_second_signal_stops_at_once(tmp_path: Path) -> None:
    run = stopped(tmp_path / "run", "hyper-ppo", signals(signal.SIGINT, 700, times=2))
    assert (run.state, run.status.steps) == ("interrupted", 0)


def test_handlers_are_put_back(tmp_path: Path) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    stopped(tmp_path / "run", "hyper-ppo", signals(signal.SIGTERM, 700))
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_signal_that_is_ignored_or_the_users_own_is_left_alone(
    tmp_path: Path,
) -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    former = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    recipe, family = small("hyper-ppo", "ode", *OVERRIDES)
    hooks = [signals(number, 512) for number in (signal.SIGHUP, signal.SIGTERM)]

    def both(done: int, total: int) -> None:
        for hook in hooks:
            hook(done, total)

    try:
        run = train(recipe, family, out=tmp_path / "run", steps=1024, progress=both)
    finally:
        signal.signal(signal.SIGHUP, before)
        signal.signal(signal.SIGTERM, former)
    assert (run.state, heard) == ("finished", [signal.SIGTERM])


def test_weights_that_are_not_finite_are_not_kept_by_a_signal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Off policy, weights are looked at now and then; and so they are before a checkpoint of this kind."""
    taken = ProgressHook._on_step

    def step(self: ProgressHook) -> bool:
        if self.model.num_timesteps == 512:
            model: Any = self.model
            next(model.policy.critic.parameters()).data.fill_(math.nan)
            os.kill(os.getpid(), signal.SIGTERM)
        return taken(self)

    monkeypatch.setattr(ProgressHook, "_on_step", step)
    recipe, family = small("hyper-sac", "ode", *OVERRIDES, "algorithm.gradient_steps=1")
    with pytest.raises(DivergenceError, match="not finite after 512 steps"):
        train(recipe, family, out=tmp_path / "run", steps=1536, progress=lambda *_: None)
    run = Run.open(tmp_path / "run")
    assert (run.state, run.latest_steps()) == ("failed", 0)
