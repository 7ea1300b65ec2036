"""The same seed, machine and number of threads: the same run, for every agent."""

from pathlib import Path

import pytest

from hyperrl.recipes import load_agent, resolve, shipped
from hyperrl.store import Run
from hyperrl.tasks import Family
from hyperrl.training import train
from tests.training.conftest import COMMON, OFF_POLICY
from tests.training.test_resume import same, scramble

ON_POLICY = {"n_steps": "32", "batch_size": "128", "n_epochs": "1"}

pytestmark = pytest.mark.usefixtures("nothing_but_training")


def overrides(agent: str) -> list[str]:
    """Few steps and small batches, of the fields that the agent's algorithm has."""
    algorithm = load_agent(agent).algorithm
    if algorithm.off_policy:
        return [*COMMON, *OFF_POLICY]
    known = type(algorithm).model_fields
    return [*COMMON, *(f"algorithm.{name}={value}" for name, value in ON_POLICY.items() if name in known)]


@pytest.mark.parametrize("agent", sorted(shipped("agents")))
def test_the_same_seed_gives_the_same_run(agent: str, tmp_path: Path) -> None:
    family = Family.load("cartpole" if load_agent(agent).algorithm.actions == "discrete" else "ode")
    recipe = resolve(load_agent(agent), family.recipe, overrides(agent))
    runs: list[Run] = []
    for name in ("one", "other"):
        runs.append(train(recipe, family, out=tmp_path / name, seed=3, steps=512))
        scramble()
    one, other = (run.load_checkpoint("latest") for run in runs)
    same(one, other)
    progress = [(run.path / "progress.csv").read_text().splitlines() for run in runs]
    assert len(progress[0]) == len(progress[1])
