from typing import Any

import numpy as np

from hyperrl.evaluation import evaluate_tasks
from hyperrl.evaluation.observation_noise import check_noise, play_with_noise
from hyperrl.evaluation.task_selection import select_tasks
from hyperrl.tasks import Family
from hyperrl.tasks.observation_noise import observation_scales
from tests.evaluation.conftest import Observation, balance, drive, rest
from tests.runs import message

ODE = Family.load("ode")


def test_policies_observe_every_number_off_within_its_bound() -> None:
    selection = select_tasks(ODE, ["interpolation"], [{"c0": 1.0}])
    seen: list[Any] = []

    def act(observation: Observation) -> Any:
        seen.append(observation["obs"][:, 0].copy())
        return rest(observation)

    small, large = play_with_noise(act, ODE, selection, [0.1, 0.4], episodes=1)
    off = (np.stack(seen) - 1.0) / observation_scales(ODE)["obs"][0]  # at rest x stays at 1
    off = off.reshape(2, 200, 7)
    assert np.abs(off[0]).max() <= 0.1 + 1e-6
    assert 0.39 < np.abs(off[1]).max() <= 0.4 + 1e-6
    np.testing.assert_allclose(4 * off[0], off[1], atol=1e-4)
    assert len(np.unique(off[0].round(7))) > 1300
    assert (small.error, large.error, len(small.split_tasks), len(small.own_tasks)) == (0.1, 0.4, 6, 1)
    still = evaluate_tasks(rest, ODE, selection.contexts, episodes=1)
    assert [task.returns for task in large.tasks] == [task.returns for task in still]


def test_noise_costs_and_does_not_depend_on_company() -> None:
    selection = select_tasks(ODE, ["interpolation"])
    exact = evaluate_tasks(drive, ODE, selection.contexts, episodes=1)
    (noisy,) = play_with_noise(drive, ODE, selection, [0.5], episodes=1)
    assert np.mean([task.mean for task in noisy.tasks]) < np.mean([task.mean for task in exact])
    cartpole = Family.load("cartpole")
    both = select_tasks(cartpole, (), [{"gravity": 8.0}, {"gravity": 12.0}])
    one = select_tasks(cartpole, (), [{"gravity": 12.0}])
    (two,), (alone,) = (
        play_with_noise(balance, cartpole, each, [0.3], episodes=3, seed=4) for each in (both, one)
    )
    assert two.own_tasks[1].returns == alone.own_tasks[0].returns


def test_sizes_are_sorted_and_checked() -> None:
    assert check_noise([0.2, 3, 0.05, 0.2]) == [0.05, 0.2, 3.0]
    for bad in (0, -0.1, 11, float("nan")):
        assert message(check_noise, [bad]).startswith(f"observation_noise: found {bad:g}; allowed: numbers")
