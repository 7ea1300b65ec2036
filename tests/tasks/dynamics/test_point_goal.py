"""The point mass that cannot see its goal."""

import numpy as np
import pytest

from hyperrl.tasks import Family


def test_a_blind_agent_fails_on_point_goal() -> None:
    """Standing still costs 1 a step on average over goals, flying to the goal a quarter of that at most."""
    family = Family.load("point-goal")
    tasks = family.tasks("interpolation")
    still, informed = (
        family.make_vec(len(tasks), contexts=tasks, options={"x": 0.0, "y": 0.0}) for _ in range(2)
    )
    still.reset()
    seen, _ = informed.reset()
    returns = np.zeros((2, len(tasks)))
    for _ in range(100):
        returns[0] += still.step(np.zeros((len(tasks), 2), np.float32))[1]
        push = 2.0 * (seen["context"] - seen["obs"][:, :2]) - 2.0 * seen["obs"][:, 2:]
        seen, reward, *_ = informed.step(push.astype(np.float32))
        returns[1] += reward
    assert returns[0] == pytest.approx(-100.0)
    assert returns[1].min() > -25.0
