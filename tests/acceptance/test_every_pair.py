"""Each agent of the suite with each family: 2,000 steps where they fit, a refusal where they do not."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hyperrl
from hyperrl.actions import fits
from hyperrl.cli import main
from hyperrl.errors import UserError
from hyperrl.recipes import (
    SPLITS,
    is_missing,
    load_agent,
    load_family,
    shipped,
)
from hyperrl.store import Run
from hyperrl.tasks import Family
from hyperrl.tasks.actions import kind_of_family
from hyperrl.training.checkpoint import load_state
from tests.acceptance.brief import STEPS, abridged, draw_little, rollouts
from tests.suite import needs

AGENTS = {name: load_agent(name) for name in sorted(shipped("agents"))}
FAMILIES = {name: load_family(name) for name in sorted(shipped("envs"))}


def pairs() -> list[Any]:
    """All pairs; those whose packages are not installed are skipped."""
    found = []
    for family, recipe in FAMILIES.items():
        found += [
            pytest.param(agent, family, marks=[needs(recipe.extra), needs(each.algorithm.extra)])
            for agent, each in AGENTS.items()
        ]
    return found


def test_the_list_tells_which_fit(capsys: pytest.CaptureFixture[str]) -> None:
    """An agent fits where its actions are the family's, or any."""
    assert main(["list", "--json"]) == 0
    told = {row["name"]: row for rows in json.loads(capsys.readouterr().out).values() for row in rows}
    for family, recipe in FAMILIES.items():
        if is_missing(recipe.extra):
            assert told[family]["actions"] is None
            continue
        kind = kind_of_family(Family(recipe))
        assert told[family]["actions"] == kind
        for agent in AGENTS:
            assert told[agent]["actions"] == AGENTS[agent].algorithm.actions
            assert fits(AGENTS[agent].algorithm.actions, kind) == (agent in told[family]["fits"])


@pytest.mark.slow
@pytest.mark.parametrize(("agent", "family"), pairs())
def test_a_pair(agent: str, family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw_little(monkeypatch)
    recipe, tasks = AGENTS[agent], abridged(FAMILIES[family])
    out = tmp_path / "run"

    def start() -> Run:
        return hyperrl.train(recipe, tasks, steps=STEPS, overrides=rollouts(recipe), out=out)

    if not fits(recipe.algorithm.actions, kind_of_family(tasks)):
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
