"""Where there is one task, a policy is Stable-Baselines3's own: the same networks, trained alike."""

import io
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import A2C, DQN, PPO, SAC, TD3
from stable_baselines3.common.envs import IdentityEnvMultiBinary, IdentityEnvMultiDiscrete
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.utils import ConstantSchedule, LinearSchedule
from torch import nn

import hyperrl.policies as ours
from hyperrl import recipes
from hyperrl.policies import GeneratedNetworks
from hyperrl.policies.effort import Effort
from tests.policies.worlds import OBSERVATIONS, hyper_policy, samples, tensors, vector, venv

ROLLED: dict[str, Any] = {"n_steps": 16, "batch_size": 16}
REPLAYED: dict[str, Any] = {"learning_starts": 10, "buffer_size": 200, "batch_size": 8}
ALGORITHMS: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "PPO": (PPO, "HyperActorCriticPolicy", {**ROLLED, "n_epochs": 2}),
    "A2C": (A2C, "HyperActorCriticPolicy", {}),
    "DQN": (DQN, "HyperDQNPolicy", REPLAYED),
    "SAC": (SAC, "HyperSACPolicy", REPLAYED),
    "TD3": (TD3, "HyperTD3Policy", REPLAYED),
    "TQC": (None, "HyperTQCPolicy", REPLAYED),
    "QRDQN": (None, "HyperQRDQNPolicy", REPLAYED),
    "TRPO": (None, "HyperTRPOPolicy", ROLLED),
    "RecurrentPPO": (None, "HyperRecurrentPolicy", {**ROLLED, "n_epochs": 2}),
}


def made(name: str, hyper: bool, observation: Any = "box", seed: int = 0, **options: Any) -> Any:
    """A model of ours, or the one with Stable-Baselines3's policy that it stands in for."""
    algorithm, policy, arguments = ALGORITHMS[name]
    algorithm = algorithm or getattr(pytest.importorskip("sb3_contrib"), name)
    env = venv(observation, "discrete" if "DQN" in name else "box")
    mapping = isinstance(env.observation_space, spaces.Dict)
    theirs = ("MultiInput" if mapping else "Mlp") + ("LstmPolicy" if "Recurrent" in name else "Policy")
    return algorithm(
        hyper_policy(policy) if hyper else theirs, env, seed=seed, device="cpu",
        policy_kwargs={"net_arch": [12, 12], **options.pop("policy_kwargs", {})}, **arguments, **options,
    )  # fmt: skip


def same_weights(one: Any, other: Any, rounding: float = 0.0) -> None:
    found, expected = (each.policy.state_dict() for each in (one, other))
    assert list(found) == list(expected)
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=rounding, atol=rounding)


@pytest.mark.parametrize("observation", ["box", "dictionary"])
@pytest.mark.parametrize("name", ALGORITHMS)
def test_without_a_context_training_is_bit_for_bit_that_of_sb3s_policy(name: str, observation: str) -> None:
    """To rounding where an LSTM goes through a whole sequence at once."""
    start = [made(name, hyper, observation) for hyper in (True, False)]
    same_weights(*start)
    one, other = (made(name, hyper, observation).learn(64) for hyper in (True, False))
    same_weights(one, other, rounding=1e-5 if name == "RecurrentPPO" else 0.0)
    before, after = (model.policy.state_dict() for model in (start[0], one))
    assert any(not torch.equal(before[key], after[key]) for key in after)
    assert not any(isinstance(module, GeneratedNetworks) for module in one.policy.modules())


@pytest.mark.parametrize("name", ALGORITHMS)
def test_under_a_recipes_schedules_training_is_that_under_sb3s(name: str) -> None:
    """The last rollout of PPO goes beyond the planned steps, where the progress that remains is below 0."""
    theirs: dict[str, Any] = {"learning_rate": LinearSchedule(1e-2, 1e-3, 0.8)}
    fields: dict[str, Any] = {
        "learning_rate": {"schedule": "linear", "start": 1e-2, "end": 1e-3, "end_fraction": 0.8}
    }
    if name in ("PPO", "RecurrentPPO"):
        theirs |= {"clip_range": LinearSchedule(0.3, 0, 1), "clip_range_vf": ConstantSchedule(0.1)}
        fields |= {"clip_range": "lin_0.3", "clip_range_vf": {"schedule": "constant", "value": 0.1}}
    recipe = next(each for each in recipes.ALGORITHMS if each().name.replace("_", "") == name.lower())
    ours: dict[str, Any] = recipe.parse(fields, "").schedules
    rounding = 1e-5 if name == "RecurrentPPO" else 0.0
    scheduled = made(name, True, **ours).learn(120)
    same_weights(scheduled, made(name, False, **theirs).learn(120), rounding)
    with pytest.raises(AssertionError):
        same_weights(scheduled, made(name, True, learning_rate=1e-2).learn(120), rounding)


@pytest.mark.parametrize("name", ["PPO", "SAC"])
def test_state_dependent_exploration_and_every_default_are_sb3s(name: str) -> None:
    given: dict[str, Any] = {"use_sde": True, "policy_kwargs": {"net_arch": None}}
    same_weights(*(made(name, hyper, **given, seed=3).learn(32) for hyper in (True, False)))


@pytest.mark.parametrize(
    ("environment", "size"), [(IdentityEnvMultiDiscrete, 4), (IdentityEnvMultiBinary, 2)]
)
def test_sb3s_own_learning_test_is_passed(environment: Any, size: int) -> None:
    env = environment(size)
    options: dict[str, Any] = {"gamma": 0.4, "seed": 1, "learning_rate": 0.002, "device": "cpu"}
    model = A2C(ours.HyperActorCriticPolicy, env, **options).learn(1200)
    returns, _ = evaluate_policy(model, env, n_eval_episodes=4, warn=False)
    assert isinstance(returns, float)
    assert returns > 90


class Constant(gym.Env[Any, Any]):
    """A reward of 1 for ever, episodes cut off at ten steps: with a discount of 0.5 every value is 2."""

    observation_space = vector(1)
    action_space = vector(1)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, Any]:
        super().reset(seed=seed)
        self.steps = 0
        return np.zeros(1, np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.steps += 1
        return np.zeros(1, np.float32), 1.0, False, self.steps == 10, {}


def test_the_value_of_a_constant_reward_is_found() -> None:
    options: dict[str, Any] = {"gamma": 0.5, "seed": 0, "device": "cpu", "learning_rate": 3e-3}
    model = PPO(ours.HyperActorCriticPolicy, Constant(), n_steps=64, n_epochs=20, **options).learn(512)
    with torch.no_grad():
        assert model.policy.predict_values(torch.zeros(1, 1)).item() == pytest.approx(2, abs=0.05)


class WithLayers(BaseFeaturesExtractor):
    """A user's own extractor."""

    def __init__(self, space: spaces.Space[Any], size: int = 4) -> None:
        super().__init__(space, size)
        width = spaces.flatdim(space)
        self.batch_norm = nn.BatchNorm1d(width)
        self.linear = nn.Linear(width, size)

    def forward(self, observations: Any) -> Any:
        if isinstance(observations, dict):
            observations = torch.cat(list(observations.values()), dim=1)
        return self.linear(self.batch_norm(observations))


@pytest.mark.parametrize("name", ["PPO", "SAC", "DQN"])
def test_a_users_extractor_is_itself_without_a_context_and_reached_with_one(name: str) -> None:
    options = {"features_extractor_class": WithLayers, "features_extractor_kwargs": {"size": 5}}

    def extractor(observation: Any) -> Any:
        policy = made(name, True, observation, policy_kwargs=options).policy
        owner = {"PPO": policy, "SAC": getattr(policy, "actor", None), "DQN": getattr(policy, "q_net", None)}
        return owner[name].features_extractor

    alone, beside = extractor("box"), extractor("context")
    assert type(alone) is WithLayers
    for found in (alone, beside):
        assert isinstance(found.batch_norm, nn.BatchNorm1d)
        assert found.linear.out_features == 5
    assert beside.batch_norm is beside.inner.batch_norm
    with pytest.raises(AttributeError, match="has no attribute 'batch_form'"):
        _ = beside.batch_form


@pytest.mark.parametrize(
    "context", [spaces.Discrete(1), spaces.MultiDiscrete([1, 1]), spaces.Box(2.0, 2.0, (0,))]
)
def test_contexts_of_one_value_of_other_kinds(context: spaces.Space[Any]) -> None:
    options = {"features_extractor_class": WithLayers}
    policy = made("PPO", True, spaces.Dict(obs=vector(4), context=context), policy_kwargs=options).policy
    assert policy.one_task
    assert isinstance(policy.features_extractor.batch_norm, nn.BatchNorm1d)
    assert policy.features_dim == 4
    missing = {"hypernetwork": {"context_dropout": 0.1}}
    alone = spaces.Dict(obs=vector(4), context=spaces.Box(2.0, 2.0, (1,)))
    assert not made("PPO", True, alone, policy_kwargs=missing).policy.one_task  # it may be there or not
    for more in (spaces.Discrete(2), spaces.MultiDiscrete([1, 2]), spaces.Box(2.0, 2.1, (1,))):
        assert not made("PPO", True, spaces.Dict(obs=vector(4), context=more)).policy.one_task


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_context_of_one_value_tells_no_tasks_apart(name: str) -> None:
    space = spaces.Dict(obs=vector(4), context=spaces.Box(2.0, 2.0, (3,)))
    model = made(name, True, space)
    assert model.policy.one_task
    first = next(tensor for key, tensor in model.policy.state_dict().items() if key.endswith("0.weight"))
    assert first.shape == (12, 4) or "Recurrent" in name
    model.learn(32)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_options_of_hidden_layers_and_of_effort_are_kept(name: str) -> None:
    options = {"layer_norm": True, "residual": True, "effort_coef": 0.0 if name == "TRPO" else 0.1}
    model = made(name, True, policy_kwargs=options)
    norms = [module for module in model.policy.modules() if isinstance(module, nn.LayerNorm)]
    blocks = [module for module in model.policy.modules() if type(module).__name__ == "Residual"]
    networks = {"SAC": 5, "TQC": 5, "TD3": 6}.get(name, 2)
    assert len(norms) == 2 * networks
    assert len(blocks) == networks
    priced = any(isinstance(module, Effort) for module in model.policy.modules())
    assert priced == (name not in ("TRPO", "DQN", "QRDQN"))
    before = {key: tensor.clone() for key, tensor in model.policy.named_parameters()}
    model.learn(32)
    still = [key for key, tensor in model.policy.named_parameters() if torch.equal(before[key], tensor)]
    assert not [key for key in still if "target" not in key]


@pytest.mark.parametrize("alone", [True, False])
def test_generated_convolutions_become_plain_ones(alone: bool) -> None:
    image = spaces.Box(0, 255, (36, 36, 1), np.uint8)
    picture = image if alone else spaces.Dict(picture=image)
    model = PPO(
        ours.HyperActorCriticPolicy, venv(picture, "box"), device="cpu", n_steps=8, batch_size=8,
        policy_kwargs={"convolutions": [(4, 8, 4), (6, 3, 2)], "net_arch": [5], "activation_fn": nn.ReLU},
    ).learn(16)  # fmt: skip
    layers = [module for module in model.policy.features_extractor.modules() if isinstance(module, nn.Conv2d)]
    assert [layer.out_channels for layer in layers] == [4, 6]
    file = io.BytesIO()
    model.save(file)
    same_weights(PPO.load(file, device="cpu"), model)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_it_is_saved_and_loaded_and_gives_its_plain_networks(name: str, tmp_path: Path) -> None:
    model = made(name, True).learn(32)
    model.save(tmp_path / "model.zip")
    same_weights(type(model).load(tmp_path / "model.zip", device="cpu"), model)
    model.policy.save(str(tmp_path / "policy.pt"))
    alone = type(model.policy).load(str(tmp_path / "policy.pt"), device="cpu")
    assert list(alone.state_dict()) == list(model.policy.state_dict())
    if name == "RecurrentPPO":
        return
    batch = samples(OBSERVATIONS["box"], 5)
    learned = [each for each in model.policy.parameters() if each.requires_grad]
    plain = model.policy.specialize(torch.empty(0))
    assert all(each.requires_grad for each in learned)  # the model goes on learning, the copy does not
    assert not {id(each) for each in plain.parameters()} & {id(each) for each in learned}
    given = plain(tensors(model.policy, batch)).detach()
    acted = model.predict(batch, deterministic=True)[0]
    if name in ("DQN", "QRDQN"):
        np.testing.assert_array_equal(given.view(5, -1, 3).mean(dim=1).argmax(dim=1), acted)
    else:
        squashed = given[:, :2].tanh() if hasattr(model.policy, "actor") else given.clip(-1, 1)
        np.testing.assert_allclose(squashed, acted, atol=1e-6)
    weights = model.policy.generated_weights(torch.empty(2, 0))
    first = next(iter(weights))
    assert weights[first].shape == (2, 12, 4)
    assert {key.split(".")[0] for key in weights} == {
        "DQN": {"critic"}, "QRDQN": {"critic"},
        **{key: {"actor", "critic0", "critic1"} for key in ("SAC", "TD3", "TQC")},
    }.get(name, {"actor", "critic"})  # fmt: skip


def test_a_hypernetwork_is_made_without_a_context_where_an_input_is_named() -> None:
    for inputs in (["state"], ["noise"]):
        assert not made("PPO", True, policy_kwargs={"hypernetwork": {"inputs": inputs}}).policy.one_task
    model = made("RecurrentPPO", True, policy_kwargs={"hypernetwork": {"inputs": ["memory"]}})
    assert any(isinstance(module, GeneratedNetworks) for module in model.policy.modules())


@pytest.mark.parametrize("name", ["PPO", "SAC", "TD3", "TQC", "RecurrentPPO"])
def test_effort_pulls_the_actions_of_plain_networks_to_the_middle(name: str) -> None:
    """A loss of nothing has the gradient of their mean square, and none where effort has no price."""
    free, priced = (made(name, True, policy_kwargs={"effort_coef": coef}) for coef in (0.0, 0.3))
    free.policy.load_state_dict(
        dict(zip(free.policy.state_dict(), priced.policy.state_dict().values(), strict=True))
    )
    seen = tensors(priced.policy, samples(OBSERVATIONS["box"], 6))

    def means(model: Any) -> torch.Tensor:
        policy = model.policy
        if hasattr(policy, "actor"):
            network = policy.actor.latent_pi(seen) if hasattr(policy.actor, "latent_pi") else seen
            return policy.actor.mu(network)  # type: ignore[no-any-return]
        features = policy.features_extractor(seen)
        if name == "RecurrentPPO":
            features = torch.ones(6, policy.lstm_output_dim)
        return policy.action_net(policy.mlp_extractor.forward_actor(features))  # type: ignore[no-any-return]

    for model, coef in ((free, 0.0), (priced, 0.3)):
        model.policy.zero_grad()
        outputs = means(model)
        torch.autograd.backward(0.0 * outputs.sum())
        bare = outputs.detach().atanh() if name == "TD3" else outputs.detach()
        own = list(
            model.policy.actor.mu.parameters()
            if hasattr(model.policy, "actor")
            else model.policy.action_net.parameters()
        )
        bias = own[-1].grad
        assert bias is not None
        torch.testing.assert_close(bias, 2 * coef * bare.mean(dim=0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["PPO", "SAC", "TD3"])
def test_the_plain_network_of_a_policy_is_a_copy_that_does_not_learn(name: str) -> None:
    policy = made(name, True, policy_kwargs={"effort_coef": 0.1}).policy
    plain = policy.specialize(torch.empty(0))
    assert not any(isinstance(module, Effort) for module in plain.modules())
    assert not any(parameter.requires_grad for parameter in plain.parameters())
    assert all(parameter.requires_grad for parameter in policy.parameters() if parameter.is_leaf)
    seen = torch.randn(3, 4)
    before = plain(seen)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.zero_()
    assert torch.equal(plain(seen), before)
    assert bool(before.any())
