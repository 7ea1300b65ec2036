"""Trainings whose numbers are no longer finite end in one line, with what they had."""

import re
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

from hyperrl import contextualize
from hyperrl.cli import main
from hyperrl.errors import DivergenceError
from hyperrl.recipes import load_agent, resolve
from hyperrl.store import Run
from hyperrl.tasks import Family
from hyperrl.training import load_model, train
from hyperrl.training.checkpoint import load_state
from tests.training.conftest import COMMON, SMALL, Start


@pytest.mark.usefixtures("nothing_but_training")
@pytest.mark.parametrize("agent", ["hyper-sac", "concat-sac", "hyper-td3"])
def test_weights_that_are_not_finite_end_replay(start: Start, tmp_path: Path, agent: str) -> None:
    with pytest.raises(DivergenceError, match="not finite after") as ended:
        start(agent, "ode", "algorithm.learning_rate=1e12", steps=4096)
    assert "the checkpoint of 0 steps is kept" in str(ended.value)
    run = Run.open(tmp_path / "run")
    assert (run.state, run.status.steps) == ("failed", 0)
    assert all(bool(weight.isfinite().all()) for weight in load_state(run, "latest")["policy"].values())


IMMENSE = "algorithm.learning_rate=1e12", "algorithm.max_grad_norm=1e12"


pytestmark = pytest.mark.usefixtures("no_telemetry")


def assert_checkpoint(path: Path, steps: int, family: Family | None = None) -> None:
    """The run tells that it ended, and its checkpoint is whole."""
    run = Run.open(path)
    assert (run.state, run.status.steps) == ("failed", steps)
    state = load_state(run, "latest")
    assert state["steps"] == steps
    assert all(bool(weight.isfinite().all()) for weight in state["policy"].values())
    assert load_model(run, "latest", family=family, to_learn=False).num_timesteps == steps


@pytest.mark.parametrize("agent", ["hyper-ppo", "concat-ppo"])
def test_weights_that_are_not_finite_end_training(start: Start, tmp_path: Path, agent: str) -> None:
    """SB3's own Gaussian raises a ValueError in mid-update where ours lets the update end."""
    with pytest.raises(DivergenceError) as ended:
        start(agent, "ode", *IMMENSE, "algorithm.ent_coef=1", steps=4096)
    message = str(ended.value)
    assert message.startswith(f"run '{tmp_path / 'run'}': weights are not finite after ")
    assert " steps of training, in all parameters" in message or " steps of training, first in " in message
    assert message.endswith("names the first gradient; the checkpoint of 0 steps is kept")
    assert_checkpoint(tmp_path / "run", 0)


def test_immense_weights_that_act_are_reported_as_what_they_do(start: Start, tmp_path: Path) -> None:
    with pytest.raises(
        DivergenceError, match="actions are not finite after 1024 steps of training in task c0="
    ):
        start("hyper-a2c", "ode", *IMMENSE, "policy.activation_fn=relu", steps=4096)
    assert_checkpoint(tmp_path / "run", 0)


def test_the_last_update_counts_too(start: Start, tmp_path: Path) -> None:
    with pytest.raises(DivergenceError, match="weights are not finite after 512 steps"):
        start("hyper-ppo", "ode", *IMMENSE, steps=512)
    assert_checkpoint(tmp_path / "run", 0)


class Fading(gym.Env[np.ndarray, Any]):
    """From its 101st step on, what it says of `what` is no number."""

    observation_space = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)
    what = "rewards"

    def __init__(self) -> None:
        self.gain, self.taken = 1.0, 0
        self.action_space: gym.Space[Any] = gym.spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        return np.zeros(1, np.float32), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self.taken += 1
        faded = self.taken > 100
        seen = np.full(1, np.nan if faded and self.what == "observations" else 0.0, np.float32)
        return seen, float("inf") if faded and self.what == "rewards" else self.gain, False, False, {}


@pytest.mark.parametrize("detect_anomaly", [False, True])
@pytest.mark.parametrize("agent", ["hyper-ppo", "concat-ppo", "hyper-dqn"])
@pytest.mark.parametrize("what", ["observations", "rewards"])
def test_an_environment_that_is_not_finite_ends_training(
    tmp_path: Path, what: str, agent: str, detect_anomaly: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Fading, "what", what)
    family = contextualize(Fading, {"gain": {"train": [0.5, 1.5]}}, max_steps=10)
    algorithm = SMALL[load_agent(agent).algorithm.name]
    recipe = resolve(load_agent(agent), family.recipe, (*algorithm, *COMMON, "checkpoint_every=512"))
    message = rf"^run '.*run': {what} are not finite after (\d+) steps of training in task gain=(\S+);"
    with pytest.raises(DivergenceError, match=message) as ended:
        train(recipe, family, out=tmp_path / "run", steps=4096, detect_anomaly=detect_anomaly)
    assert_checkpoint(tmp_path / "run", 512, family)
    found = re.match(message, str(ended.value))
    assert found is not None
    assert float(found[2]) in [pytest.approx(task["gain"], rel=1e-4) for task in family.tasks("train")]
    if detect_anomaly or agent == "hyper-dqn":
        assert int(found[1]) == 101 * 8


class Torn(torch.autograd.Function):
    """Hands its input on, but no gradient that is a number."""

    @staticmethod
    def forward(context: Any, x: torch.Tensor) -> torch.Tensor:
        return x.clone()

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> torch.Tensor:
        return gradient * torch.inf


@pytest.mark.parametrize("detect_anomaly", [False, True])
def test_a_gradient_that_is_not_finite_ends_training(
    start: Start, monkeypatch: pytest.MonkeyPatch, detect_anomaly: bool
) -> None:
    forward = torch.nn.Linear.forward
    torn: Any = Torn
    monkeypatch.setattr(torch.nn.Linear, "forward", lambda layer, x: torn.apply(forward(layer, x)))
    message = (
        "gradients are not finite after 512 steps of training, first in "
        if detect_anomaly
        else "weights are not finite after 512 steps of training, in all parameters"
    )
    with pytest.raises(DivergenceError, match=message):
        start("concat-ppo", detect_anomaly=detect_anomaly)


def test_a_weight_that_is_not_finite_is_named(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    def update(model: Any) -> None:
        with torch.no_grad():
            model.policy.action_net.weight[0, 0] = torch.inf

    monkeypatch.setattr("stable_baselines3.PPO.train", update)
    with pytest.raises(DivergenceError, match=r"weights .* steps of training, first in action_net\.weight; "):
        start("concat-ppo")


def test_a_loss_that_is_not_finite_ends_training(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    def update(model: Any) -> None:
        model.logger.record("train/value_loss", np.inf)

    monkeypatch.setattr("stable_baselines3.PPO.train", update)
    with pytest.raises(
        DivergenceError,
        match="losses are not finite after 512 steps of training, of the losses train/value_loss",
    ):
        start()


def test_the_command_line_tells_it_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    options = [part for override in (*SMALL["ppo"], *COMMON, *IMMENSE) for part in ("--set", override)]
    assert main(["train", "hyper-ppo", "ode", "--steps", "2048", "--out", "run", *options]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("hyperrl: error: run 'run': weights are not finite after 512 steps of training, ")


def test_other_mistakes_in_training_stay_what_they_are(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stable_baselines3.PPO.train", lambda _: torch.zeros(2).view(3, 1))
    with pytest.raises(RuntimeError, match="shape"):
        start(steps=512)

    def wrong(_: Any) -> None:
        raise ValueError("wrong")

    monkeypatch.setattr("stable_baselines3.PPO.train", wrong)
    with pytest.raises(ValueError, match="wrong"):
        start(steps=512, name="other")
