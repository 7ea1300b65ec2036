"""The map shows the weights that the agent generates for the tasks of its final evaluation."""

from pathlib import Path

import numpy as np

from hyperrl import api
from hyperrl.evaluation.figures.weight_map import principal_components
from hyperrl.experiments.collect import collect
from hyperrl.experiments.report.weights import draw_weight_map


def test_points_are_the_projected_weights(trained: Path) -> None:
    results = collect([trained]).families[0].first.results
    agent = api.load(trained)
    figure = draw_weight_map(agent, results, "mine")
    rows = [np.concatenate([w.ravel() for w in agent.weights(task.context).values()]) for task in results]
    expected = principal_components(np.array(rows, np.float64)).points
    drawn = np.concatenate([np.asarray(points.get_offsets()) for points in figure.axes[0].collections])
    np.testing.assert_allclose(drawn, expected, atol=1e-5)
