"""The view of an algorithm is found by its name, a model or a policy, ours or Stable-Baselines3's own."""

from typing import Any

import pytest
from stable_baselines3 import A2C, DDPG, DQN, PPO, SAC, TD3
from stable_baselines3.common.base_class import BaseAlgorithm

from hyperrl.errors import UserError
from hyperrl.policies import registry
from hyperrl.policies.dqn import DQNView
from hyperrl.policies.ppo import A2CView, PPOView
from hyperrl.policies.sac import SACView
from hyperrl.policies.td3 import TD3View
from hyperrl.policies.view import View
from hyperrl.recipes import EXTRAS, is_missing
from tests.policies.worlds import plain

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


def test_a_missing_extra_is_reported_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXTRAS, "contrib", "no_such_package")
    registry.algorithm.cache_clear()
    assert is_missing("contrib")
    with pytest.raises(UserError, match="algorithm 'tqc' needs an extra: pip install 'hyperrl\\[contrib\\]'"):
        registry.algorithm("tqc")
