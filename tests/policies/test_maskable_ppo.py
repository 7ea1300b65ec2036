"""Maskable PPO: sb3-contrib's numbers, with plain networks and generated ones, and no masked action."""

import copy
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

from hyperrl.tasks import TaskSampler
from hyperrl.training import BatchedVecEnv
from tests.masked import ACTIONS, SIZES, Masked, masked_family, random_valid
from tests.policies.worlds import OBSERVATIONS, disturb

sb3_contrib = pytest.importorskip("sb3_contrib", reason="needs the extra: pip install 'hyperrl[contrib]'")

from sb3_contrib.common.maskable.buffers import MaskableDictRolloutBuffer  # noqa: E402
from sb3_contrib.common.maskable.distributions import MaskableCategoricalDistribution  # noqa: E402
from sb3_contrib.common.maskable.evaluation import evaluate_policy  # noqa: E402

from hyperrl.policies.maskable_ppo import (  # noqa: E402
    FastMaskableCategorical,
    HyperMaskablePolicy,
    MaskableTaskRolloutBuffer,
)
from hyperrl.policies.task_rows import TaskRows  # noqa: E402

ROLLED: dict[str, Any] = {"n_steps": 16, "batch_size": 16, "n_epochs": 2, "ent_coef": 0.01}
COUNTED_FROM_0 = ["discrete", "multi-discrete", "multi-binary"]


def made(policy: Any, env: Any, **options: Any) -> Any:
    kwargs = {"net_arch": [12, 12], **options.pop("policy_kwargs", {})}
    return sb3_contrib.MaskablePPO(
        policy, env, seed=0, device="cpu", policy_kwargs=kwargs, **{**ROLLED, **options}
    )


def without_context(actions: str) -> VecEnv:
    return DummyVecEnv([lambda: Masked(actions, steps=5) for _ in range(2)])


def with_context(actions: str, n_envs: int = 2) -> BatchedVecEnv:
    family = masked_family(actions, "info", steps=5)
    return BatchedVecEnv(family.make_vec(n_envs, sampler=TaskSampler(family.tasks("train"), seed=0)))


@pytest.mark.parametrize("actions", COUNTED_FROM_0)
def test_without_a_context_training_is_bit_for_bit_that_of_sb3_contrib(actions: str) -> None:
    before = made("MlpPolicy", without_context(actions)).policy.state_dict()
    models = [
        made(policy, without_context(actions)).learn(64) for policy in (HyperMaskablePolicy, "MlpPolicy")
    ]
    one, other = (model.policy.state_dict() for model in models)
    assert list(one) == list(other)
    assert all(torch.equal(one[name], other[name]) for name in other)
    assert not any(torch.equal(one[name], before[name]) for name in one)
    played = []
    for model in models:
        env = without_context(actions)
        env.seed(3)
        played.append(evaluate_policy(model, env, 6, warn=False))
    assert played[0] == played[1]


@pytest.mark.parametrize("strategy", ["low-rank", "full", "modulation"])
@pytest.mark.parametrize("actions", ACTIONS)
def test_generated_networks_learn_and_take_no_masked_action(actions: str, strategy: str) -> None:
    """The environment raises where one is taken."""
    hyper = {"strategy": strategy, "hidden": (8,)}
    model = made(HyperMaskablePolicy, with_context(actions), policy_kwargs={"hypernetwork": hyper})
    before = copy.deepcopy(model.policy.state_dict())
    model.learn(96)
    after = model.policy.state_dict()
    assert any(not torch.equal(before[name], after[name]) for name in after)
    assert all(bool(tensor.isfinite().all()) for tensor in after.values())


@pytest.mark.parametrize("policy", [HyperMaskablePolicy, "MultiInputPolicy"])
@pytest.mark.parametrize("actions", COUNTED_FROM_0)
def test_the_buffer_that_knows_tasks_changes_nothing(actions: str, policy: Any) -> None:
    """Up to rounding, as many tasks at once are one product."""
    models = [
        made(policy, with_context(actions, 4), rollout_buffer_class=buffer).learn(64)
        for buffer in (MaskableTaskRolloutBuffer, MaskableDictRolloutBuffer)
    ]
    one, other = (model.policy.state_dict() for model in models)
    for name, tensor in other.items():
        torch.testing.assert_close(one[name], tensor, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("actions", COUNTED_FROM_0)
def test_probabilities_and_gradients_are_those_of_sb3_contribs_distribution(actions: str) -> None:
    """With minibatches that know their tasks and without, masked and not."""
    model = made(HyperMaskablePolicy, with_context(actions), rollout_buffer_class=MaskableTaskRolloutBuffer)
    policy, rng = model.policy, np.random.default_rng(0)
    disturb(policy, 0.3)
    model.learn(32)
    ((batch, *_),) = [list(model.rollout_buffer.get())]
    assert isinstance(batch.observations, TaskRows)
    taken = batch.actions.long().flatten() if actions == "discrete" else batch.actions
    sizes = SIZES[actions]
    for masks in (batch.action_masks, None):
        found = [
            policy.evaluate_actions(observations, taken, action_masks=masks)
            for observations in (batch.observations, dict(batch.observations))
        ]
        logits, values = policy.mlp_extractor(policy.extract_features(dict(batch.observations)))
        expected = MaskableCategoricalDistribution(sum(sizes))
        if len(sizes) > 1:
            expected = type(policy.action_dist)(list(sizes) if actions == "multi-discrete" else len(sizes))
        expected.proba_distribution(logits)
        expected.apply_masking(masks)
        wanted = values, expected.log_prob(taken), expected.entropy()
        weights = [torch.as_tensor(rng.standard_normal(each.shape), dtype=torch.float32) for each in wanted]
        gradients = []
        for outputs in (*found, wanted):
            for one, other in zip(outputs, wanted, strict=True):
                torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
            loss = sum((one * weight).sum() for one, weight in zip(outputs, weights, strict=True))
            parameters = list(policy.parameters())
            gradients.append(torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True))
        for each in zip(*gradients, strict=True):
            if each[-1] is not None:
                torch.testing.assert_close(each[0], each[-1], rtol=1e-4, atol=1e-5)
                torch.testing.assert_close(each[1], each[-1], rtol=1e-4, atol=1e-5)


def test_a_masked_action_is_impossible_whatever_the_logits() -> None:
    logits = torch.tensor([[0.0, 50.0, -1e30], [3e38, -1e30, 1.0], [0.0, 0.0, 0.0]], requires_grad=True)
    masks = np.array([[1, 0, 1], [0, 1, 0], [1, 1, 0]], np.int8)
    lean = FastMaskableCategorical(3).proba_distribution(logits).apply_masking(masks)
    assert lean.distribution.probs[torch.as_tensor(masks) == 0].tolist() == [0.0] * 4
    assert lean.mode().tolist() == [0, 1, 0]
    torch.manual_seed(0)
    drawn = torch.stack([lean.sample() for _ in range(200)])
    assert torch.as_tensor(masks, dtype=torch.bool)[torch.arange(3), drawn].all()
    entropy = lean.entropy()
    torch.testing.assert_close(entropy, torch.tensor([0.0, 0.0, np.log(2.0)]).float())
    loss = lean.log_prob(torch.tensor([0, 1, 1])).sum() + entropy.sum()
    (gradient,) = torch.autograd.grad(loss, logits)
    assert gradient.isfinite().all()
    assert (gradient[torch.as_tensor(masks) == 0] == 0).all()
    assert copy.deepcopy(lean).action_dim == 3
    plain = FastMaskableCategorical(3).proba_distribution(logits)
    assert torch.equal(plain.apply_masking(None).log_probs, torch.log_softmax(logits, dim=1))


@pytest.mark.parametrize("batch_size", [5, 24, None])
@pytest.mark.parametrize("actions", COUNTED_FROM_0)
def test_minibatches_are_sb3_contribs(actions: str, batch_size: int | None) -> None:
    space, rng = OBSERVATIONS["context"], np.random.default_rng(0)
    assert isinstance(space, gym.spaces.Dict)
    buffers = [
        kind(6, space, ACTIONS[actions], "cpu", n_envs=4)
        for kind in (MaskableTaskRolloutBuffer, MaskableDictRolloutBuffer)
    ]
    for _ in range(6):
        masks = rng.random((4, sum(SIZES[actions]))) < 0.5
        masks[:, np.cumsum((0, *SIZES[actions][:-1]))] = True
        seen = {name: rng.random((4, *part.shape)).astype(np.float32) for name, part in space.items()}  # type: ignore[misc]
        taken = random_valid(masks, actions, rng).reshape(4, -1)
        numbers = [rng.random(4).astype(np.float32) for _ in range(4)]
        for buffer in buffers:
            tensors = map(torch.from_numpy, numbers[2:])
            buffer.add(seen, taken, *numbers[:2], *tensors, action_masks=masks)
    for buffer in buffers:
        buffer.compute_returns_and_advantage(torch.ones(4), np.zeros(4, bool))
    for _ in range(2):
        found: list[list[Any]] = []
        for buffer in buffers:
            np.random.seed(1)
            found.append(list(buffer.get(batch_size)))
        for one, other in zip(*found, strict=True):
            assert type(one) is type(other)
            assert isinstance(one.observations, TaskRows)
            assert all(torch.equal(one.observations[name], other.observations[name]) for name in space)
            for mine, theirs in zip(one[1:], other[1:], strict=True):
                assert torch.equal(mine, theirs.float())  # as Stable-Baselines3 has actions too


@pytest.mark.parametrize("actions", COUNTED_FROM_0)
def test_it_survives_saving_and_acts_by_masks(actions: str, tmp_path: Path) -> None:
    env = with_context(actions, 4)
    model = made(HyperMaskablePolicy, env).learn(64)
    model.save(tmp_path / "model.zip")
    loaded = sb3_contrib.MaskablePPO.load(tmp_path / "model.zip", device="cpu")
    model.policy.save(tmp_path / "policy.pt")
    alone = HyperMaskablePolicy.load(str(tmp_path / "policy.pt"), device="cpu")
    seen: Any = env.reset()
    for _ in range(6):
        masks = np.stack(env.env_method("action_masks"))
        taken = [
            each.predict(seen, deterministic=True, action_masks=masks)[0] for each in (model, loaded, alone)
        ]
        for other in taken[1:]:
            np.testing.assert_array_equal(taken[0], other)
        seen = env.step(taken[0])[0]
