"""PPO and A2C with SB3's options, as they are meant there; they learn, act, are saved on every space."""

import io
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import (
    BaseFeaturesExtractor,
    CombinedExtractor,
    FlattenExtractor,
    NatureCNN,
)
from torch import Tensor, nn

from hyperrl.policies import HyperActorCriticPolicy
from hyperrl.policies.optimizer import IMPLEMENTATION
from tests.policies.worlds import (
    ACTIONS,
    OBSERVATIONS,
    STRATEGIES,
    image,
    model,
    policy,
    policy_of,
    same_predictions,
    samples,
    tensors,
    vector,
    venv,
)

CONTEXT = OBSERVATIONS["context"]


def shapes(made: HyperActorCriticPolicy, network: str) -> list[tuple[int, ...]]:
    weights = made.generated_weights(torch.zeros(1, made.generated.descriptor_dim))
    return [
        tuple(tensor.shape[1:])
        for name, tensor in weights.items()
        if name.startswith(network) and name.endswith("weight")
    ]


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize(
    ("net_arch", "actor", "critic"),
    [
        (None, [(64, 4), (64, 64), (2, 64)], [(64, 4), (64, 64), (1, 64)]),
        ([7, 5], [(7, 4), (5, 7), (2, 5)], [(7, 4), (5, 7), (1, 5)]),
        ((7, 5), [(7, 4), (5, 7), (2, 5)], [(7, 4), (5, 7), (1, 5)]),
        ({"pi": [3], "vf": [9, 8, 7]}, [(3, 4), (2, 3)], [(9, 4), (8, 9), (7, 8), (1, 7)]),
        ({"pi": [], "vf": [6]}, [(2, 4)], [(6, 4), (1, 6)]),
        ({"vf": [6]}, [(2, 4)], [(6, 4), (1, 6)]),
        ([], [(2, 4)], [(1, 4)]),
    ],
)
def test_net_arch(net_arch: Any, actor: list[Any], critic: list[Any], strategy: str) -> None:
    built = model(venv("context"), strategy=strategy, net_arch=net_arch)
    assert shapes(policy_of(built), "actor") == actor
    assert shapes(policy_of(built), "critic") == critic
    built.learn(16)


@pytest.mark.parametrize("net_arch", [[], [5], {"pi": [3], "vf": []}])
def test_net_arch_with_state_dependent_exploration(net_arch: Any) -> None:
    built = model(venv("context"), use_sde=True, net_arch=net_arch)
    plain = ActorCriticPolicy(CONTEXT["obs"], built.action_space, lambda _: 0.1, net_arch, use_sde=True)  # type: ignore[index]
    assert policy_of(built).log_std.shape == plain.log_std.shape
    built.learn(16)


@pytest.mark.parametrize("activation", [nn.ReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Identity])
def test_activation_fn(activation: type[nn.Module]) -> None:
    made = policy(activation_fn=activation)
    x, descriptor = torch.randn(3, 4), torch.tensor([0.3, -0.7])
    weights = {name: one[0] for name, one in made.generated_weights(descriptor[None]).items()}
    h = x
    for layer in range(3):
        h = h @ weights[f"actor.{layer}.weight"].t() + weights[f"actor.{layer}.bias"]
        h = activation()(h) if layer < 2 else h
    observations = {"obs": x, "context": descriptor.expand(3, 2)}
    torch.testing.assert_close(made.get_distribution(observations).mode(), h)


@pytest.mark.parametrize("use_sde", [False, True])
def test_log_std_init_is_one_parameter_as_in_sb3(use_sde: bool) -> None:
    built = policy_of(model(venv("context"), use_sde=use_sde, log_std_init=-1.5))
    assert torch.equal(built.log_std, torch.full_like(built.log_std, -1.5))
    assert isinstance(built.log_std, nn.Parameter)
    assert not any("log_std" in name for name in built.generated_weights(torch.zeros(1, 2)))
    assert any(one is built.log_std for one in built.optimizer.param_groups[0]["params"])


def test_optimizer_class_and_kwargs() -> None:
    built = policy_of(
        model(venv("context"), optimizer_class=torch.optim.SGD, optimizer_kwargs={"momentum": 0.5})
    )
    assert type(built.optimizer) is torch.optim.SGD
    assert built.optimizer.defaults["momentum"] == 0.5
    held = {id(one) for group in built.optimizer.param_groups for one in group["params"]}
    assert held == {id(one) for one in built.parameters()}


def test_defaults_of_the_optimizers_are_those_of_sb3() -> None:
    for algorithm in (PPO, A2C):
        ours = policy_of(model(venv("context"), algorithm)).optimizer
        theirs = model(venv("context"), algorithm, "MultiInputPolicy").policy.optimizer
        assert type(ours) is type(theirs)
        implementation = {k: v for k, v in theirs.defaults.items() if k in IMPLEMENTATION}
        assert {**ours.defaults, **implementation} == theirs.defaults


@pytest.mark.parametrize("normalize_images", [True, False])
def test_normalize_images(normalize_images: bool) -> None:
    pictures = spaces.Dict(picture=image(channel_last=False), context=vector(2))
    made = policy(
        pictures,
        normalize_images=normalize_images,
        features_extractor_class=CombinedExtractor,
        features_extractor_kwargs={"cnn_output_dim": 8},
    )
    seen: list[Tensor] = []
    cnn = next(one for one in made.modules() if isinstance(one, NatureCNN))
    cnn.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    made.predict(samples(pictures, 3))
    assert (seen[0].max() <= 1) == normalize_images


def test_images_may_come_normalized() -> None:
    floats = spaces.Dict(picture=spaces.Box(0, 1, (3, 36, 36), np.float32), context=vector(2))
    built = model(venv(floats), normalize_images=False, features_extractor_kwargs={"cnn_output_dim": 8})
    assert any(isinstance(one, NatureCNN) for one in built.policy.modules())
    built.learn(16)


class Doubled(FlattenExtractor):
    """Twice the observation, and a layer of its own; must not be handed the context."""

    def __init__(self, space: spaces.Box, size: int = 5, normalized_image: bool = False) -> None:
        super().__init__(space)
        self._features_dim, self.given = size, normalized_image
        self.linear = nn.Linear(int(np.prod(space.shape)), size)

    def forward(self, observations: Tensor) -> Tensor:
        doubled: Tensor = self.linear(2 * observations.flatten(1))
        return doubled


class FromDict(BaseFeaturesExtractor):
    """Custom extractor of a dictionary."""

    def __init__(self, space: spaces.Dict) -> None:
        assert set(space.spaces) == {"obs"}
        super().__init__(space, 3)
        self.linear = nn.Linear(4, 3)

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        assert set(observations) == {"obs"}
        features: Tensor = self.linear(observations["obs"])
        return features


@pytest.mark.parametrize("shared", [True, False])
def test_custom_features_extractor(shared: bool) -> None:
    built = model(venv("context"), features_extractor_class=FromDict, share_features_extractor=shared)
    assert policy_of(built).features_dim == 5
    assert sum(isinstance(one, FromDict) for one in built.policy.modules()) == (1 if shared else 2)
    assert shapes(policy_of(built), "actor")[0] == (12, 3)
    before = built.policy.parameters_to_vector()
    built.learn(32)
    assert not np.array_equal(before, built.policy.parameters_to_vector())


def test_arguments_of_a_custom_features_extractor() -> None:
    arguments = {"size": 6, "normalized_image": True}
    made = policy("box", features_extractor_class=Doubled, features_extractor_kwargs=arguments)
    inner = next(one for one in made.modules() if isinstance(one, Doubled))
    assert (made.features_dim, inner.given) == (6, True)
    assert arguments == {"size": 6, "normalized_image": True}


def test_sb3s_cnn_has_no_hidden_layers_by_default_as_in_sb3() -> None:
    options: dict[str, Any] = {"features_extractor_class": NatureCNN, "net_arch": None}
    made = policy(image(channel_last=False), features_extractor_kwargs={"features_dim": 8}, **options)
    assert made.generated_weights(torch.empty(1, 0))["actor.0.weight"].shape == (1, 2, 8)
    assert type(made.features_extractor) is NatureCNN
    given = policy(image(channel_last=False), **{**options, "net_arch": [6]})
    assert given.generated_weights(torch.empty(1, 0))["actor.0.weight"].shape == (1, 6, 512)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_separate_features_extractors(strategy: str) -> None:
    made = policy(
        "context", strategy=strategy, features_extractor_class=FromDict, share_features_extractor=False
    )
    batch = tensors(made, samples(CONTEXT, 5))
    for training in (True, False):
        made.set_training_mode(training)
        with torch.no_grad():
            _, values, _ = made(batch)
            torch.testing.assert_close(values, made.predict_values(batch))
            mean = made.get_distribution(batch).mode()
            for parameter in made.vf_features_extractor.parameters():
                parameter.zero_()
            torch.testing.assert_close(made.get_distribution(batch).mode(), mean)


def test_the_same_seed_gives_the_same_policy() -> None:
    def built() -> HyperActorCriticPolicy:
        return policy_of(
            model(venv("context"), features_extractor_class=FromDict, share_features_extractor=False)
        )

    first, *others = (built().state_dict() for _ in range(8))
    for other in others:
        assert all(torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("shared", [True, False])
def test_ortho_init_reaches_the_features_extractors(shared: bool) -> None:
    made = policy_of(
        model(venv("context"), features_extractor_class=FromDict, share_features_extractor=shared)
    )
    for extractor in (made.pi_features_extractor, made.vf_features_extractor):
        linear = next(one for one in extractor.modules() if isinstance(one, nn.Linear))
        torch.testing.assert_close(linear.weight @ linear.weight.t(), 2 * torch.eye(3))
        assert not linear.bias.any()


@pytest.mark.parametrize("positional", [True, False])
def test_schedules_and_learning_rate(positional: bool) -> None:
    made = (
        HyperActorCriticPolicy(CONTEXT, vector(2), lambda left: 0.25 * left)
        if positional
        else HyperActorCriticPolicy(
            observation_space=CONTEXT, action_space=vector(2), lr_schedule=lambda left: 0.25 * left
        )
    )
    assert made.optimizer.param_groups[0]["lr"] == 0.25


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(ValueError, match=r"found 'net_arc'; did you mean 'net_arch'\?"):
        policy("context", net_arc=[3])
    with pytest.raises(ValueError, match="strategy"):
        HyperActorCriticPolicy(CONTEXT, vector(2), lambda _: 1.0, hypernetwork={"strategy": "half"})


PAIRS = [(PPO, "low-rank"), (A2C, "full")]


def use(built: OnPolicyAlgorithm) -> None:
    """Everything that a person does with a model, in order."""
    env = built.get_env()
    assert env is not None
    policy, space = policy_of(built), env.observation_space
    before = policy.parameters_to_vector()
    built.learn(32)
    assert np.isfinite(policy.parameters_to_vector()).all()
    assert not np.array_equal(before, policy.parameters_to_vector())
    acts(built, space)
    mean, _ = evaluate_policy(built, env, n_eval_episodes=2, warn=False)
    assert np.isfinite(mean)
    file = io.BytesIO()
    built.save(file)
    loaded = type(built).load(file, env, device="cpu")
    assert same_predictions(built, loaded, samples(space, 6))
    loaded.learn(16)
    assert not same_predictions(built, loaded, samples(space, 6))


def acts(built: OnPolicyAlgorithm, space: Any) -> None:
    batch = samples(space, 6)
    for deterministic in (True, False):
        actions, _ = built.predict(batch, deterministic=deterministic)
        assert actions.shape == (6, *built.action_space.shape)  # type: ignore[misc]
        assert all(built.action_space.contains(action) for action in actions)
    single = space.sample()
    action, _ = built.predict(single, deterministic=True)
    assert built.action_space.contains(action if action.ndim else action.item())
    policy, observations = policy_of(built), tensors(built.policy, batch)
    taken, values, log_prob = policy(observations)
    again = policy.evaluate_actions(observations, taken.flatten(1) if taken.dim() > 2 else taken)
    torch.testing.assert_close(again[0], values)
    torch.testing.assert_close(again[1], log_prob, rtol=1e-3, atol=1e-3)  # squashed actions are inverted


@pytest.mark.parametrize(("algorithm", "strategy"), PAIRS)
@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_space(algorithm: type[OnPolicyAlgorithm], action: str, strategy: str) -> None:
    use(model(venv("context", action), algorithm, strategy=strategy))


@pytest.mark.parametrize("options", [{}, {"squash_output": True}, {"full_std": False, "use_expln": True}])
@pytest.mark.parametrize(("algorithm", "strategy"), PAIRS)
def test_state_dependent_exploration(
    algorithm: type[OnPolicyAlgorithm], strategy: str, options: dict[str, Any]
) -> None:
    use(model(venv("context"), algorithm, strategy=strategy, use_sde=True, **options))


@pytest.mark.parametrize("observation", OBSERVATIONS)
@pytest.mark.parametrize(
    ("algorithm", "action", "strategy"), [(PPO, "box", "full"), (A2C, "discrete", "low-rank")]
)
def test_every_observation_space(
    algorithm: type[OnPolicyAlgorithm], action: str, observation: str, strategy: str
) -> None:
    use(model(venv(observation, action), algorithm, strategy=strategy))


@pytest.mark.parametrize("normalize_images", [True, False])
@pytest.mark.parametrize("context", [True, False])
def test_images(context: bool, normalize_images: bool) -> None:
    space = spaces.Dict({"picture": image(), **({"context": vector(2)} if context else {})})
    built = model(
        venv(space, "discrete"),
        strategy="low-rank",
        normalize_images=normalize_images,
        features_extractor_kwargs={"cnn_output_dim": 8},
    )
    policy = policy_of(built)
    assert policy.features_dim == (10 if context else 8)
    use(built)


@pytest.mark.parametrize(
    ("context", "size"),
    [
        (spaces.Discrete(4), 4),
        (spaces.MultiDiscrete([2, 3]), 5),
        (spaces.MultiBinary(3), 3),
        (spaces.Box(-1.0, 1.0, (2, 3), np.float32), 6),
        (spaces.Box(-1.0, 1.0, (2,), np.float64), 2),
        (spaces.Box(0, 9, (2,), np.int64), 2),
    ],
)
def test_contexts_of_other_kinds_than_vectors(context: spaces.Space[Any], size: int) -> None:
    built = model(venv(spaces.Dict(obs=vector(3), context=context)))
    assert policy_of(built).generated.descriptor_dim == size
    use(built)


@pytest.mark.parametrize("bound", [np.inf, np.finfo(np.float32).max, 1e30])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_context_without_useful_bounds_starts_with_finite_weights(strategy: str, bound: float) -> None:
    space = spaces.Dict(obs=vector(3), context=vector(2, float(bound)))
    policy = policy_of(model(venv(space), strategy=strategy))
    weights = policy.generated_weights(torch.randn(5, 2))
    assert all(tensor.isfinite().all() for tensor in weights.values())
    assert (weights["actor.0.weight"][0] - weights["actor.0.weight"][1]).abs().max() > 1e-3
