"""The map shows the weights that the agent generates for the tasks of its final evaluation."""

from pathlib import Path

import numpy as np
import pytest

from hyperrl import api
from hyperrl.evaluation.figures.weight_map import principal_components
from hyperrl.experiments.collect import AgentRuns, collect
from hyperrl.experiments.report.weights import draw_weight_map
from hyperrl.tasks import Family
from tests.runs import SMALL, message


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> AgentRuns:
    path = tmp_path_factory.mktemp("trained") / "run"
    api.train("hyper-ppo", "ode", steps=64, overrides=SMALL, out=path)
    return collect([path]).families[0].agents["hyper-ppo"]


def test_points_are_the_projected_weights(trained: AgentRuns) -> None:
    figure = draw_weight_map(trained, Family.load("ode"))
    first = trained.runs[0]
    agent = api.load(first.run.path)
    rows = [
        np.concatenate([w.ravel() for w in agent.weights(task.context).values()]) for task in first.results
    ]
    expected = principal_components(np.array(rows, np.float64)).points
    drawn = np.concatenate([np.asarray(points.get_offsets()) for points in figure.axes[0].collections])
    np.testing.assert_allclose(drawn, expected, atol=1e-5)


def test_runs_that_cannot_be_drawn_say_why(trained: AgentRuns, folder: Path) -> None:
    ode = Family.load("ode")
    agents = collect([folder]).families[0].agents
    assert "no checkpoint 'best'" in message(draw_weight_map, agents["hyper-ppo"], ode)
