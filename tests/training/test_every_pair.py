"""Each agent of the suite with each family: 2,000 steps where they fit, a refusal where they do not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hyperrl
from hyperrl.errors import UserError
from hyperrl.recipes import (
    SPLITS,
    AgentRecipe,
    FamilyRecipe,
    Splits,
    is_missing,
    load_agent,
    load_family,
    shipped,
)
from hyperrl.store import Run
from hyperrl.tasks import Family
from hyperrl.tasks.actions import fits, kind_of
from hyperrl.training.checkpoint import load_state
from hyperrl.training.telemetry import figure

STEPS = 2000
AGENTS = {name: load_agent(name) for name in sorted(shipped("agents"))}
FAMILIES = {name: load_family(name) for name in sorted(shipped("envs"))}


def rollouts(agent: AgentRecipe) -> list[str]:
    """Overrides by which an agent learns within so few steps: two rollouts, or some hundred updates."""
    algorithm = agent.algorithm
    if algorithm.off_policy:
        return ["n_envs=8", "algorithm.gradient_steps=1"]
    most = {"n_steps": 125, "batch_size": 250}
    small = {name: min(value, getattr(algorithm, name, value)) for name, value in most.items()}
    given = [f"algorithm.{name}={value}" for name, value in small.items() if hasattr(algorithm, name)]
    return ["n_envs=8", *given]


def abridged(recipe: FamilyRecipe) -> Family:
    """The family with the first tasks of each split, an episode to evaluate each; simulators' are short."""
    whole = Family(recipe)
    first = {name: whole.tasks(name)[: 4 if name == "train" else 1] for name in SPLITS}
    splits = Splits.model_validate(
        {name: [{"list": tasks}] if tasks else [] for name, tasks in first.items()}
    )
    evaluation = recipe.evaluation.model_copy(update={"episodes": 1})
    kwargs = {"max_episode_steps": 250} if recipe.extra else {}
    update = {"splits": splits, "evaluation": evaluation, "kwargs": {**recipe.kwargs, **kwargs}}
    return Family(recipe.model_copy(update=update))


def pairs() -> list[Any]:
    """All pairs; those whose packages are not installed are skipped."""
    found = []
    for family, recipe in FAMILIES.items():
        reason = f"needs the extra: pip install 'hyperrl[{recipe.extra}]'"
        mark = pytest.mark.skipif(is_missing(recipe.extra), reason=reason)
        found += [pytest.param(agent, family, marks=mark) for agent in AGENTS]
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("agent", "family"), pairs())
def test_a_pair(agent: str, family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figure, "LINE", 3)
    monkeypatch.setattr(figure, "PLANE", 2)
    recipe, tasks = AGENTS[agent], abridged(FAMILIES[family])
    out = tmp_path / "run"

    def start() -> Run:
        return hyperrl.train(recipe, tasks, steps=STEPS, overrides=rollouts(recipe), out=out)

    if not fits(recipe, kind_of(tasks.action_space)):
        with pytest.raises(UserError, match=rf"^agent '{agent}': .* is for \w+ actions; found [^\n]*$"):
            start()
        assert not out.exists()
        return
    run = start()
    assert (run.state, run.status.steps) == ("finished", STEPS)
    state = load_state(run, "latest")
    assert state["counters"]["_n_updates"] > 0
    assert all(bool(weight.isfinite().all()) for weight in state["policy"].values())
    played = {task["split"]: task["mean"] for task in run.evaluations()[0]["tasks"]}
    assert list(played) == [name for name in SPLITS if tasks.tasks(name)]
    assert np.isfinite(list(played.values())).all()
