"""Returns of policies whose contexts are wrong."""

from typing import Any

import numpy as np
import pytest

from hyperrl.evaluation import evaluate_tasks
from hyperrl.evaluation.context_errors import DRAWS, check_sizes, play_with_errors
from hyperrl.evaluation.task_selection import select_tasks
from hyperrl.tasks import Family
from tests.evaluation.conftest import Observation, drive, rest
from tests.runs import message

ODE = Family.load("ode")


def test_policies_observe_every_task_off_to_both_sides() -> None:
    selection = select_tasks(ODE, ["interpolation"], [{"c0": 1.0}])
    seen: list[Any] = []

    def act(observation: Observation) -> Any:
        seen.append(observation["context"][:, 0].copy())
        return rest(observation)

    play_with_errors(act, ODE, selection, [0.1, 0.3], episodes=2)
    assert all(np.array_equal(each, seen[0]) for each in seen)
    told = seen[0].reshape(2, len(selection.contexts), DRAWS, 2)  # size, task, draw, episode
    true = np.array([context["c0"] / 5 for context in selection.contexts])
    off = (told - true[None, :, None, None]) / 2
    for number, size in enumerate((0.1, 0.3)):
        np.testing.assert_allclose(np.abs(off[number]), size, atol=1e-6)
    assert np.array_equal(off[..., 0], off[..., 1])
    np.testing.assert_allclose(off[:, :, 0::2], -off[:, :, 1::2], atol=1e-6)
    np.testing.assert_array_equal(np.sign(off[0]), np.sign(off[1]))


def test_returns_are_means_over_draws_from_the_tasks_own_starts() -> None:
    """Driven by a wrong coefficient, a point overshoots or is late; at rest a policy does not care."""
    selection = select_tasks(ODE, ["interpolation"])
    exact = evaluate_tasks(drive, ODE, selection.contexts, episodes=1)
    small, large = play_with_errors(drive, ODE, selection, [0.05, 0.45], episodes=1)
    assert (small.error, small.draws, len(small.split_tasks), small.own_tasks) == (0.05, DRAWS, 6, [])
    means = [np.mean([task.mean for task in tasks]) for tasks in (exact, small.tasks, large.tasks)]
    assert means[0] >= means[1] > means[2]
    assert [task.context for task in large.split_tasks] == [task.context for task in exact]
    cartpole = Family.load("cartpole")
    some = select_tasks(cartpole, (), [{"gravity": 8.0}, {"gravity": 12.0}])

    def act(observation: Observation) -> Any:
        return (observation["obs"][:, 2] > 0).astype(np.int64)

    own = evaluate_tasks(act, cartpole, some.contexts, episodes=3, seed=4)
    (wrong,) = play_with_errors(act, cartpole, some, [0.2], episodes=3, seed=4)
    assert [task.returns for task in wrong.own_tasks] == [task.returns for task in own]
    assert wrong.split_tasks == []


def test_the_seed_chooses_and_other_tasks_do_not_matter() -> None:
    def told(seed: int, *contexts: float) -> Any:
        seen: list[Any] = []

        def act(observation: Observation) -> Any:
            seen.append(observation["context"][:, 0].copy())
            return rest(observation)

        selection = select_tasks(ODE, (), [{"c0": c0} for c0 in contexts])
        play_with_errors(act, ODE, selection, [0.1], episodes=1, seed=seed)
        return seen[0].reshape(len(contexts), DRAWS)

    assert np.array_equal(told(0, 1.0, 2.0)[1], told(0, 2.0)[0])
    assert len({told(seed, 2.0).tobytes() for seed in range(20)}) > 2


def test_sizes_are_sorted_and_checked() -> None:
    assert check_sizes([0.2, 0.05, 1, 0.2]) == [0.05, 0.2, 1.0]
    for bad in (0, -0.1, 1.5, float("nan")):
        assert message(check_sizes, [bad]).startswith(f"context_error: found {bad:g}; allowed: numbers above")


def test_errors_come_on_top_of_shuffled_contexts() -> None:
    selection = select_tasks(ODE, (), [{"c0": 1.0}, {"c0": 2.0}])
    seen: list[Any] = []

    def act(observation: Observation) -> Any:
        seen.append(observation["context"][:, 0].copy())
        return rest(observation)

    play_with_errors(act, ODE, selection, [0.1], episodes=1, observed=[*reversed(selection.contexts)])
    told = seen[0].reshape(2, DRAWS)
    assert np.mean(told, axis=1) == pytest.approx([0.4, 0.2], abs=1e-6)
