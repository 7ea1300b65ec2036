"""Tasks one after another: which is played when, what is kept, and how a killed run goes on."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hyperrl import api
from hyperrl.evaluation.sequence import read_sequence
from hyperrl.store import Run
from hyperrl.tasks import Family
from hyperrl.tasks.sequence import SequentialSampler
from hyperrl.training import resume, train
from hyperrl.training.checkpoint import load_state
from hyperrl.training.sequence import check_sequence, task_at
from tests.runs import SMALL, message
from tests.training.conftest import killer, small

TASKS = [{"c0": 1.0}, {"c0": -5.0}, {"c0": 5.0}]
FEW = ("sequence.samples=8",)
STEPS = 3 * 1024


def learned(folder: Path, agent: str, *overrides: str, killed_at: int | None = None) -> Run:
    """A run of three tasks of 1,024 steps each."""
    recipe, family = small(agent, "ode", *FEW, *overrides)
    progress = None if killed_at is None else killer(killed_at)
    options: dict[str, Any] = {"seed": 1, "steps": STEPS, "in_sequence": True, "progress": progress}
    try:
        return train(recipe, family.in_sequence(TASKS), out=folder, **options)
    except KeyboardInterrupt:
        return Run.open(folder)


def weights(run: Run) -> dict[str, Any]:
    return dict(load_state(run, "latest")["policy"])


def slow(*values: str) -> Any:
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("agent", "regularizer"),
    [
        ("hyper-ppo", "outputs"), slow("hyper-ppo", "ewc"), slow("hyper-ppo", "cloning"),
        slow("hyper-ppo", "none"), slow("hyper-sac", "outputs"), slow("hyper-sac", "ewc"),
        slow("hyper-sac", "cloning"), slow("hyper-sac", "none"),
    ],
)  # fmt: skip
def test_a_killed_run_ends_bit_for_bit_as_one_that_was_not(
    tmp_path: Path, agent: str, regularizer: str, no_telemetry: None
) -> None:
    kind = f"sequence.regularizer={regularizer}"
    whole = learned(tmp_path / "whole", agent, kind)
    cut = learned(tmp_path / "cut", agent, kind, killed_at=1600)
    assert load_state(cut, "latest")["steps"] == 1024  # where the second task began
    assert cut.evaluation("after-1") is not None
    resumed = resume(cut)
    assert resumed.status.resumed[-1].exact
    expected, found = weights(whole), weights(resumed)
    assert all(np.array_equal(expected[name], found[name]) for name in expected)
    np.testing.assert_array_equal(read_sequence(whole).returns, read_sequence(resumed).returns)
    assert read_sequence(whole).returns.shape == (4, 3)
    assert "allowed of tasks in sequence" in message(resume, resumed, steps=10_000)


@pytest.mark.parametrize(("agent"), ["hyper-ppo", slow("hyper-sac")])
def test_each_task_is_played_for_its_share_of_the_steps_and_no_other(
    tmp_path: Path, agent: str, no_telemetry: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    played: list[int] = []
    original = SequentialSampler.next

    def following(self: SequentialSampler) -> int:
        played.append(original(self))
        return played[-1]

    monkeypatch.setattr(SequentialSampler, "next", following)
    run = learned(tmp_path / "run", agent)
    assert played == sorted(played)
    assert set(played) == {0, 1, 2}
    state = load_state(run, "latest")
    assert state["sampler"]["current"] == 2
    assert state["sequence"]["learned"] == 2
    assert [task["c0"] for task in Family(run.spec.family).tasks("train")] == [1, -5, 5]
    if agent == "hyper-sac":
        assert state["sequence"]["learning_starts"]["now"] == 2048 + 256
        assert state["replay"]["pos"] == 1024 // 8


@pytest.mark.slow
def test_a_replay_buffer_of_all_tasks_holds_their_transitions(tmp_path: Path, no_telemetry: None) -> None:
    run = learned(tmp_path / "run", "hyper-sac", "sequence.keep_replay=true", "algorithm.buffer_size=8000")
    replay = load_state(run, "latest")["replay"]
    assert replay["pos"] == STEPS // 8
    assert len(replay["tasks"]) == 3


@pytest.mark.slow
@pytest.mark.parametrize("regularizer", ["outputs", "ewc", "cloning"])
def test_a_strong_regularizer_keeps_what_the_agent_does_on_earlier_tasks(
    tmp_path: Path, regularizer: str, no_telemetry: None
) -> None:
    moved = {}
    for kind, strength in (("none", 0), (regularizer, 10_000)):
        options = [f"sequence.regularizer={kind}", f"sequence.strength={strength}", "sequence.samples=64"]
        options.append("algorithm.learning_rate=3e-3")
        run = learned(tmp_path / kind, "hyper-ppo", *options)
        first = learned(tmp_path / f"{kind}-killed", "hyper-ppo", *options, killed_at=1600)
        seen = np.linspace(-5, 5, 11, dtype=np.float32)[:, None]
        before, after = (
            [api.load(each, checkpoint="latest").act(one, TASKS[0]) for one in seen] for each in (first, run)
        )
        moved[kind] = float(np.abs(np.subtract(before, after)).mean())
    assert moved["none"] > 0
    assert moved[regularizer] < 0.5 * moved["none"]


def test_shares_are_equal_and_the_last_task_has_what_is_left() -> None:
    assert [task_at(steps, 90, 3) for steps in (0, 29, 30, 59, 60, 89, 90, 200)] == [0, 0, 1, 1, 2, 2, 2, 2]


@pytest.mark.parametrize(
    ("agent", "overrides", "found"),
    [
        ("concat-ppo", (), "'outputs' with policy.kind 'concat'"),
        ("hyper-ppo", ("sequence.keep_replay=true",), "sequence.keep_replay: found true"),
        ("hyper-ppo", ("normalize=true",), "normalize.norm_obs"),
        ("hyper-trpo", (), "'trpo'"),
        ("hyper-recurrent-ppo", (), "remembers the episode"),
        ("hyper-ppo", ("policy.hypernetwork.inputs=[context, state]",), "'state'"),
    ],
)
def test_what_does_not_go_together_is_refused_in_one_line(
    agent: str, overrides: tuple[str, ...], found: str
) -> None:
    recipe, _ = small(agent, "ode", *overrides)
    assert found in message(check_sequence, recipe)
    if "keep_replay" not in found:
        check_sequence(small(agent, "ode", *overrides, "sequence.regularizer=none")[0])


def test_more_tasks_than_rollouts_are_refused(tmp_path: Path, no_figures: None) -> None:
    options: dict[str, Any] = {"overrides": SMALL, "sequence": TASKS}
    line = message(api.train, "hyper-ppo", "ode", out=tmp_path / "run", steps=64, **options)
    assert "found 64 for 3 tasks in sequence; allowed: 96 or more" in line
