import math
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from numpy.typing import NDArray

from hyperrl.errors import BaseEnvironmentError, UserError
from hyperrl.evaluation import ModelPolicy, Policy, TaskResult, evaluate_tasks, progress, zero_shot
from hyperrl.evaluation.zero_shot import start_seeds
from hyperrl.tasks import Family, contextualize
from tests import masked
from tests.evaluation.conftest import balance, drive, left, rest
from tests.suite import needs


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


@pytest.mark.parametrize(
    ("oracle", "part"), [(None, None), (0.0, None), (-5.0, None), (5.0, -2.0), (20.0, -0.5)]
)
def test_the_part_of_the_best_return_is_known_where_that_is_above_zero(
    oracle: float | None, part: float | None
) -> None:
    assert TaskResult({"c0": 1.0}, "train", [-15.0, -5.0], [1, 1], oracle).of_oracle == part


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
        starts = zero_shot.start_seeds(context, 2, 9)
        for start, expected in zip(starts, result.returns, strict=True):
            env = cartpole.make()
            observation, _ = env.reset(seed=start, options={"context": context})
            total, over = 0.0, False
            while not over:
                batch = {name: np.asarray(part)[None] for name, part in observation.items()}
                observation, reward, terminated, truncated, _ = env.step(balance(batch)[0])
                total, over = total + float(reward), terminated or truncated
            assert total == expected


def test_every_task_and_episode_has_a_start_of_its_own_that_all_agents_share(cartpole: Family) -> None:
    starts: list[NDArray[Any]] = []

    def watched(act: Policy) -> Policy:
        def seen(observation: dict[str, NDArray[Any]]) -> NDArray[Any]:
            starts.append(observation["obs"].copy())
            return act(observation)

        return seen

    def first(seed: int, act: Policy = balance) -> NDArray[Any]:
        starts.clear()
        evaluate_tasks(watched(act), cartpole, cartpole.tasks("interpolation")[:2], episodes=2, seed=seed)
        return starts[0]

    of_zero = first(0)  # task 0: episodes 0, 1; task 1: episodes 0, 1
    assert len(np.unique(of_zero, axis=0)) == 4
    np.testing.assert_array_equal(of_zero, first(0, act=left))
    assert len(np.unique(np.concatenate([of_zero, first(1)]), axis=0)) == 8


def test_starts_follow_from_a_tasks_values_seed_and_episode_alone(cartpole: Family) -> None:
    space = cartpole.space

    def starts(context: dict[str, float], seed: int = 0, episodes: int = 50) -> list[int]:
        return zero_shot.start_seeds(space.complete(context), episodes, seed)

    assert starts({"length": 0.7}) == starts(dict(reversed(list(space.complete({"length": 0.7}).items()))))
    assert starts({"length": 0.7}) == starts({"length": 0.7 + 1e-12})  # the same to 9 digits
    assert starts({"length": 0.7}, episodes=3) == starts({"length": 0.7})[:3]
    tasks = [{"length": 0.7}, {"length": 0.8}, {"gravity": 0.7}, {}]
    seeds = [start for task in tasks for seed in (0, 1, 2**32 - 1) for start in starts(task, seed)]
    seeds += starts({"length": 0.7}, zero_shot.CHOICE_SEED)
    assert len(set(seeds)) == len(seeds)
    assert starts({"length": 0.7}, episodes=2) == [548611445, 883824567]  # the same in every version


def test_tasks_may_have_episodes_and_seeds_of_their_own(cartpole: Family) -> None:
    tasks = cartpole.tasks("interpolation")[:2]
    one, other = evaluate_tasks(balance, cartpole, tasks, episodes=[3, 1], seed=[0, 5])
    assert one == evaluate_tasks(balance, cartpole, tasks[:1], episodes=3)[0]
    assert other == evaluate_tasks(balance, cartpole, tasks[1:], episodes=1, seed=5)[0]


def test_no_task_gives_no_result(ode: Family) -> None:
    assert evaluate_tasks(rest, ode, [], episodes=1) == []


def test_mistakes_take_one_line(ode: Family) -> None:
    def message(**changed: Any) -> str:
        arguments: dict[str, Any] = {"contexts": [{"c0": 2.0}], "episodes": 1, **changed}
        with pytest.raises(UserError) as error:
            evaluate_tasks(rest, ode, **arguments)
        assert "\n" not in str(error.value)
        return str(error.value)

    assert "'c1'" in message(contexts=[{"c1": 2.0}])
    assert "c0" in message(contexts=[{"c0": float("nan")}])


def test_an_endless_environment_is_reported(cartpole: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zero_shot, "MAX_EPISODE_STEPS", 3)
    with pytest.raises(UserError, match=r"CartPole-v1.* within 3 steps; set kwargs.max_episode_steps"):
        evaluate_tasks(balance, cartpole, [{}], episodes=1)


def test_an_action_that_is_not_finite_is_reported() -> None:
    pendulum = Family.load("pendulum")

    def torque(observation: dict[str, NDArray[Any]]) -> NDArray[Any]:
        return np.full((len(observation["obs"]), 1), np.nan, dtype=np.float32)

    with pytest.raises(
        UserError, match=r"'pendulum': the action is not finite after 0 steps of task m=1,l=1,g=10$"
    ):
        evaluate_tasks(torque, pendulum, [{}], episodes=1)


def test_an_observation_that_is_not_finite_is_reported_by_its_task(cartpole: Family) -> None:
    """A pole without length divides by zero, which NumPy must not warn of."""
    contexts = [{}, {"length": 0.0}]
    with pytest.raises(
        UserError, match=r"'cartpole': the observation is not finite after 1 steps of task .*,length=0,"
    ):
        evaluate_tasks(balance, cartpole, contexts, episodes=2)


class Flash(gym.Env[NDArray[np.float32], Any]):
    """Pays `power` to the ninth at each of three steps; sees what is no number from `dark` steps on."""

    observation_space = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def __init__(self) -> None:
        self.power, self.dark, self.taken = 1.0, 100.0, 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        self.episode_steps = 0
        return self.seen(), {}

    def seen(self) -> NDArray[np.float32]:
        return np.full(1, np.nan if self.taken >= self.dark else 0.5, np.float32)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.taken, self.episode_steps = self.taken + 1, self.episode_steps + 1
        reward = math.prod([self.power] * 9)
        return self.seen(), reward, self.episode_steps >= (1 if self.dark == 1 else 3), False, {}


@pytest.fixture
def flash() -> Family:
    ranges = {"power": {"train": [0.0, 2.0]}, "dark": {"train": [0.0, 200.0]}}
    return contextualize(Flash, ranges, name="flash")


def first(observation: dict[str, NDArray[Any]]) -> NDArray[np.int64]:
    assert all(np.isfinite(part).all() for part in observation.values())
    return np.zeros(len(observation["obs"]), np.int64)


def test_a_return_that_is_not_finite_is_reported(flash: Family) -> None:
    with pytest.raises(
        UserError, match=r"'flash': the return is not finite after 1 steps of task power=1e\+38"
    ):
        evaluate_tasks(first, flash, [{"power": 1.0}, {"power": 1e38}], episodes=1)
    with pytest.raises(UserError, match=r"'flash': the return is not finite after 3 steps"):
        evaluate_tasks(first, flash, [{"power": 10**34.21}], episodes=1)


def test_what_follows_an_episode_does_not_matter(flash: Family) -> None:
    """The first environment's one step is over when it sees what is no number; the other goes on."""
    results = evaluate_tasks(first, flash, [{"dark": 1.0}, {}], episodes=1)
    assert [result.returns for result in results] == [[1.0], [3.0]]
    with pytest.raises(
        UserError, match=r"the observation is not finite after 2 steps of task power=1,dark=2"
    ):
        evaluate_tasks(first, flash, [{}, {"dark": 2.0}], episodes=1)


def test_progress_rises_to_all_of_the_work(
    ode: Family, flash: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "INTERVAL", -1.0)
    monkeypatch.setattr(zero_shot, "MAX_ENVS", 4)
    calls: list[tuple[int, int]] = []
    evaluate_tasks(rest, ode, [{}, {"c0": 2}, {"c0": 3}], episodes=2, progress=lambda *far: calls.append(far))
    assert {total for _, total in calls} == {6 * 200}
    assert [done for done, _ in calls[:3]] == [4, 8, 12]
    assert calls[200] == (4 * 200 + 2, 6 * 200)
    assert calls == sorted(calls)
    assert calls[-1] == (6 * 200, 6 * 200)
    calls.clear()
    evaluate_tasks(first, flash, [{}, {}], episodes=1, progress=lambda *far: calls.append(far))
    assert calls == [(0, 2), (0, 2), (2, 2)]


@needs("contrib")
@pytest.mark.parametrize("by", ["method", "info"])
@pytest.mark.parametrize("actions", masked.ACTIONS)
def test_no_masked_action_is_taken(actions: str, by: str) -> None:
    """The environment raises where one is; the returns are those of contrib's own predictions with masks."""
    family = masked.masked_family(actions, by, steps=6)
    model, tasks = masked.masked_model(family), [{"pay": 0.5}, {"pay": 2.0}]
    played = evaluate_tasks(ModelPolicy(model), family, tasks, episodes=3, seed=1)
    for context, result in zip(tasks, played, strict=True):
        env, returns = family.make_default(), []
        for start in start_seeds(family.space.complete(context), 3, 1):
            observation, _ = env.reset(seed=start, options={"context": context})
            total, over = 0.0, False
            while not over:
                action = model.predict(observation, deterministic=True, action_masks=env.action_masks())[0]
                observation, reward, over, truncated, _ = env.step(action)
                total, over = total + reward, over or truncated
            returns.append(total)
        assert result.returns == returns
    drawn = ModelPolicy(model, deterministic=False)
    assert len(evaluate_tasks(drawn, family, tasks, episodes=20)) == 2
    drawn.masked = False
    with pytest.raises(BaseEnvironmentError, match="is taken, of"):
        evaluate_tasks(drawn, family, tasks, episodes=20)


@needs("contrib")
def test_a_policy_that_needs_masks_is_refused_where_there_are_none() -> None:
    family = masked.masked_family(by="neither")
    with pytest.raises(UserError, match=r"^family 'masked': found no action masks; the policy needs a base"):
        evaluate_tasks(ModelPolicy(masked.masked_model(family)), family, [{}], episodes=1)


def test_masks_are_not_for_those_that_take_none() -> None:
    family = Family.load("wall-gap")
    (result,) = evaluate_tasks(
        lambda observation: np.full(len(observation["obs"]), 2), family, [{"near": 4}], episodes=4
    )
    assert set(result.returns) <= {-50.0, -6.0}
