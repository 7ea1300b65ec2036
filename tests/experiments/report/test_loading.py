"""The first run's agent is loaded with the checkpoint that was evaluated; what is not trusted is refused."""

from pathlib import Path

import torch

from hyperrl.experiments.collect import collect
from hyperrl.experiments.report.loading import load_first
from tests.experiments.conftest import HYPER
from tests.runs import message


def test_the_checkpoint_that_was_evaluated_is_loaded(trained: Path) -> None:
    (agent,) = collect([trained]).families[0].agents.values()
    state = torch.random.get_rng_state()
    loaded = load_first(agent)
    assert loaded.checkpoint == agent.runs[0].checkpoint
    assert loaded.run.path == trained
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_run_without_it_is_refused(folder: Path) -> None:
    agents = collect([folder]).families[0].agents
    assert "no checkpoint 'best'" in message(load_first, agents[HYPER])
