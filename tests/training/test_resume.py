import csv
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from hyperrl.errors import UserError
from hyperrl.store import Resumed, Run
from hyperrl.store.lock import locked
from hyperrl.tasks import Family
from hyperrl.training import resume, train
from hyperrl.training.checkpoint import load_state, same_structure, save_state
from tests.suite import learnable
from tests.training.conftest import Start, killer, small

ROOT = Path(__file__).parents[2]
CLOCK = ("time/",)


def same(one: Any, two: Any, path: str = "") -> None:
    """Two states are equal, bit for bit."""
    assert type(one) is type(two), path
    if isinstance(one, dict):
        assert one.keys() == two.keys(), path
        for key in one:
            if not str(key).startswith(CLOCK) and key != "elapsed":
                same(one[key], two[key], f"{path}/{key}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(two), path
        for i, (left, right) in enumerate(zip(one, two, strict=True)):
            same(left, right, f"{path}/{i}")
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, two), path
    elif isinstance(one, np.ndarray):
        np.testing.assert_array_equal(one, two, err_msg=path)
    else:
        assert one == two, path


def scramble() -> None:
    """Leave the global generators where no training would."""
    random.seed(77)
    np.random.seed(77)
    torch.manual_seed(77)


@pytest.mark.usefixtures("nothing_but_training")
@pytest.mark.parametrize(
    ("agent", "family", "overrides"),
    [
        ("blind-ppo", "pendulum", ("algorithm.use_sde=true",)),
        ("hyper-ppo", "pendulum", ("algorithm.use_sde=true", "algorithm.sde_sample_freq=8")),
        ("hyper-a2c", "double-integrator", ("sampler=round-robin",)),
        ("hyper-ppo-full", "point-goal", ()),
        ("concat-ppo", "cartpole", ("sampler=plr", "curriculum.temperature=0.5")),
        ("hyper-ppo", "cartpole", ("sampler=cvar", "curriculum.alpha=0.1")),
        learnable("hyper-trpo", "ode", ()),
        learnable("hyper-tqc", "ode", ()),
        learnable("hyper-crossq", "ode", ()),
        learnable("hyper-qrdqn", "cartpole", ()),
        learnable("hyper-recurrent-ppo", "ode", ("algorithm.use_sde=true",)),
        learnable("blind-recurrent-ppo", "pendulum", ("policy.n_lstm_layers=2",)),
    ],
)
def test_a_killed_run_ends_as_one_never_killed(
    start: Start, agent: str, family: str, overrides: tuple[str, ...]
) -> None:
    straight = start(agent, family, *overrides, name="straight", steps=1536)
    killed = start(agent, family, *overrides, name="killed", steps=1536, killed_at=1200)
    assert killed.status.steps == 1024
    scramble()
    resume(killed)
    same(load_state(killed, "latest"), load_state(straight, "latest"))


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
    with pytest.raises(UserError, match="1,024 of 1,024 steps are taken"):
        resume(extended)
    with pytest.raises(UserError, match="1,024 of 1,000 steps are taken"):
        resume(extended, steps=1000)
    resume(extended, steps=2048)
    assert Run.open(extended.path).spec.steps == 2048
    # The last checkpoint of a run is taken before a rollout's noise is drawn: both are.
    same(load_state(extended, "latest"), load_state(straight, "latest"))


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
def test_a2c_logs_the_same_rollouts_after_a_resumption(start: Start) -> None:
    often = ("algorithm.n_steps=5", "checkpoint_every=1700")
    straight = start("hyper-a2c", "ode", *often, name="straight", steps=3072)
    killed = start("hyper-a2c", "ode", *often, name="killed", steps=3072, killed_at=2500)
    assert killed.status.steps == 2000
    resume(killed)
    assert table(killed) == table(straight)
    assert [int(row["step"]) for row in table(killed)] == [1000, 2000, 3000]


def table(run: Run) -> list[dict[str, str]]:
    with (run.path / "progress.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [{key: value for key, value in row.items() if not key.startswith(CLOCK)} for row in rows]


def scalars(run: Run) -> dict[str, list[tuple[int, float]]]:
    events = EventAccumulator(str(run.path), size_guidance={"scalars": 0}).Reload()
    tags = [tag for tag in events.Tags()["scalars"] if not tag.startswith(CLOCK)]
    found = {tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in tags}
    for tag, points in found.items():
        assert max(Counter(step for step, _ in points).values()) == 1, tag
    return found


@pytest.mark.usefixtures("nothing_but_training")
def test_environments_without_a_state_are_reset_and_told(tmp_path: Path) -> None:
    agent, batched = small("concat-ppo", "ode")
    family = Family(batched.recipe, make_base=lambda **kwargs: gym.make(batched.recipe.base, **kwargs))
    with pytest.raises(KeyboardInterrupt):
        train(agent, family, out=tmp_path / "run", steps=2048, progress=killer(1100))
    killed = Run.open(tmp_path / "run")
    resume(killed, family=family)
    assert killed.status.resumed == (Resumed(steps=1024, exact=False),)
    assert (killed.state, killed.status.steps) == ("finished", 2048)


@pytest.mark.usefixtures("nothing_but_training")
def test_a_checkpoint_of_another_agent_is_refused(start: Start) -> None:
    killed = start(name="killed", killed_at=1)
    policy = killed.spec.agent.policy.model_copy(update={"net_arch": (7, 7)})
    agent = killed.spec.agent.model_copy(update={"policy": policy})
    killed.write_spec(killed.spec.model_copy(update={"agent": agent}))
    with pytest.raises(
        UserError, match=r"^run '.*killed': checkpoint 'latest' does not fit the agent in run\.yaml: weights "
    ):
        resume(killed)
    policy = policy.model_copy(update={"net_arch": (8, 8)})
    agent = agent.model_copy(update={"policy": policy, "n_envs": 4})
    killed.write_spec(killed.spec.model_copy(update={"agent": agent}))
    with pytest.raises(UserError, match="environments"):
        resume(killed)


@pytest.mark.usefixtures("nothing_but_training")
def test_a_checkpoint_with_missing_pieces_is_refused(start: Start) -> None:
    killed = start(name="killed", killed_at=1)
    tensors, meta = killed.load_checkpoint("latest")
    for piece in ("optimizer", "counters", "env", "sampler"):
        state = {key: value for key, value in meta["state"].items() if key != piece}
        killed.save_checkpoint("latest", tensors, {"steps": 0, "state": state})
        with pytest.raises(UserError, match=r"does not fit run\.yaml") as caught:
            resume(killed)
        assert "\n" not in str(caught.value)
    killed.save_checkpoint("latest", tensors, {"steps": 0})
    with pytest.raises(UserError, match="not one of a training"):
        resume(killed)


@pytest.mark.usefixtures("nothing_but_training")
@pytest.mark.parametrize("name", ["step", "exp_avg"])
@pytest.mark.parametrize("forged", [[[1.0, 2.0, 3.0]], float("nan")], ids=["shape", "not finite"])
def test_a_checkpoint_with_a_forged_optimizer_is_refused(start: Start, name: str, forged: object) -> None:
    killed = start(name="killed", steps=2048, killed_at=1536)
    tensors, meta = killed.load_checkpoint("latest")
    key = next(key for key in tensors if key.startswith("optimizer/") and key.endswith(f"/{name}"))
    killed.save_checkpoint("latest", {**tensors, key: torch.as_tensor(forged)}, meta)
    with pytest.raises(UserError, match=r"does not fit run\.yaml.*optimizer is of another kind"):
        resume(killed)


@pytest.mark.usefixtures("nothing_but_training")
def test_whatever_does_not_fit_names_its_run(start: Start) -> None:
    killed = start("hyper-ppo", "ode", "sampler=plr", name="killed", steps=2048, killed_at=1536)
    state = load_state(killed, "latest")
    for path, forged in (
        ("counters/num_timesteps", 10**30),
        ("successes", ["x"]),
        ("optimizer/param_groups/0/betas", (0.9,)),
        ("optimizer/param_groups/0/betas", (-1.0, 0.999)),
        ("optimizer/param_groups/0/lr", "x"),
        ("optimizer/state/0", {"step": torch.tensor(1.0)}),
        ("optimizer/state/0/step", torch.tensor(-1.0)),
        ("optimizer/state/0/exp_avg", 0.5),
        ("env/batch/rngs", []),
        ("env/batch/sampler/tasks", 7),
        ("sampler/tasks", 7),
        ("sampler/count", [1]),
        ("sampler/sum", [1.0]),
        ("sampler/curriculum/drawn", 10**30),
        ("sampler/curriculum/drawn", 0),
        ("sampler/curriculum/last", [1]),
        ("sampler/curriculum/best", [1.0]),
        ("rng/torch", torch.zeros(3)),
    ):
        save_state(killed, "latest", replaced(state, path.split("/"), forged))
        with pytest.raises(UserError, match=r"^run '.*killed': checkpoint 'latest' does not fit run\.yaml "):
            resume(killed)
    save_state(killed, "latest", state)
    assert resume(killed).state == "finished"


@pytest.mark.usefixtures("nothing_but_training")
@pytest.mark.parametrize("forged", [[], [torch.zeros(1, 8, 8)], [torch.zeros(2, 8, 8)] * 2])
def test_a_memory_that_does_not_fit_names_its_run(start: Start, forged: list[torch.Tensor]) -> None:
    pytest.importorskip("sb3_contrib", reason="needs the extra contrib")
    killed = start("hyper-recurrent-ppo", name="killed", killed_at=1)
    state = load_state(killed, "latest")
    save_state(killed, "latest", replaced(state, ["memory", "0"], forged))
    with pytest.raises(UserError, match=r"does not fit run\.yaml \(memory is of another kind\)"):
        resume(killed)


def replaced(tree: Any, path: list[str], value: Any) -> Any:
    """A tree of dictionaries and lists with another value at the end of the path."""
    if not path:
        return value
    key: Any = int(path[0]) if path[0].isdecimal() else path[0]
    copy = tree.copy()
    copy[key] = replaced(tree[key], path[1:], value)
    return copy


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


def test_parts_of_a_state_are_of_the_kind_that_is_expected() -> None:
    same: list[tuple[Any, Any]] = [
        (1, 1), (1, 1.0), (2.5, 1.0), ([], [0]), ([1, 2], [0]), ((1, "a"), (0, "b")), ({"a": 1}, {"a": 0}),
        (np.zeros(2), np.ones(2)), (torch.zeros(2), torch.ones(2)), ("x", None), (True, False),
    ]  # fmt: skip
    other: list[tuple[Any, Any]] = [
        (1.0, 1), (True, 1), (float("nan"), 1.0), (float("inf"), 1.0), ("1", 1), ([1.5], [0]), ((1,), (1, 2)),
        ([1], (1,)), ({"b": 1}, {"a": 1}), ({}, {"a": 1}), (np.zeros(3), np.ones(2)), (1, False),
        (np.zeros(2, np.float32), np.zeros(2)), (torch.zeros(2), np.zeros(2)),
        (torch.zeros(3), torch.zeros(2)),
    ]  # fmt: skip
    assert [pair for pair in same if not same_structure(*pair)] == []
    assert [pair for pair in other if same_structure(*pair)] == []
