"""Runs are trained, resumed, extended and refused."""

import json
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

from hyperrl import api
from hyperrl.deploy.extract import extract_specialist
from hyperrl.deploy.sb3 import plain_model
from hyperrl.errors import UserError
from hyperrl.store import Resumed, Run
from hyperrl.store.lock import locked
from hyperrl.tasks import Family
from hyperrl.training import load_model, resume, train
from hyperrl.training.callbacks import BestWeights
from hyperrl.training.checkpoint import load_state
from hyperrl.training.session import TrainingSession
from tests.runs import SMALL
from tests.training.conftest import Start, killer, small
from tests.training.states import make_best, same, scalars, scramble, table, vector


def test_a_run_holds_all_that_it_should(start: Start) -> None:
    run = start("hyper-ppo", "ode", steps=1500)
    assert (run.state, run.status.steps) == ("finished", 1536)
    assert run.checkpoints() == ["best", "latest"]
    assert (run.path / "progress.csv").stat().st_size > 0
    assert len(list(run.path.glob("events.out.tfevents.*"))) == 1
    (final,) = run.evaluations()
    assert (final["agent"], final["family"], final["seed"], final["steps"]) == ("hyper-ppo", "ode", 1, 1536)
    assert set(final["splits"]) == {"train", "validation", "interpolation", "extrapolation"}
    assert len(final["tasks"]) == sum(len(Family.load("ode").tasks(split)) for split in final["splits"])
    assert final["checkpoint"]["name"] == "best"
    assert Run.open(run.path).spec == run.spec
    assert run.spec.steps == 1500
    assert not list(run.path.rglob("*.pkl"))
    json.dumps(final, allow_nan=False)


@pytest.mark.usefixtures("no_telemetry")
def test_an_existing_run_is_refused_before_anything_is_done(start: Start, tmp_path: Path) -> None:
    run = start(steps=512)
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}
    agent, family = small("hyper-ppo", "ode")
    with pytest.raises(UserError, match=r"hyperrl\.resume\(.*run'\), or name another directory with out"):
        train(agent, family, out=run.path)
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*")} == before


@pytest.mark.parametrize("device", ["cuda:99", "nonsense"])
def test_a_mistake_leaves_no_directory(tmp_path: Path, device: str) -> None:
    agent, family = small("hyper-ppo", "ode")
    with pytest.raises(UserError, match="not available here"):
        train(agent, family, out=tmp_path / "runs" / "run", device=device)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_telemetry")
def test_it_starts_at_another_runs_weights(start: Start) -> None:
    first = start(name="first", steps=512)
    second = start(name="second", steps=512, seed=2, from_run=first, killed_at=1)
    assert torch.equal(vector(second, "latest"), vector(first, "latest"))
    make_best(first)
    third = start(name="third", steps=512, seed=2, from_run=first, killed_at=1)
    assert torch.equal(vector(third, "latest"), vector(first, "best"))
    assert second.spec.from_run == str(first.path)
    assert load_state(second, "latest")["steps"] == 0
    unrelated = start(name="unrelated", steps=512, seed=2, killed_at=1)
    assert not torch.equal(vector(unrelated, "latest"), vector(first, "latest"))


@pytest.mark.usefixtures("no_telemetry")
@pytest.mark.parametrize("checkpoint", ["latest", "best"])
def test_a_learned_entropy_coefficient_goes_with_the_weights(start: Start, checkpoint: str) -> None:
    """To a model that is loaded, to a run that starts there, and to a plain model of a task."""
    first = start("hyper-sac", "pendulum", name="first")
    trained = load_model(first, "latest").log_ent_coef  # type: ignore[attr-defined]
    assert abs(trained.item()) > 1e-3
    if checkpoint == "best":
        BestWeights(first, load_model(first, "latest"))(0.0, 1024)
    second = start("hyper-sac", "pendulum", name="second", seed=2, from_run=first, killed_at=1)
    given = load_state(second, "0")
    assert torch.equal(given["log_ent_coef"], trained)
    family = Family.load("pendulum")
    acting = load_model(first, "latest", to_learn=False)
    specialist = extract_specialist(acting, "hyper-sac", family, family.space.default)
    plain: Any = plain_model(specialist, acting, family)
    assert plain.log_ent_coef.item() == pytest.approx(trained.item(), rel=1e-5)


@pytest.mark.usefixtures("no_telemetry")
def test_weights_of_other_shapes_are_refused_and_nothing_is_left(start: Start, tmp_path: Path) -> None:
    first = start(name="first", steps=512)
    for agent, family, overrides in (
        ("concat-ppo", "ode", ()),
        ("hyper-ppo", "ode", ("policy.net_arch=[9, 9]",)),
        ("hyper-ppo", "cartpole", ()),
    ):
        with pytest.raises(
            UserError, match=rf"^run '.*first' does not fit agent '{agent}' on family '{family}': weights "
        ) as caught:
            start(agent, family, *overrides, name="second", from_run=first)
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "second").exists()


@pytest.mark.usefixtures("no_telemetry")
def test_an_error_in_training_leaves_a_run_that_resumes(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr("stable_baselines3.PPO.train", broken)
        with pytest.raises(RuntimeError, match="out of memory"):
            start(name="broken")
    run = Run.open(tmp_path / "broken")
    states = [run.state]
    resume(run)
    assert [*states, run.state] == ["failed", "finished"]


@pytest.mark.usefixtures("nothing_but_training")
def test_a_finished_run_is_extended_with_what_it_has_seen(start: Start) -> None:
    run = start("hyper-td3", "ode", steps=1024)
    assert load_state(run, "latest")["replay"]["pos"] == 1024 // 8
    resume(run, steps=2048)
    state = load_state(run, "latest")
    assert (state["replay"]["pos"], state["replay"]["full"]) == ((2048 - 1536) // 8, True)
    assert len(state["replay"]["tasks"]) == 4


def test_a_run_is_refused_before_it_begins_where_actions_do_not_fit(tmp_path: Path) -> None:
    agent, family = small("hyper-sac", "cartpole")
    with pytest.raises(UserError, match="is for continuous actions; found Discrete"):
        train(agent, family, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


ROOT = Path(__file__).parents[2]


KILLED = """
import os, signal, sys
from pathlib import Path
from hyperrl.training import train
from tests.training.conftest import small

def progress(done, total):
    if done >= 1100:
        os.kill(os.getpid(), signal.SIGKILL)

agent, family = small("hyper-ppo", "ode")
train(agent, family, out=Path(sys.argv[1]), seed=1, steps=2048, progress=progress)
"""


@pytest.mark.usefixtures("no_figures")
def test_what_a_process_killed_outright_left_goes_on_in_another(start: Start, tmp_path: Path) -> None:
    straight = start(name="straight", steps=2048)
    command = [sys.executable, "-W", "error", "-c", KILLED, str(tmp_path / "killed")]
    assert subprocess.run(command, cwd=ROOT).returncode == -signal.SIGKILL
    killed = Run.open(tmp_path / "killed")
    assert (killed.state, killed.status.steps) == ("killed", 1024)
    scramble()
    resume(killed)
    one, two = load_state(killed, "latest"), load_state(straight, "latest")
    # Shapes are checked at run time in this process alone, by beartype, which draws from Python's generator.
    del one["rng"]["python"], two["rng"]["python"]
    same(one, two)
    same(load_state(killed, "best"), load_state(straight, "best"))
    assert (killed.status.state, killed.status.resumed) == ("finished", (Resumed(steps=1024, exact=True),))
    without = [
        {k: v for k, v in obj.items() if k != "run"}
        for run in (killed, straight)
        for obj in run.evaluations()
    ]
    assert without[0] == without[1]


@pytest.mark.usefixtures("nothing_but_training")
def test_a_run_killed_before_its_first_checkpoint_starts_again(start: Start) -> None:
    straight = start(name="straight")
    killed = start(name="killed", killed_at=0)
    assert killed.checkpoints() == []
    resume(killed)
    same(load_state(killed, "latest"), load_state(straight, "latest"))
    assert table(killed) == table(straight)
    assert scalars(killed) == scalars(straight)


@pytest.mark.usefixtures("nothing_but_training")
@pytest.mark.parametrize(("agent", "family"), [("hyper-ppo", "cartpole"), ("hyper-sac", "pendulum")])
def test_a_run_with_stacked_observations_goes_on_as_if_it_had_never_stopped(
    start: Start, agent: str, family: str
) -> None:
    straight = start(agent, family, "frame_stack=3", name="straight", steps=2048)
    killed = start(agent, family, "frame_stack=3", name="killed", steps=2048, killed_at=1100)
    assert killed.status.steps == 1024
    resume(killed)
    assert killed.status.resumed == (Resumed(steps=1024, exact=True),)
    same(load_state(killed, "latest"), load_state(straight, "latest"))


@pytest.mark.usefixtures("nothing_but_training")
def test_it_starts_again_at_the_other_runs_weights(start: Start) -> None:
    other = start(name="other", seed=4)
    straight = start(name="straight", from_run=other)
    killed = start(name="killed", from_run=other, killed_at=0)
    (other.path / "checkpoints" / "latest.safetensors").unlink()
    resume(killed)
    same(load_state(killed, "latest"), load_state(straight, "latest"))


@pytest.mark.usefixtures("nothing_but_training")
def test_a_lost_checkpoint_is_not_taken_for_a_fresh_start(start: Start) -> None:
    killed = start(killed_at=1)
    killed.write_status("killed", 512)
    (killed.path / "checkpoints" / "latest.safetensors").unlink()
    with pytest.raises(UserError, match="no checkpoint 'latest'; it has: none"):
        resume(killed)


@pytest.mark.usefixtures("nothing_but_training")
def test_a_finished_run_is_extended_exactly(start: Start) -> None:
    overrides = ("algorithm.use_sde=true",)
    straight = start("hyper-ppo", "pendulum", *overrides, name="straight", steps=2048)
    extended = start("hyper-ppo", "pendulum", *overrides, name="extended", steps=1024)
    with pytest.raises(UserError, match="has taken 1,024 steps; allowed: steps above 1,024"):
        resume(extended)
    with pytest.raises(UserError, match="has taken 1,024 steps; allowed: steps above 1,024"):
        resume(extended, steps=1000)
    resume(extended, steps=2048)
    assert Run.open(extended.path).spec.steps == 2048
    # The last checkpoint of a run is taken before a rollout's noise is drawn: both are.
    same(load_state(extended, "latest"), load_state(straight, "latest"))


@pytest.mark.usefixtures("nothing_but_training")
def test_schedules_of_an_extended_run_follow_the_steps_in_all(start: Start) -> None:
    """The log of a rollout has what Stable-Baselines3 used in the update before it."""
    overrides = ("algorithm.learning_rate=lin_1e-3", "algorithm.clip_range=lin_0.4")
    run = start("hyper-ppo", "ode", *overrides, steps=1024)
    resume(run, steps=2048)
    names = ("train/learning_rate", "train/clip_range")
    logged = {int(row["step"]): [float(row[name]) for name in names] for row in table(run) if row[names[0]]}
    left = {1024: 1 - 512 / 1024, 1536: 1 - 1024 / 1024, 2048: 1 - 1536 / 2048}
    assert logged.keys() == left.keys()
    for step, part in left.items():
        assert logged[step] == pytest.approx([1e-3 * part, 0.4 * part])


@pytest.mark.usefixtures("nothing_but_training")
def test_environments_without_a_state_are_reset_and_reported_while_the_sampler_goes_on(
    tmp_path: Path,
) -> None:
    agent, batched = small("concat-ppo", "ode")
    family = Family(batched.recipe, make_base=lambda **kwargs: gym.make(batched.recipe.base, **kwargs))
    with pytest.raises(KeyboardInterrupt):
        train(agent, family, out=tmp_path / "run", steps=2048, progress=killer(1100))
    killed = Run.open(tmp_path / "run")
    state = load_state(killed, "latest")
    with closing(TrainingSession(killed.spec.agent, family, seed=7, device="cpu")) as session:
        assert not session.restore(killed, state)
        assert session.sampler.get_state() == state["sampler"]
    resume(killed, family=family)
    assert killed.status.resumed == (Resumed(steps=1024, exact=False),)
    assert (killed.state, killed.status.steps) == ("finished", 2048)


@pytest.mark.usefixtures("nothing_but_training")
def test_a_run_that_another_process_trains_is_not_gone_on_with(start: Start) -> None:
    """Two writers would leave checkpoints and logs of two trainings in one run."""
    run = start(killed_at=1)
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    with locked(run.path), pytest.raises(UserError, match=r"another process \(\d+\) is writing to it"):
        resume(run)
    assert {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()} == before


def test_a_run_that_leads_elsewhere_is_not_gone_on_with(start: Start, tmp_path: Path) -> None:
    """TensorBoard's projector writes its index through a link."""
    run = start(steps=512)
    owned = tmp_path / "owned"
    owned.write_text("mine")
    index = run.path / "projector_config.pbtxt"
    index.unlink(missing_ok=True)
    index.symlink_to(owned)
    with pytest.raises(UserError, match=r"projector_config\.pbtxt is a link, which may lead out of the run"):
        resume(run, steps=1024)
    assert owned.read_text() == "mine"


@pytest.mark.parametrize("agent", ["hyper-ppo", "hyper-sac"])
def test_a_resumed_training_on_changing_tasks_is_the_same_bit_for_bit(
    tmp_path: Path, agent: str, no_figures: None
) -> None:
    small = [*SMALL, "checkpoint_every=32"]
    if agent == "hyper-sac":
        small = ["n_envs=2", "algorithm.learning_starts=64", "algorithm.batch_size=32", "checkpoint_every=32"]
        small += ["policy.net_arch=[8]", "evaluate_every=1000", "algorithm.buffer_size=500"]
    family = Family.load("double-integrator").with_schedules({"action_sign": "jump:20", "mass": "drift"})
    whole = api.train(agent, family, steps=512, overrides=small, out=tmp_path / "whole")
    part = api.train(agent, family, steps=288, overrides=small, out=tmp_path / "part")
    resumed = api.resume(part, steps=512)
    assert resumed.status.resumed[-1].exact
    assert resumed.spec.family.features["mass"].schedule is not None
    one, other = (api.load(run, checkpoint="latest").model.policy.state_dict() for run in (whole, resumed))
    assert all(np.array_equal(one[name], other[name]) for name in one)
