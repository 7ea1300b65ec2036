"""Features that weigh terms of the reward."""

from collections.abc import Iterator, Mapping
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from hyperrl.errors import BaseEnvironmentError, UserError
from hyperrl.evaluation.zero_shot import evaluate_tasks
from hyperrl.recipes import parse_family
from hyperrl.tasks import ContextualEnv, Family, contextualize
from hyperrl.tasks.carriers import term_returns
from hyperrl.tasks.vector import BatchedEnv, ContextualSyncEnv, ThreadedEnv
from tests.suite import playable
from tests.tasks.bases import Base

EFFORT = {"about": "a", "default": 1, "train": [0, 100], "weighs": "reward_effort"}


def family_of(base: str = "Pendulum-v1", **features: Mapping[str, Any]) -> Family:
    return Family(parse_family({"name": "mine", "about": "a", "base": base, "features": features}, "test"))


def played(env: ContextualEnv, context: Mapping[str, float], steps: int = 200) -> Iterator[dict[str, Any]]:
    """What an environment pays and tells at each step of random actions."""
    env.reset(seed=3, options={"context": context})
    env.action_space.seed(3)
    for _ in range(steps):
        _, reward, _, _, info = env.step(env.action_space.sample())
        yield {"reward": reward, **info}


@pytest.mark.parametrize("weight", [0.0, 1.0, 40.0])
def test_the_reward_is_the_weighed_sum_and_infos_keep_the_terms(weight: float) -> None:
    env, plain = family_of(effort=EFFORT).make_default(), gym.make("Pendulum-v1")
    plain.reset(seed=3)
    total = error = 0.0
    for told in played(env, {"effort": weight}):
        torque = env.base.last_u  # type: ignore[attr-defined]
        _, reward, *_ = plain.step(np.array([torque]))
        effort = float(0.001 * torque**2)
        total, error = total - effort, error + float(reward) + effort
        assert told["reward"] == pytest.approx(float(reward) - (weight - 1) * effort, rel=1e-9)
        assert told["reward_effort"] == -effort
        assert told["return.reward_effort"] == pytest.approx(total, rel=1e-6)
        assert told["return.rest"] == pytest.approx(error, rel=1e-6)


@pytest.mark.parametrize("scaled", [False, True])
def test_a_batch_pays_and_tells_as_single_environments(scaled: bool) -> None:
    features: Any = {"effort": EFFORT, "error": {**EFFORT, "train": [0, 2], "weighs": "reward_error"}}
    if scaled:
        features["motor"] = {"about": "a", "default": 1, "train": [0.5, 2], "scales": "action"}
    family = family_of(**features)
    contexts = [{"effort": 3.0, "error": 0.0}, {"effort": 70.0}, {"effort": 0.0, "error": 1.5}]
    if scaled:
        contexts[1]["motor"] = 0.5
    batch = family.make_vec(3, contexts=contexts)
    assert isinstance(batch, BatchedEnv)
    sync = ContextualSyncEnv([family.make_default] * 3)
    for each in (batch, sync):
        each.reset(seed=5)
    for env, context in zip(sync.envs, contexts, strict=True):
        env.reset(seed=0, options={"context": context})
    singles: Any = sync.envs
    for row, (env, context) in enumerate(zip(singles, contexts, strict=True)):
        env.reset(seed=5 + row, options={"context": context})
    rng = np.random.default_rng(0)
    ended: Any = []
    for _ in range(200):
        actions = rng.uniform(-2, 2, (3, 1)).astype(np.float32)
        _, rewards, _, _, ended = batch.advance(actions)
        own = [env.step(action) for env, action in zip(singles, actions, strict=True)]
        np.testing.assert_allclose(rewards, [step[1] for step in own], rtol=1e-9, atol=1e-12)
    assert len(ended) == 3
    for (row, _, info), step in zip(ended, own, strict=True):
        totals = {key: value for key, value in info.items() if key.startswith("return.")}
        assert set(totals) == {"return.reward_effort", "return.reward_error", "return.rest"}
        for key, value in totals.items():
            assert value == pytest.approx(step[4][key], rel=1e-6, abs=1e-9), (row, key)


def test_a_batch_goes_on_from_a_state_with_the_same_sums() -> None:
    family = family_of(effort=EFFORT)
    first, second = (family.make_vec(2, contexts=[{"effort": 2.0}] * 2) for _ in range(2))
    assert isinstance(first, BatchedEnv)
    assert isinstance(second, BatchedEnv)
    actions = np.full((2, 1), 1.5, np.float32)
    first.reset(seed=0)
    for _ in range(50):
        first.advance(actions)
    second.reset(seed=9)
    second.set_state(first.get_state())
    ends: list[Any] = []
    for env in (first, second):
        for _ in range(150):
            *_, ended = env.advance(actions)
        ends.append([info["return.reward_effort"] for _, _, info in ended])
    assert ends[0] == ends[1] == pytest.approx([-200 * 0.001 * 1.5**2] * 2, rel=1e-6)


def test_a_share_weighs_two_terms() -> None:
    share = {**EFFORT, "default": 0.5, "train": [0, 1], "against": "reward_error"}
    env = family_of(share=share).make_default()
    for told in played(env, {"share": 0.75}, 20):
        wanted = 0.75 * told["reward_effort"] + 0.25 * told["reward_error"]
        assert told["reward"] == pytest.approx(wanted, rel=1e-9)
        assert told["return.rest"] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("name", playable(["half-cheetah-dynamics"]))
def test_terms_of_a_simulator_in_threads_and_one_by_one(name: str) -> None:
    recipe = Family.load(name).recipe
    cost = {"about": "a", "default": 1, "train": [0, 5], "weighs": "reward_ctrl"}
    data = {"name": "mine", "about": "a", "base": recipe.base, "features": {"cost": cost}}
    family = Family(parse_family({**data, "kwargs": {"max_episode_steps": 5}}, "test"))
    contexts = [{"cost": 0.0}, {"cost": 4.0}]
    threaded, serial = (family.make_vec(2, contexts=contexts, threads=threads) for threads in (1, 0))
    assert isinstance(threaded, ThreadedEnv)
    for env in (threaded, serial):
        env.reset(seed=[0, 1])
    actions = np.full((2, 6), 0.5, np.float32)
    for step in range(1, 11):
        (_, rewards, *_, ended), (_, own, *_, own_ended) = threaded.advance(actions), serial.advance(actions)
        np.testing.assert_allclose(rewards, own, rtol=1e-12)
        assert len(ended) == (2 if step % 5 == 0 else 0)
        for (_, _, info), (_, _, other) in zip(ended, own_ended, strict=True):
            assert info["return.reward_ctrl"] == pytest.approx(-5 * 0.1 * 6 * 0.25, rel=1e-6)
            for key in ("return.reward_ctrl", "return.rest"):
                assert info[key] == pytest.approx(other[key], rel=1e-9)
    for env in (threaded, serial):
        env.close()


def test_an_evaluation_has_the_return_of_each_term() -> None:
    family = family_of(effort=EFFORT)

    def policy(observation: Mapping[str, Any]) -> Any:
        return np.full((len(observation["obs"]), 1), 2.0, np.float32)

    (result,) = evaluate_tasks(policy, family, [{"effort": 10.0}], episodes=2)
    terms = result.term_returns
    assert terms["reward_effort"] == pytest.approx([-0.8, -0.8], rel=1e-6)
    np.testing.assert_allclose(np.add(terms["rest"], np.multiply(10, terms["reward_effort"])), result.returns)
    assert result.to_json()["term_returns"] == terms
    (plain,) = evaluate_tasks(policy, Family.load("pendulum"), [{}], episodes=1)
    assert "term_returns" not in plain.to_json()


def test_returns_of_terms_are_read_where_features_weigh_them() -> None:
    info = {"return.pace": 2, "return.rest": 1.5, "return.of a base": "text"}
    assert term_returns(info, ["pace"]) == {"pace": 2.0, "rest": 1.5}
    assert term_returns(info, []) == term_returns({"return.rest": 1.5}, ["pace"]) == {}


def test_a_term_that_infos_lack_is_refused_with_those_there_are() -> None:
    speed = {"about": "a", "default": 1, "train": [0, 2], "weighs": "reward_speed"}
    env = family_of(speed=speed).make_default()
    env.reset(seed=0)
    with pytest.raises(
        UserError, match=r"features.speed.weighs: found 'reward_speed', .*allowed: one of reward"
    ):
        env.step(env.action_space.sample())
    env = contextualize(Base, {"speed": speed}).make()
    env.reset()
    with pytest.raises(UserError, match="allowed: environments whose infos tell terms"):
        env.step(np.zeros(1, np.float32))


def test_a_term_that_is_no_number_is_the_bases_failure() -> None:
    speed = {"about": "a", "default": 1, "train": [0, 2], "weighs": "pace"}
    env = contextualize(lambda: Base(info={"pace": np.ones(2)}), {"speed": speed}).make()
    env.reset()
    with pytest.raises(BaseEnvironmentError, match="TypeError"):
        env.step(np.zeros(1, np.float32))


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (
            {"a": EFFORT, "b": EFFORT},
            r"features.b.weighs: found 'reward_effort'|carried by feature 'a'|features.a.weighs: found",
        ),
        (
            {
                "a": {**EFFORT, "train": [0, 1], "against": "reward_error"},
                "b": {**EFFORT, "weighs": "reward_error"},
            },
            "features.a.against: found .* allowed: not what feature 'b' weighs too",
        ),
        (
            {"a": {**EFFORT, "against": "reward_error"}},
            r"features.a.train: found \[0.0, 100.0\]; allowed: within \[0, 1\]",
        ),
        (
            {"a": {**EFFORT, "against": "reward_effort"}},
            'features.a.against: found "reward_effort"; allowed: another',
        ),
        ({"a": {**EFFORT, "weighs": "reward"}}, 'features.a.weighs: found "reward"; allowed: a term\'s name'),
        ({"a": {**EFFORT, "scales": "action"}}, "allowed: one of them"),
    ],
)
def test_what_a_file_may_not_say(features: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        family_of(**features)


def test_no_oracle_is_known_where_terms_are_weighed() -> None:
    with pytest.raises(UserError, match=r"oracle: found \"ode\"; allowed: none where a feature weighs terms"):
        parse_family(
            {**Family.load("ode").recipe.model_dump(), "features": {"a": EFFORT}, "splits": {}}, "test"
        )
