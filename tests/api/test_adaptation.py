"""`adapt` in Python."""

import json
from pathlib import Path
from typing import Any

import pytest

from hyperrl import api
from hyperrl.store import Run
from tests.runs import message, untrained

FEW: dict[str, Any] = {"particles": 50, "episodes": 2}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return untrained(tmp_path_factory.mktemp("runs") / "run", "hyper-ppo", "ode")


def test_an_agent_finds_out_and_acts_as_if_it_had_known(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "new" / "estimate.json"
    found = api.adapt(run, contexts=[{"c0": -3}], out=path, seed=5, **FEW)
    (task,) = found.tasks
    evaluated = api.evaluate(run, contexts=[{"c0": -3}], episodes=2, seed=5, save=False)
    assert task.with_context.returns == evaluated.own_tasks[0].returns
    assert task.returns[1] == pytest.approx(task.with_context.returns[1], abs=0.5)
    assert (found.model, found.checkpoint, found.checkpoint_steps, found.seed) == ("dynamics", "best", 16, 0)
    assert found.figure is not None
    assert found.figure.parent == run.figures
    assert found.figure.stat().st_size > 0
    written = json.loads(path.read_text())
    assert written["context"] == dict(task.estimates[-1].context) == pytest.approx({"c0": -3}, rel=1e-4)
    assert (written["episodes"], written["file"], found.to_json()["file"]) == (2, str(path), str(path))


def test_a_split_is_adapted_to_by_itself(run: Run) -> None:
    before = sorted(run.figures.glob("*"))
    found = api.adapt(run, particles=50, episodes=1, save=False)
    assert [task.split for task in found.tasks] == ["interpolation"] * 6
    assert found.figure is None
    assert sorted(run.figures.glob("*")) == before
    far = api.adapt(run, splits=["extrapolation"], particles=50, episodes=1, within="training", save=False)
    assert {abs(task.estimates[0].context["c0"]) <= 5 for task in far.tasks} == {True}


def test_a_forward_model_identifies(tmp_path: Path) -> None:
    run = untrained(tmp_path / "run", "concat-ppo", "ode", ["frame_stack=2", "normalize=true"])
    assert "has no forward model; fit one by" in message(api.adapt, run, model="learned")
    api.fit_forward_model(run, transitions=400, updates=5)
    found = api.adapt(run, contexts=[{"c0": 2}], model="learned", particles=50, episodes=1, save=False)
    assert found.model == "learned"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"episodes": 0}, "episodes: found 0; allowed: a whole number from 1"),
        ({"first": "sit"}, "first: found 'sit'; allowed: 'default', 'explore'"),
        ({"particles": 5}, "particles: found 5; allowed: a whole number from 50"),
        ({"model": "dynamic"}, "model: found 'dynamic'; did you mean 'dynamics'?"),
        ({"splits": ["test"]}, "ode: unknown split 'test'"),
        ({"splits": ["rim"]}, "family 'ode': no task to evaluate in splits rim"),
        ({"contexts": [{"c1": 1}]}, "context: unknown feature 'c1'"),
        ({"out": "e.json", "contexts": [{"c0": 1}, {"c0": 2}]}, "out: found 2 tasks; allowed: one"),
        ({"out": "estimate.txt", "contexts": [{"c0": 1}]}, "out 'estimate.txt': found the ending '.txt'"),
    ],
)
def test_mistakes(run: Run, options: dict[str, Any], says: str) -> None:
    assert says in message(api.adapt, run, **options)


@pytest.mark.parametrize(
    ("agent", "changes", "says"),
    [
        ("blind-ppo", [], "adapt: agent 'blind-ppo' does not observe the context; allowed: agents that do"),
        ("hyper-sac-inferred", [], "'hyper-sac-inferred' does not observe the context"),
        ("hyper-recurrent-ppo", [], "'hyper-recurrent-ppo' does not observe the context"),
        ("hyper-ppo", ["wrappers=[TimeAwareObservation]"], "has wrappers (TimeAwareObservation), which hide"),
    ],
)
def test_agents_that_cannot(agent: str, changes: list[str], says: str, tmp_path: Path) -> None:
    assert says in message(api.adapt, untrained(tmp_path / "run", agent, "ode", changes))


def test_tasks_that_change_within_an_episode_are_refused(tmp_path: Path) -> None:
    from hyperrl.recipes import load_agent, resolve
    from hyperrl.store import RunSpec
    from hyperrl.tasks import Family
    from tests.store.conftest import created

    family = Family.load("ode").with_schedules({"c0": "jump:50"})
    agent = resolve(load_agent("hyper-ppo"), family.recipe, ())
    run = created(tmp_path / "run", RunSpec.now(agent, family.recipe, seed=0, steps=64))
    assert message(api.adapt, run) == "adapt: found schedules of c0; allowed: tasks that stay for an episode"
