"""The view of an algorithm is found by its name, a model or a policy, ours or Stable-Baselines3's own."""

from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3 import A2C, DDPG, DQN, PPO, SAC, TD3
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import BasePolicy

from hyperrl.errors import UserError
from hyperrl.policies import registry
from hyperrl.policies.dqn import DQNView
from hyperrl.policies.ppo import A2CView, PPOView
from hyperrl.policies.sac import SACView
from hyperrl.policies.td3 import TD3View
from hyperrl.policies.view import View
from hyperrl.recipes import EXTRAS, is_missing
from tests.policies.worlds import samples, tensors, venv

VIEWS: list[tuple[type[BaseAlgorithm], type[View], type[View]]] = [
    (PPO, PPOView, PPOView),
    (A2C, A2CView, PPOView),  # whose policies are the same
    (SAC, SACView, SACView),
    (TD3, TD3View, TD3View),
    (DDPG, TD3View, TD3View),
    (DQN, DQNView, DQNView),
]


class OwnPPO(PPO):
    """A class of a user's own."""


def plain(algorithm: Any, observation: str = "context") -> Any:
    options = {"n_steps": 32} if issubclass(algorithm, (PPO, A2C)) else {"buffer_size": 10}
    env = venv(observation, "discrete" if algorithm is DQN else "box")
    policy = "MultiInputPolicy" if observation == "context" else "MlpPolicy"
    return algorithm(policy, env, device="cpu", policy_kwargs={"net_arch": [8]}, **options)


@pytest.mark.parametrize(("algorithm", "of_model", "of_policy"), [*VIEWS, (OwnPPO, PPOView, PPOView)])
@pytest.mark.parametrize("observation", ["box", "context"])
def test_sb3s_own_models_have_a_view(
    algorithm: Any, of_model: type[View], of_policy: type[View], observation: str
) -> None:
    model = plain(algorithm, observation)
    view = registry.view(model)
    assert (type(view), type(registry.view(model.policy))) == (of_model, of_policy)
    assert view.hyper is None
    assert view.parts == {}
    modules = [module for parts in view.modules().values() for each in parts for module in each.modules()]
    assert all(any(module is each for each in model.policy.modules()) for module in modules)
    for network, target in view.targets.values():
        assert network.state_dict().keys() == target.state_dict().keys()
    stepped = [
        id(p) for each in view.optimizers.values() for group in each.param_groups for p in group["params"]
    ]
    assert len(stepped) == len(set(stepped))


@pytest.mark.parametrize("algorithm", [PPO, SAC, TD3, DQN])
def test_what_an_action_is_made_from(algorithm: Any) -> None:
    """Whatever acts, Stable-Baselines3's `predict` makes its actions of these numbers."""
    model = plain(algorithm)
    seen = samples(model.observation_space, 6, 0)
    with torch.no_grad():
        outputs = registry.view(model.policy).act_outputs(tensors(model.policy, seen)).numpy()
    actions, _ = model.predict(seen, deterministic=True)
    if algorithm is DQN:
        np.testing.assert_array_equal(outputs.argmax(axis=1), actions)
    elif algorithm is PPO:
        np.testing.assert_allclose(np.clip(outputs, -1, 1), actions, rtol=1e-6)
    else:
        np.testing.assert_allclose(model.policy.unscale_action(outputs), actions, rtol=1e-5, atol=1e-6)


class Unknown(BasePolicy):
    """A policy of no algorithm here."""

    def _predict(self, observation: Any, deterministic: bool = False) -> torch.Tensor:
        return torch.zeros(1)


def test_of_an_unknown_policy_little_is_known() -> None:
    env = venv("box", "box")
    view = registry.view(Unknown(env.observation_space, env.action_space))
    assert type(view) is View
    assert (view.off_policy, view.recurrent, view.parts, view.targets) == (False, False, {}, {})
    with pytest.raises(TypeError, match=r"Unknown: networks of no algorithm in hyperrl\.policies\.registry"):
        view.modules()


def test_a_missing_extra_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXTRAS, "contrib", "no_such_package")
    registry.algorithm.cache_clear()
    assert is_missing("contrib")
    with pytest.raises(UserError, match="algorithm 'tqc' needs an extra: pip install 'hyperrl\\[contrib\\]'"):
        registry.algorithm("tqc")
