"""Returns of runs by family, agent and seed."""

import numpy as np

from hyperrl.evaluation import TaskResult
from hyperrl.experiments.scores import AgentRuns, FamilyRuns, SeedRun


def run(seed: int, *means: float, oracle: float | None = None) -> SeedRun:
    """A run of one interpolation task, and training tasks with these mean returns."""
    train = [
        TaskResult({"c0": float(n)}, "train", [x - 1, x + 1], [5, 5], oracle) for n, x in enumerate(means)
    ]
    return SeedRun(seed, 64, [*train, TaskResult({"c0": 9.0}, "interpolation", [0.0], [5], None)])


def test_scores_are_mean_returns_by_run_and_task() -> None:
    agent = AgentRuns("hyper-ppo", (run(3, 1.0, 2.0), run(5, 3.0, 4.0), run(8, 5.0, 6.0)))
    assert agent.seeds == [3, 5, 8]
    np.testing.assert_array_equal(agent.scores("train"), [[1, 2], [3, 4], [5, 6]])
    np.testing.assert_array_equal(agent.scores("train", [8, 3]), [[5, 6], [1, 2]])


def test_oracles_are_known_where_all_are_and_are_above_0() -> None:
    for oracle, known in ((2.0, [2.0, 2.0]), (0.0, None), (-1.0, None), (None, None)):
        family = FamilyRuns("ode", {"a": AgentRuns("a", (run(0, 1.0, 2.0, oracle=oracle),))})
        found = family.oracles("train")
        assert (None if found is None else found.tolist()) == known
    assert family.splits == ["train", "interpolation"]
    assert family.first.tasks == [
        ("train", (("c0", 0.0),)), ("train", (("c0", 1.0),)), ("interpolation", (("c0", 9.0),))
    ]  # fmt: skip
