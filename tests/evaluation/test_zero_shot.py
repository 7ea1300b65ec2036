from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.evaluation import evaluate_tasks, zero_shot
from hyperrl.tasks import Family
from tests.evaluation.conftest import balance, drive, rest


def test_the_optimal_controller_reaches_the_oracle(ode: Family) -> None:
    contexts = [{"c0": float(c0)} for c0 in range(-10, 11)]
    for result in evaluate_tasks(drive, ode, contexts, episodes=2):
        assert result.oracle is not None
        assert result.mean == pytest.approx(
            result.oracle, abs=0.51
        )  # a step on a threshold may fall either side
        assert result.lengths == [200, 200]


def test_at_rest_the_return_is_known(ode: Family) -> None:
    """From x = 1 without an action: 0.05 for each of 200 steps, on every task."""
    for result in evaluate_tasks(rest, ode, ode.tasks("train"), episodes=3):
        assert result.returns == pytest.approx([10.0, 10.0, 10.0], rel=1e-12)


def test_results_say_which_task_they_are_of(ode: Family) -> None:
    results = evaluate_tasks(rest, ode, [{"c0": 2}, {}, {"c0": -7.5}], episodes=1)
    assert [result.context for result in results] == [{"c0": 2.0}, {"c0": 1.0}, {"c0": -7.5}]
    assert [result.split for result in results] == ["interpolation", "train", "extrapolation"]
    named = evaluate_tasks(rest, ode, [{"c0": 2}], episodes=1, splits=["validation"])
    assert named[0].split == "validation"


def test_order_and_company_of_the_tasks_change_nothing(cartpole: Family) -> None:
    contexts = [*cartpole.tasks("interpolation")[:6], *cartpole.tasks("extrapolation")[:6]]
    together = evaluate_tasks(balance, cartpole, contexts, episodes=3, seed=4)
    backwards = evaluate_tasks(balance, cartpole, contexts[::-1], episodes=3, seed=4)[::-1]
    alone = [evaluate_tasks(balance, cartpole, [context], episodes=3, seed=4)[0] for context in contexts]
    assert together == backwards == alone
    assert len({result.mean for result in together}) > 6  # the tasks do differ


def test_more_episodes_begin_with_the_same_ones(cartpole: Family) -> None:
    contexts = cartpole.tasks("interpolation")[:3]
    few, many = (evaluate_tasks(balance, cartpole, contexts, episodes=n) for n in (2, 5))
    assert [r.returns for r in few] == [r.returns[:2] for r in many]


def test_chunks_change_nothing(cartpole: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    contexts = cartpole.tasks("interpolation")[:5]
    whole = evaluate_tasks(balance, cartpole, contexts, episodes=3)
    monkeypatch.setattr(zero_shot, "MAX_ENVS", 4)
    widest = 0

    def watched(observation: dict[str, NDArray[Any]]) -> NDArray[Any]:
        nonlocal widest
        widest = max(widest, len(observation["obs"]))
        return balance(observation)

    assert evaluate_tasks(watched, cartpole, contexts, episodes=3) == whole
    assert widest == 4


def test_only_the_first_episode_counts(cartpole: Family) -> None:
    """CartPole pays 1 a step, so the return is the length of one episode, however long the others last."""
    results = evaluate_tasks(balance, cartpole, cartpole.tasks("extrapolation"), episodes=2)
    lengths = [length for result in results for length in result.lengths]
    assert len(set(lengths)) > 3
    assert [value for result in results for value in result.returns] == [float(length) for length in lengths]
    assert max(lengths) <= 500


def test_a_batch_equals_single_environments(cartpole: Family) -> None:
    contexts = cartpole.tasks("interpolation")[:3]
    results = evaluate_tasks(balance, cartpole, contexts, episodes=2, seed=9)
    for context, result in zip(contexts, results, strict=True):
        for start, expected in zip(zero_shot.start_seeds(2, 9), result.returns, strict=True):
            env = cartpole.make()
            observation, _ = env.reset(seed=start, options={"context": context})
            total, over = 0.0, False
            while not over:
                batch = {name: np.asarray(part)[None] for name, part in observation.items()}
                observation, reward, terminated, truncated, _ = env.step(balance(batch)[0])
                total, over = total + float(reward), terminated or truncated
            assert total == expected


def test_every_task_starts_alike_and_seeds_differ(cartpole: Family) -> None:
    starts: list[NDArray[Any]] = []

    def seen(observation: dict[str, NDArray[Any]]) -> NDArray[Any]:
        starts.append(observation["obs"].copy())
        return balance(observation)

    def first(seed: int) -> NDArray[Any]:
        starts.clear()
        evaluate_tasks(seen, cartpole, cartpole.tasks("interpolation")[:2], episodes=2, seed=seed)
        return starts[0]

    of_zero = first(0)  # task 0: episodes 0, 1; task 1: episodes 0, 1
    np.testing.assert_array_equal(of_zero[:2], of_zero[2:])
    assert not np.array_equal(of_zero[0], of_zero[1])
    np.testing.assert_array_equal(of_zero, first(0))
    assert not np.array_equal(of_zero, first(1))
    assert not set(zero_shot.start_seeds(50, 0)) & set(zero_shot.start_seeds(50, 1))


def test_no_task_gives_no_result(ode: Family) -> None:
    assert evaluate_tasks(rest, ode, [], episodes=1) == []


def test_mistakes_take_one_line(ode: Family) -> None:
    def message(**given: Any) -> str:
        arguments: dict[str, Any] = {"contexts": [{"c0": 2.0}], "episodes": 1, **given}
        with pytest.raises(UserError) as error:
            evaluate_tasks(rest, ode, **arguments)
        assert "\n" not in str(error.value)
        return str(error.value)

    assert "episodes" in message(episodes=0)
    assert "seed" in message(seed=-1)
    assert "'c1'" in message(contexts=[{"c1": 2.0}])
    assert "c0" in message(contexts=[{"c0": float("nan")}])


def test_an_endless_environment_is_told(cartpole: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zero_shot, "MAX_EPISODE_STEPS", 3)
    with pytest.raises(UserError, match=r"CartPole-v1.* within 3 steps; set kwargs.max_episode_steps"):
        evaluate_tasks(balance, cartpole, [{}], episodes=1)


def test_a_return_that_is_not_finite_is_told() -> None:
    pendulum = Family.load("pendulum")

    def torque(observation: dict[str, NDArray[Any]]) -> NDArray[Any]:
        return np.full((len(observation["obs"]), 1), np.nan, dtype=np.float32)

    with pytest.raises(UserError, match=r"pendulum.*the return at .* is not finite"):
        evaluate_tasks(torque, pendulum, [{}], episodes=1)
