"""What a training does: its tasks, scalars and evaluation, seeds, processes, every field of a network."""

import csv
from contextlib import closing
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from hyperrl.api import evaluate
from hyperrl.errors import BaseEnvironmentError, UserError
from hyperrl.evaluation.agent import Agent
from hyperrl.policies import HyperActorCriticPolicy
from hyperrl.recipes import load_agent, resolve, shipped
from hyperrl.store import Run
from hyperrl.tasks import Family, contextualize
from hyperrl.training import load_model, train
from hyperrl.training.callbacks import BestWeights
from hyperrl.training.checkpoint import load_state
from hyperrl.training.session import TrainingSession
from tests.masked import NoChoice, masked_family
from tests.suite import family_for, learnable, needs
from tests.training.conftest import COMMON, OFF_POLICY, SMALL, Start, small
from tests.training.states import same, scramble


def test_training_plays_the_training_tasks_alone(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held out stays out, however often episodes begin anew; each training task comes."""
    played: list[dict[str, float]] = []

    class Watched(BaseCallback):
        def _on_training_start(self) -> None:
            played.extend(info["context"] for info in self.training_env.reset_infos)

        def _on_step(self) -> bool:
            played.extend(info["context"] for info in self.locals["infos"] if "context" in info)
            return True

    monkeypatch.setattr("hyperrl.training.telemetry.callbacks", lambda *_, others, **__: [Watched(), *others])
    start("hyper-a2c", "ode", "algorithm.n_steps=210", steps=1680)
    trained = Family.load("ode").tasks("train")
    assert len(played) >= 16
    assert {task["c0"] for task in played} == {task["c0"] for task in trained}


def test_the_evaluation_at_the_end_is_of_the_best_weights(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not of those that training ended with, which may be worse."""

    class FirstIsBest(BaseCallback):
        def __init__(self, best: BestWeights) -> None:
            super().__init__()
            self._best = best

        def _on_training_start(self) -> None:
            self._best(1.0, 0)

        def _on_step(self) -> bool:
            return True

    def callbacks(*_: Any, on_validation: BestWeights, others: list[BaseCallback], **__: Any) -> Any:
        return [FirstIsBest(on_validation), *others]

    monkeypatch.setattr("hyperrl.training.telemetry.callbacks", callbacks)
    run = start("hyper-ppo", "pendulum", steps=1024)
    (final,) = run.evaluations()
    assert final["checkpoint"] == {"name": "best", "steps": 0}
    best, latest = (
        evaluate(run.path, splits=["train"], checkpoint=name, save=False) for name in ("best", "latest")
    )
    found = [task["returns"] for task in final["tasks"] if task["split"] == "train"]
    assert found == [task.returns for task in best.tasks] != [task.returns for task in latest.tasks]


def logged_rows(run: Run) -> list[dict[str, str]]:
    return list(csv.DictReader((run.path / "progress.csv").read_text().splitlines()))


@pytest.mark.parametrize(
    ("agent", "family", "names"),
    [
        ("hyper-sac", "ode", {"train/ent_coef", "train/actor_loss", "train/critic_loss", "gradient/actor"}),
        ("concat-td3", "ode", {"train/actor_loss", "train/critic_loss", "gradient/critic"}),
        ("hyper-dqn", "cartpole", {"train/loss", "rollout/exploration_rate", "gradient/norm"}),
        learnable("hyper-tqc", "ode", {"train/ent_coef", "train/critic_loss", "gradient/critic"}),
        learnable("hyper-crossq", "ode", {"train/ent_coef", "train/critic_loss", "gradient/actor"}),
        learnable("hyper-qrdqn", "cartpole", {"train/loss", "gradient/norm"}),
        learnable("hyper-trpo", "ode", {"train/kl_divergence_loss", "gradient/critic"}),
        learnable("hyper-recurrent-ppo", "ode", {"train/loss", "gradient/norm", "gradient/clipped"}),
        learnable("hyper-maskable-ppo", "wall-gap", {"train/loss", "gradient/norm", "gradient/clipped"}),
    ],
)
@pytest.mark.usefixtures("no_figures")
def test_losses_and_gradients_are_reported(start: Start, agent: str, family: str, names: set[str]) -> None:
    run = start(agent, family)
    rows = {int(row["step"]): row for row in logged_rows(run)}
    logged = [step for step, row in rows.items() if row.get("time/fps")]
    off_policy = run.spec.agent.algorithm.off_policy
    assert logged == ([1024] if off_policy else [512, 1024])
    for name in names | {"time/update", "time/rollout"}:
        values = [float(row[name]) for row in rows.values() if row[name]]
        assert values
        assert np.isfinite(values).all()
    events = EventAccumulator(str(run.path)).Reload()
    assert names <= set(events.Tags()["scalars"])
    assert (run.state, run.status.steps) == ("finished", 1024)
    assert {result["split"] for result in run.evaluations()[0]["tasks"]} >= {"train", "interpolation"}


@pytest.mark.usefixtures("nothing_but_training")
@pytest.mark.parametrize(
    "fields",
    [
        ("hypernetwork={context_dropout: 0.3}", "layer_norm=true", "residual=true", "effort_coef=0.1"),
        (
            "hypernetwork={inputs: [context, embedding], embedding_dim: 3, max_grad_norm: 0.1,"
            " lr_scale: {heads: 0.5}}",
            "critic_lr_scale=3",
        ),
        ("hypernetwork={inputs: [context, state]}",),
        ("hypernetwork={strategy: full, generate: [actor.0, critic.1], trunk: separate}",),
    ],
    ids=lambda fields: " ".join(fields)[:60],
)
def test_a_field_trains_and_its_checkpoint_is_loaded(start: Start, fields: tuple[str, ...]) -> None:
    run = start("hyper-sac", "ode-2d", *(f"policy.{field}" for field in fields), steps=512)
    kept = load_state(run, "latest")["policy"]
    for model in (load_model(run, "latest", to_learn=False), load_model(run, "latest")):
        for name, weight in model.policy.state_dict().items():
            assert torch.equal(weight, kept[name])


FIELDS = [
    ("hypernetwork={strategy: mask, sparsity: 0.3}", "layer_norm=true", "residual=true"),
    (
        "hypernetwork={strategy: chunked, chunk_size: 32, width: 8, max_grad_norm: 0.1,"
        " lr_scale: {heads: 0.5, shared: 2}}",
    ),
    ("hypernetwork={strategy: adapter, rank: 4, adapter_activation: relu, context_dropout: 0.3}",),
    (
        "hypernetwork={strategy: modulation, head_norm: weight, architecture: linear,"
        " magnitude_invariant: true}",
    ),
    ("hypernetwork={generate: [actor, critic.2], trunk: separate}",),
    ("hypernetwork={architecture: transformer, hidden: [8, 8], initialization: hyperfan-in}",),
    ("hypernetwork={inputs: [context, embedding, noise], embedding_dim: 3, noise_dim: 2}",),
    ("hypernetwork={inputs: [context, state]}",),
]


@pytest.mark.parametrize("fields", FIELDS, ids=lambda fields: " ".join(fields)[:60])
@pytest.mark.usefixtures("nothing_but_training")
def test_a_field_trains_and_its_checkpoint_acts_the_same(start: Start, fields: tuple[str, ...]) -> None:
    run = start("hyper-ppo", "ode-2d", *(f"policy.{field}" for field in fields), steps=512)
    family = Family(run.spec.family)
    one, two = load_model(run, to_learn=False), load_model(run)
    assert {key: weight.tolist() for key, weight in load_state(run, "latest")["policy"].items()} == {
        key: weight.tolist() for key, weight in one.policy.state_dict().items()
    }
    contexts = family.tasks("train")[:4]
    batch: dict[str, NDArray[Any]] = {
        name: np.stack([space.sample() for _ in contexts])
        for name, space in family.observation_space.spaces.items()  # type: ignore[attr-defined]
    }
    batch["context"] = family.space.descriptors(contexts)
    acted = one.predict(batch, deterministic=True)[0]
    assert np.array_equal(acted, two.predict(batch, deterministic=True)[0])
    agent = Agent(run, family, one)
    observation = {key: value[0] for key, value in batch.items() if key != "context"}
    assert isinstance(one.policy, HyperActorCriticPolicy)
    if one.policy.dynamic:
        for ask in (agent.specialize, agent.weights):
            with pytest.raises(UserError, match="its weights follow what it observes"):
                ask(contexts[0])
        return
    flat = torch.as_tensor(np.concatenate([observation[key].ravel() for key in sorted(observation)]))
    mean = agent.specialize(contexts[0])(flat[None].float())[0].numpy()
    np.testing.assert_allclose(agent.act(observation, contexts[0]), np.clip(mean, *bounds(family)), atol=1e-5)


def bounds(family: Family) -> tuple[Any, Any]:
    space = family.action_space
    assert isinstance(space, gym.spaces.Box)
    return space.low, space.high


@pytest.mark.parametrize(
    "inputs",
    [
        "{inputs: [context, state]}",
        "{inputs: [noise, embedding]}",
        "{strategy: mask, context_dropout: 0.5}",
    ],
)
@pytest.mark.usefixtures("no_figures")
def test_telemetry_and_evaluation_take_them(start: Start, inputs: str) -> None:
    run = start("hyper-ppo", "ode", f"policy.hypernetwork={inputs}", steps=512)
    assert run.state == "finished"


@needs("contrib")
@pytest.mark.parametrize(
    ("agent", "actions", "by", "subprocesses"),
    [
        ("hyper-maskable-ppo", "from 2", "method", 0),
        ("hyper-maskable-ppo", "multi-binary", "info", 2),
        ("concat-maskable-ppo", "multi-discrete from 1", "method", 0),
        ("blind-maskable-ppo", "discrete", "info", 0),
    ],
)
def test_training_and_its_evaluations_take_no_masked_action(
    agent: str, actions: str, by: str, subprocesses: int, tmp_path: Path
) -> None:
    """The base raises where one is taken; a mask that leaves no choice is its failure."""
    family, recipe = masked_family(actions, by, steps=5), load_agent(agent)
    given = (*SMALL["maskable_ppo"], *COMMON, "evaluate_every=512", f"subprocesses={subprocesses}")
    resolved = resolve(recipe, family.recipe, given)
    run = train(resolved, family, out=tmp_path / "run", steps=1024)
    assert run.state == "finished"
    assert len(run.evaluations()) > 0
    failing = contextualize(NoChoice, {"pay": {"default": 1.0, "train": [0.5, 2.0]}})
    with pytest.raises(BaseEnvironmentError, match=r"its action mask: found no valid choice.*step 1 of an"):
        train(resolved, failing, out=tmp_path / "failing", steps=512)


ON_POLICY = {"n_steps": "16", "batch_size": "64", "n_epochs": "1"}


def overrides(agent: str) -> list[str]:
    """Few steps and small batches, of the fields that the agent's algorithm has."""
    recipe = load_agent(agent)
    algorithm, common = recipe.algorithm, (*COMMON, f"n_envs={recipe.n_envs}")
    if algorithm.off_policy:
        return [*common, *OFF_POLICY]
    known = type(algorithm).model_fields
    return [*common, *(f"algorithm.{name}={value}" for name, value in ON_POLICY.items() if name in known)]


@pytest.mark.usefixtures("nothing_but_training")
@pytest.mark.parametrize("agent", sorted(shipped("agents")))
def test_the_same_seed_gives_the_same_run(agent: str, tmp_path: Path) -> None:
    family = Family.load(family_for(agent))
    recipe = resolve(load_agent(agent), family.recipe, overrides(agent))
    runs: list[Run] = []
    for name in ("one", "other"):
        runs.append(train(recipe, family, out=tmp_path / name, seed=3, steps=320))
        scramble()
    one, other = (run.load_checkpoint("latest") for run in runs)
    same(one, other)
    progress = [(run.path / "progress.csv").read_text().splitlines() for run in runs]
    assert len(progress[0]) == len(progress[1])


def test_training_is_the_same_as_in_one_process() -> None:
    """Tasks too, which a curriculum draws by the returns that come from the other processes."""
    ends = []
    for subprocesses in (0, 2):
        given = ("sampler=plr", "n_envs=2", f"subprocesses={subprocesses}")
        agent, family = small("concat-ppo", "acrobot", "algorithm.n_steps=512", *given)
        with closing(TrainingSession(agent, family, 1, "cpu")) as training:
            training.model.set_logger(Logger(None, []))
            training.model.learn(2048)
            ends.append((training.model.policy.state_dict(), training.sampler.get_state()))
    same(ends[0], ends[1])
    assert sum(ends[0][1]["count"]) >= 4
