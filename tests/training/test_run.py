import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from stable_baselines3.common.callbacks import BaseCallback

from hyperrl.api import evaluate
from hyperrl.deploy.extract import extract_specialist
from hyperrl.deploy.sb3 import plain_model
from hyperrl.errors import UserError
from hyperrl.store import Run
from hyperrl.tasks import Family
from hyperrl.training import BatchedVecEnv, load_model, resume, train
from hyperrl.training.callbacks import BestWeights
from hyperrl.training.checkpoint import load_state, save_state
from tests.training.conftest import Start, small


def vector(run: Run, name: str) -> torch.Tensor:
    return torch.cat([weight.flatten() for weight in load_state(run, name)["policy"].values()])


def make_best(run: Run) -> None:
    """Other weights than the latest become the best."""
    state = load_state(run, "latest")
    moved = {name: weight + 0.5 for name, weight in state["policy"].items()}
    save_state(run, "best", {"steps": state["steps"], "validation": 1.0, "policy": moved})
    assert not torch.equal(vector(run, "best"), vector(run, "latest"))


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


def test_a_model_is_loaded_from_any_checkpoint(start: Start) -> None:
    run = start("concat-ppo", "ode", steps=512)
    make_best(run)
    family = Family.load("ode")
    for checkpoint in (None, "best", "latest"):
        model = load_model(run, checkpoint, family=family)
        assert torch.equal(
            torch.cat([w.flatten() for w in model.policy.state_dict().values()]),
            vector(run, checkpoint or "best"),
        )
    with pytest.raises(UserError, match="no checkpoint '77'; it has: best, latest"):
        load_model(run, "77")


@pytest.mark.usefixtures("no_telemetry")
def test_progress_is_told_from_start_to_end(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    agent, family = small("concat-ppo", "ode")
    train(
        agent,
        family,
        out=tmp_path / "run",
        steps=1000,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told[0] == (0, 1000)
    assert told[-1] == (1000, 1000)
    assert told == sorted(told)


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


@pytest.mark.usefixtures("no_telemetry")
def test_a_loaded_model_is_an_sb3_algorithm_like_any_other(start: Start, tmp_path: Path) -> None:
    run = start(steps=512)
    model = load_model(run)
    family = Family.load("ode")
    model.set_env(BatchedVecEnv(family.make_vec(run.spec.agent.n_envs)))
    before = model.num_timesteps
    model.learn(512, reset_num_timesteps=False)
    assert model.num_timesteps == before + 512
    model.save(tmp_path / "model.zip")
    again = type(model).load(tmp_path / "model.zip")
    observation = family.observation_space.sample()
    expected = model.predict(observation, deterministic=True)[0]
    assert again.predict(observation, deterministic=True)[0].tolist() == expected.tolist()
