"""Agents train on environments that others published: images with a generated CNN, ten tasks of a robot."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import hyperrl
from hyperrl.recipes import load_agent
from hyperrl.training.checkpoint import load_state
from tests.acceptance.brief import STEPS, abridged, draw_little, rollouts
from tests.project.test_foreign import MODULES, family_of

CNN = ["policy.convolutions=[[16, 3, 1], [32, 3, 1]]", "policy.net_arch=[32]"]
TRAINED = [
    ("hyper-ppo", "empty-rooms", CNN),
    ("hyper-dqn", "empty-rooms", CNN),
    ("hyper-ppo", "meta-world", []),
    ("hyper-sac", "meta-world", []),
]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("agent", "name", "more"), TRAINED, ids=lambda part: part if part else "")
def test_an_agent_trains(
    agent: str, name: str, more: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if find_spec(MODULES[name]) is None:
        pytest.skip(f"needs {MODULES[name]}")
    draw_little(monkeypatch)
    recipe, family = load_agent(agent), abridged(family_of(name).recipe)
    overrides = [*rollouts(recipe), *more]
    run = hyperrl.train(recipe, family, steps=STEPS, overrides=overrides, out=tmp_path / "run")
    assert (run.state, run.status.steps) == ("finished", STEPS)
    weights = load_state(run, "latest")["policy"]
    assert any("generated" in name for name in weights)
    assert all(bool(weight.isfinite().all()) for weight in weights.values())
    assert np.isfinite([task["mean"] for task in run.evaluations()[0]["tasks"]]).all()
    if more:
        generated = hyperrl.load(run).weights(family.tasks("train")[0])
        assert any("conv" in name for name in generated)
