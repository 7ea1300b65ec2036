"""Runs that take little time: trained for two rollouts, or not trained at all."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from hyperrl.errors import UserError
from hyperrl.recipes import load_agent, resolve
from hyperrl.store import Run, RunSpec
from hyperrl.tasks import Family
from tests.store.conftest import created

SMALL = (
    "algorithm.n_steps=16",
    "algorithm.batch_size=32",
    "algorithm.n_epochs=2",
    "n_envs=2",
    "evaluate_every=64",
)
"""Two rollouts of 32 steps: enough to write everything that a run holds."""


def untrained(path: Path, agent: str, family: str, overrides: Sequence[str] = (), seed: int = 0) -> Run:
    """A run with the checkpoints `best` of 16 and `latest` of 64 steps, whose weights nobody trained."""
    from hyperrl.training.build import bare_model
    from hyperrl.training.checkpoint import save_state

    tasks = Family.load(family)
    recipe = resolve(load_agent(agent), tasks.recipe, overrides)
    tasks = tasks.for_agent(recipe)
    run = created(path, RunSpec.now(recipe, tasks.recipe, seed=seed, steps=64))
    model = bare_model(recipe, tasks.observation_space, tasks.action_space, to_learn=False)
    for name, steps in (("best", 16), ("latest", 64)):
        save_state(run, name, {"steps": steps, "policy": model.policy.state_dict()})
    return run


def message(call: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    """The line of the UserError that a call raises."""
    with pytest.raises(UserError) as error:
        call(*args, **kwargs)
    assert "\n" not in str(error.value)
    return str(error.value)
