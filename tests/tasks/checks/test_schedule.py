"""Whether a feature that changes within an episode is read there."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import hyperrl
from hyperrl.errors import UserError
from hyperrl.tasks import Family, check_family


class AtResets(gym.Env[Any, Any]):
    """Moves by a force that it reads at its resets alone, or at each step."""

    observation_space = gym.spaces.Box(-100.0, 100.0, (1,), np.float64)
    action_space = gym.spaces.Discrete(2)

    def __init__(self, render_mode: str | None = None, late: bool = False) -> None:
        self.force, self.late, self.render_mode = 1.0, late, render_mode

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.x, self.read = np.zeros(1), self.force
        return self.x.copy(), {}

    def step(self, action: int) -> Any:
        self.x = self.x + (self.force if self.late else self.read) * action
        return self.x.copy(), 0.0, False, False, {}


def family(late: bool, schedule: str) -> Family:
    feature = {"train": [0.5, 2], "schedule": schedule}
    return hyperrl.contextualize(lambda **kw: AtResets(late=late, **kw), {"force": feature}, max_steps=30)


def test_a_change_that_nothing_reads_is_refused() -> None:
    with pytest.raises(UserError, match=r"^feature 'force' .* has a schedule, but a change within"):
        check_family(family(False, "jump"))
    rows = check_family(family(True, "sinusoid:0.5:10"))
    assert rows[-1].subject == "schedule force"
    assert rows[-1].detail == "sinusoid:0.5:10; a change after 1 step changes the transition"


def test_a_schedule_that_does_not_fit_the_episodes_is_refused() -> None:
    with pytest.raises(UserError, match=r"^feature 'force': schedule: found jump:30; allowed: a step before"):
        check_family(family(True, "jump:30"))


def test_families_of_the_suite_may_change() -> None:
    rows = check_family(Family.load("ode").with_schedules({"c0": "drift"}))
    assert [row.subject for row in rows] == ["splits", "feature c0", "schedule c0"]
