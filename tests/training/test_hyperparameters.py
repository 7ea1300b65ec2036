"""Each task is learned with hyperparameters of its own, which its context has."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import DictRolloutBuffer

from hyperrl.errors import UserError
from hyperrl.policies.n_step import NStepReturns
from hyperrl.policies.replay import ContextReplayBuffer
from hyperrl.policies.rollouts import TaskRolloutBuffer
from hyperrl.recipes import FamilyRecipe, Feature, load_agent, resolve
from hyperrl.tasks import Family
from hyperrl.tasks.contexts import ContextSpace, ValueReader
from hyperrl.training import train
from hyperrl.training.hyperparameters import hyperparameters_of
from tests.suite import learnable
from tests.training.conftest import COMMON, SMALL, short_episodes

GAMMA = {"about": "a", "default": 0.5, "train": [0.25, 0.75], "hyperparameter": "gamma"}
COEFFICIENT = {"about": "a", "default": 0.25, "train": [0, 0.5], "hyperparameter": "ent_coef"}


def with_features(name: str, **features: Any) -> Family:
    """A family with short episodes whose tasks have these features too, at their defaults."""
    recipe: FamilyRecipe = short_episodes(Family.load(name), 10).recipe
    more = {key: Feature.parse(each, key) for key, each in features.items()}
    return Family(recipe.model_copy(update={"features": {**recipe.features, **more}}))


def weights(agent: str, family: Family, out: Path, *overrides: str) -> dict[str, torch.Tensor]:
    recipe = load_agent(agent)
    fields = (*SMALL[recipe.algorithm.name], *COMMON, *overrides)
    run = train(resolve(recipe, family.recipe, fields), family, out=out, seed=1, steps=600)
    tensors, _ = run.load_checkpoint("latest")
    return {name: tensor for name, tensor in tensors.items() if name.startswith("policy")}


@pytest.mark.usefixtures("nothing_but_training")
@pytest.mark.parametrize(
    ("agent", "family"),
    [learnable(*pair) for pair in (("hyper-ppo", "ode"), ("hyper-dqn", "cartpole"), ("concat-sac", "ode"),
                                   ("hyper-a2c", "cartpole"), ("hyper-td3", "ode"))],
)  # fmt: skip
def test_one_value_for_all_tasks_is_the_algorithms_own(
    agent: str, family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Episodes are cut off by their time limit, whose values are discounted too."""
    same = with_features(family, gamma={**GAMMA, "values": [0.5]})
    own = weights(agent, same, tmp_path / "own", "algorithm.gamma=0.9")
    monkeypatch.setattr("hyperrl.training.session.hyperparameters_of", lambda *_: {})
    plain = weights(agent, same, tmp_path / "plain", "algorithm.gamma=0.5")
    other = weights(agent, same, tmp_path / "other", "algorithm.gamma=0.9")
    assert own.keys() == plain.keys()
    for name, tensor in own.items():
        torch.testing.assert_close(tensor, plain[name], rtol=1e-4, atol=1e-5)
    assert any(not torch.allclose(tensor, other[name], atol=1e-4) for name, tensor in own.items())


@pytest.mark.usefixtures("nothing_but_training")
@pytest.mark.parametrize("agent", [learnable("hyper-sac"), learnable("hyper-tqc")])
def test_one_entropy_coefficient_for_all_tasks_is_the_algorithms_own(
    agent: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    same = with_features("ode", coefficient=COEFFICIENT)
    own = weights(agent, same, tmp_path / "own", "algorithm.ent_coef=2")
    monkeypatch.setattr("hyperrl.training.session.hyperparameters_of", lambda *_: {})
    plain = weights(agent, same, tmp_path / "plain", "algorithm.ent_coef=0.5")
    other = weights(agent, same, tmp_path / "other", "algorithm.ent_coef=2")
    for name, tensor in own.items():
        torch.testing.assert_close(tensor, plain[name], rtol=1e-4, atol=1e-5)
    assert any(not torch.allclose(tensor, other[name], atol=1e-4) for name, tensor in own.items())


SPACE = spaces.Dict(obs=spaces.Box(-1, 1, (2,)), context=spaces.Box(-1, 1, (2,)))
READER = ContextSpace(
    {"c": Feature.parse({"about": "a", "default": 0, "train": [0, 1], "attribute": "c"}, "c"),
     "gamma": Feature.parse(GAMMA, "gamma")}
).reader("gamma")  # fmt: skip


def rollout(kind: type[DictRolloutBuffer], gamma: float, **options: Any) -> Any:
    buffer = kind(12, SPACE, spaces.Discrete(2), "cpu", 0.9, gamma, 3)
    for name, value in options.items():
        setattr(buffer, name, value)
    random = np.random.default_rng(0)
    for _ in range(12):
        contexts = np.stack([np.zeros(3), [-1.0, 0.0, 1.0]], axis=1).astype(np.float32)
        seen: dict[str, Any] = {"obs": random.standard_normal((3, 2)), "context": contexts}
        reward, values = random.standard_normal((2, 3)).astype(np.float32)
        starts = random.random(3) < 0.2
        tensors = torch.from_numpy(values), torch.zeros(3)
        buffer.add(seen, np.zeros((3, 1)), reward, starts, *tensors)
    buffer.compute_returns_and_advantage(torch.ones(3, 1), np.array([True, False, False]))
    return buffer


def test_advantages_of_each_environment_are_those_of_its_tasks_discount() -> None:
    mixed = rollout(TaskRolloutBuffer, 0.123, discount=READER)
    for env, gamma in enumerate([0.25, 0.5, 0.75]):
        alone = rollout(DictRolloutBuffer, gamma)
        np.testing.assert_allclose(mixed.advantages[:, env], alone.advantages[:, env], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(mixed.returns[:, env], alone.returns[:, env], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("n_steps", [1, 3])
def test_replayed_rows_are_discounted_by_their_tasks_own(n_steps: int) -> None:
    options: dict[str, Any] = {"n_envs": 3, "n_steps": n_steps, "gamma": 0.1}
    buffer = ContextReplayBuffer(60, SPACE, spaces.Discrete(2), "cpu", **options)
    buffer.discount_by(READER)
    random = np.random.default_rng(1)
    for _ in range(20):
        contexts = np.stack([np.zeros(3), random.choice([-1.0, 0.0, 1.0], 3)], axis=1).astype(np.float32)
        seen: dict[str, Any] = {"obs": random.standard_normal((3, 2)), "context": contexts}
        done = random.random(3) < 0.2
        infos = [{"TimeLimit.truncated": bool(ended and random.random() < 0.5)} for ended in done]
        buffer.add(seen, seen, np.zeros((3, 1)), random.standard_normal(3), done, infos)
    rows = np.arange(60)
    found = buffer._returns(buffer, rows, None)
    own = READER(buffer.contexts_of(rows))
    assert set(own.tolist()) == {0.25, 0.5, 0.75}
    for gamma in (0.25, 0.5, 0.75):
        mine = np.flatnonzero(own == gamma)
        expected = NStepReturns(n_steps, gamma)(buffer, rows[mine], None)
        np.testing.assert_array_equal(found.last[mine], expected.last)
        torch.testing.assert_close(found.rewards[mine], expected.rewards)
        torch.testing.assert_close(found.dones[mine], expected.dones)
        assert found.discounts is not None
        assert expected.discounts is not None
        torch.testing.assert_close(found.discounts[mine], expected.discounts)


@pytest.mark.parametrize(
    "feature",
    [GAMMA, {**GAMMA, "values": [0.3, 0.5, 0.7], "encoding": "categorical"}],
    ids=["linear", "categorical"],
)
def test_values_are_read_back_from_descriptors(feature: dict[str, Any]) -> None:
    turn = {"about": "a", "default": 0, "train": [0, 6], "encoding": "circle"}
    space = ContextSpace({"turn": Feature.parse(turn, "turn"), "gamma": Feature.parse(feature, "gamma")})
    read = space.reader("gamma")
    assert isinstance(read, ValueReader)
    descriptors = space.descriptors([{"turn": 1.0, "gamma": value} for value in (0.3, 0.5, 0.7)])
    np.testing.assert_allclose(read(descriptors), [0.3, 0.5, 0.7], atol=1e-6)
    torch.testing.assert_close(read(torch.from_numpy(descriptors)), torch.tensor([0.3, 0.5, 0.7]))
    with pytest.raises(ValueError, match="circle"):
        space.reader("turn")


@pytest.mark.parametrize(
    ("agent", "feature", "overrides", "message"),
    [
        ("hyper-ppo", COEFFICIENT, (), r"found 'ent_coef'; allowed with the algorithm 'ppo': gamma"),
        (
            "hyper-recurrent-ppo",
            GAMMA,
            (),
            r"found 'gamma'; allowed with the algorithm 'recurrent_ppo': none",
        ),
        ("hyper-sac", COEFFICIENT, (), r"algorithm.ent_coef: found 'auto'; .*multiplies it: a number"),
        ("hyper-sac-inferred", GAMMA, (), "allowed with policy.inference: none"),
        ("hyper-ppo", GAMMA, ("policy.hypernetwork.context_dropout=0.1",), "context_dropout: none"),
        ("hyper-ppo", GAMMA, ("context_noise=0.1",), "context_noise: found some on own"),
    ],
)
def test_what_cannot_be_learned_so_is_refused(
    agent: str, feature: dict[str, Any], overrides: tuple[str, ...], message: str
) -> None:
    family = with_features("ode", own=feature)
    recipe = resolve(load_agent(agent), family.recipe, overrides)
    with pytest.raises(UserError, match=message):
        hyperparameters_of(recipe, family)


def test_without_such_features_there_are_none() -> None:
    assert hyperparameters_of(load_agent("hyper-ppo"), Family.load("ode")) == {}
