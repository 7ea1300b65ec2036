"""A run is opened with its family and the agent of a checkpoint, and torch's random state is kept."""

from pathlib import Path
from typing import Any

import pytest
import torch

from hyperrl import api
from hyperrl.store import Run
from hyperrl.training import load_model
from hyperrl.training.checkpoint import save_state
from tests.runs import message


def test_a_checkpoint_may_be_named_by_its_steps(runs: Path) -> None:
    assert "no checkpoint '7'" in message(api.load, runs / "seed-0", checkpoint=7)
    assert "checkpoint '': a checkpoint is called" in message(api.load, runs / "seed-0", checkpoint="")


def test_a_run_says_what_it_is(runs: Path) -> None:
    run = Run.open(runs / "seed-0")
    assert repr(run) == f"Run({str(run.path)!r}: hyper-ppo on ode, seed 0, finished, 64 of 64 steps)"
    agent = api.load(run)
    assert repr(agent).startswith(f"Agent(run={run!r}, family=Family('ode': c0), ")


@pytest.mark.parametrize(("checkpoint", "steps"), [(None, 16), ("latest", 64), (64, None)])
def test_load(run: Run, checkpoint: str | int | None, steps: int | None) -> None:
    if steps is None:
        save_state(run, "64", {"steps": 64, "policy": load_model(run).policy.state_dict()})
    assert api.load(run, checkpoint=checkpoint).model.num_timesteps == (steps or 64)


def test_drawn_actions_repeat_with_their_seed_and_disturb_nothing(runs: Path) -> None:
    def returns(**options: Any) -> list[list[float]]:
        evaluation = api.evaluate(
            runs / "seed-0", splits=["extrapolation"], episodes=2, save=False, **options
        )
        return [task.returns for task in evaluation.tasks]

    before = torch.random.get_rng_state()
    sampled = returns(deterministic=False, seed=5)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert sampled == returns(deterministic=False, seed=5)
    assert sampled != returns(deterministic=False, seed=6)
    assert sampled != returns(seed=5)
