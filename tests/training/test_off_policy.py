"""Off-policy agents, and those of extras, from a recipe to a run and back."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from hyperrl.errors import DivergenceError, UserError
from hyperrl.evaluation.agent import Agent
from hyperrl.store import Run
from hyperrl.tasks import Family
from hyperrl.training import load_model, resume, train
from hyperrl.training.checkpoint import load_state
from tests.suite import learnable
from tests.training.conftest import Start, small


def table(run: Run) -> list[dict[str, str]]:
    return list(csv.DictReader((run.path / "progress.csv").read_text().splitlines()))


@pytest.mark.parametrize(
    ("agent", "family", "told"),
    [
        ("hyper-sac", "ode", {"train/ent_coef", "train/actor_loss", "train/critic_loss", "gradient/actor"}),
        ("concat-td3", "ode", {"train/actor_loss", "train/critic_loss", "gradient/critic"}),
        ("hyper-dqn", "cartpole", {"train/loss", "rollout/exploration_rate", "gradient/norm"}),
        learnable("hyper-tqc", "ode", {"train/ent_coef", "train/critic_loss", "gradient/critic"}),
        learnable("hyper-crossq", "ode", {"train/ent_coef", "train/critic_loss", "gradient/actor"}),
        learnable("hyper-qrdqn", "cartpole", {"train/loss", "gradient/norm"}),
        learnable("hyper-trpo", "ode", {"train/kl_divergence_loss", "gradient/critic"}),
        learnable("hyper-recurrent-ppo", "ode", {"train/loss", "gradient/norm", "gradient/clipped"}),
    ],
)
@pytest.mark.usefixtures("no_figures")
def test_losses_and_gradients_are_told(start: Start, agent: str, family: str, told: set[str]) -> None:
    run = start(agent, family, steps=2048)
    rows = {int(row["step"]): row for row in table(run)}
    logged = [step for step, row in rows.items() if row.get("time/fps")]
    off_policy = run.spec.agent.algorithm.off_policy
    assert logged == ([1024, 2048] if off_policy else [512, 1024, 1536, 2048])
    for name in told | {"time/update", "time/rollout"}:
        values = [float(row[name]) for row in rows.values() if row[name]]
        assert values
        assert np.isfinite(values).all()
    events = EventAccumulator(str(run.path)).Reload()
    assert told <= set(events.Tags()["scalars"])
    assert (run.state, run.status.steps) == ("finished", 2048)
    assert {result["split"] for result in run.evaluations()[0]["tasks"]} >= {"train", "interpolation"}


@pytest.mark.usefixtures("no_figures")
def test_a_resumed_runs_log_is_that_of_one_never_killed(start: Start) -> None:
    often = ("checkpoint_every=512",)
    straight = start("hyper-sac", "ode", *often, name="straight", steps=2112)
    killed = start("hyper-sac", "ode", *often, name="killed", steps=2112, killed_at=1600)
    assert killed.status.steps == 1536
    resume(killed)
    clock = ("time/", "gradient/")

    def rows(run: Run) -> list[dict[str, str]]:
        return [
            {name: value for name, value in row.items() if not name.startswith(clock)} for row in table(run)
        ]

    assert rows(killed) == rows(straight)


@pytest.mark.usefixtures("nothing_but_training")
def test_a_finished_run_is_extended_with_what_it_has_seen(start: Start) -> None:
    run = start("hyper-td3", "ode", steps=1024)
    assert load_state(run, "latest")["replay"]["pos"] == 1024 // 8
    resume(run, steps=2048)
    state = load_state(run, "latest")
    assert (state["replay"]["pos"], state["replay"]["full"]) == ((2048 - 1536) // 8, True)
    assert len(state["replay"]["tasks"]) == 4


@pytest.mark.usefixtures("nothing_but_training")
@pytest.mark.parametrize(
    ("agent", "family"),
    [
        ("hyper-sac", "ode"),
        ("hyper-td3", "pendulum"),
        ("hyper-dqn", "cartpole"),
        learnable("hyper-tqc", "pendulum"),
        learnable("hyper-crossq", "pendulum"),
        learnable("hyper-qrdqn", "cartpole"),
    ],
)
def test_a_loaded_agent_acts_and_specializes(start: Start, agent: str, family: str) -> None:
    run = start(agent, family, steps=512)
    tasks = Family(run.spec.family)
    loaded = Agent(run, tasks, load_model(run, "latest"))
    context = tasks.tasks("train")[0]
    observation = tasks.observation_space["obs"].sample()  # type: ignore[index]
    action = loaded.act(observation, context)
    discrete = agent.endswith("dqn")
    assert tasks.action_space.contains(action.item() if discrete else action)
    outputs = loaded.specialize(context)(torch.as_tensor(observation)[None])[0].detach().numpy()
    if discrete:
        assert int(outputs.reshape(-1, 2).mean(axis=0).argmax()) == int(action)
        return
    size = len(action)
    space: Any = tasks.action_space
    unscaled = space.low + (np.tanh(outputs[:size]) + 1) / 2 * (space.high - space.low)
    np.testing.assert_allclose(action, unscaled, rtol=1e-4, atol=1e-5)
    assert {name.split(".")[0] for name in loaded.weights(context)} == {"actor", "critic0", "critic1"}


@pytest.mark.usefixtures("nothing_but_training")
@pytest.mark.parametrize("agent", ["hyper-sac", "concat-sac", "hyper-td3"])
def test_weights_that_are_not_finite_end_training(start: Start, tmp_path: Path, agent: str) -> None:
    with pytest.raises(DivergenceError, match="not finite after") as ended:
        start(agent, "ode", "algorithm.learning_rate=1e36", steps=4096)
    assert "the checkpoint of 0 steps is kept" in str(ended.value)
    run = Run.open(tmp_path / "run")
    assert (run.state, run.status.steps) == ("failed", 0)
    assert all(bool(weight.isfinite().all()) for weight in load_state(run, "latest")["policy"].values())


@pytest.mark.usefixtures("nothing_but_training")
@pytest.mark.parametrize(
    "fields",
    [
        ("hypernetwork={context_dropout: 0.3}",),
        ("hypernetwork={inputs: [context, embedding], embedding_dim: 3}",),
        ("hypernetwork={inputs: [context, state]}",),
        ("hypernetwork={strategy: full, generate: [actor.0, critic.1], trunk: separate}",),
        ("hypernetwork={max_grad_norm: 0.1, lr_scale: {heads: 0.5}}", "critic_lr_scale=3"),
        ("layer_norm=true", "residual=true", "effort_coef=0.1"),
    ],
    ids=lambda fields: " ".join(fields)[:60],
)
def test_a_field_trains_and_its_checkpoint_is_loaded(start: Start, fields: tuple[str, ...]) -> None:
    run = start("hyper-sac", "ode-2d", *(f"policy.{field}" for field in fields), steps=512)
    kept = load_state(run, "latest")["policy"]
    for model in (load_model(run, "latest", to_learn=False), load_model(run, "latest")):
        for name, weight in model.policy.state_dict().items():
            assert torch.equal(weight, kept[name])


def test_a_run_is_refused_before_it_begins_where_actions_do_not_fit(tmp_path: Path) -> None:
    agent, family = small("hyper-sac", "cartpole")
    with pytest.raises(UserError, match="is for continuous actions; found Discrete"):
        train(agent, family, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
