"""PPO's policy starts with the statistics of SB3's own initialization, on every task of every family."""

import itertools
import math
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.policies import ActorCriticPolicy, MultiInputActorCriticPolicy
from torch import Tensor, nn

from hyperrl.nets import HyperNetwork
from hyperrl.policies import HyperActorCriticPolicy
from hyperrl.tasks import Context, Family
from tests.policies.worlds import STRATEGIES, policy_of
from tests.suite import PLAIN

FAMILIES = sorted(PLAIN)
SEEDS = 6
DRAWN = 60
"""Contexts drawn in the declared ranges."""
ROWS = 512
"""Inputs that statistics of a layer are taken over, more than any family's observation has numbers."""
LAYERS = ["actor.0", "actor.1", "actor.2", "critic.0", "critic.1", "critic.2"]


def contexts(family: Family) -> list[Context]:
    """Contexts all over the declared ranges: corners, center, random ones, those of every split."""
    space = family.space
    bounds = np.array([space.features[name].widest for name in space.names])
    corners = np.array(list(itertools.product(*bounds)))
    inside = np.random.default_rng(0).uniform(bounds[:, 0], bounds[:, 1], (DRAWN, len(bounds)))
    named = [space.values(family.tasks(split)) for split in ("train", "interpolation", "extrapolation")]
    values = [corners, bounds.mean(axis=1)[None], inside, *(one[:20] for one in named)]
    return space.contexts(np.concatenate(values))


def constructed(family: Family, strategy: str, seed: int, **policy_kwargs: Any) -> HyperActorCriticPolicy:
    options = {"hypernetwork": {"strategy": strategy}, **policy_kwargs}
    env = family.make()
    built = PPO(
        HyperActorCriticPolicy, env, policy_kwargs=options, seed=seed, n_steps=2, batch_size=2, device="cpu"
    )
    env.close()
    return policy_of(built)


def sb3s(family: Family, seed: int, **options: Any) -> dict[str, nn.Linear]:
    """SB3's own layers for the same observation, without the context."""
    torch.manual_seed(seed)
    space: Any = family.observation_space
    parts = {name: part for name, part in space.spaces.items() if name != "context"}
    several = len(parts) > 1
    kind = MultiInputActorCriticPolicy if several else ActorCriticPolicy
    seen: Any = spaces.Dict(parts) if several else parts["obs"]
    plain = kind(seen, family.action_space, lambda _: 0.0, **options)
    assert isinstance(plain.action_net, nn.Linear)
    actor, critic = ([one for one in net if isinstance(one, nn.Linear)] for net in nets(plain))
    layers = [*actor, plain.action_net, *critic, plain.value_net]
    return dict(zip(LAYERS, layers, strict=True))


def nets(plain: ActorCriticPolicy) -> tuple[Any, Any]:
    return plain.mlp_extractor.policy_net, plain.mlp_extractor.value_net


class Measured:
    """Generated weights of a family's contexts over several seeds, and SB3's own."""

    def __init__(self, name: str, strategy: str) -> None:
        self.family = Family.load(name)
        self.values = contexts(self.family)
        descriptors = torch.as_tensor(self.family.space.descriptors(self.values))
        self.ours = [
            constructed(self.family, strategy, seed).generated_weights(descriptors) for seed in range(SEEDS)
        ]
        self.theirs = [sb3s(self.family, seed) for seed in range(SEEDS)]


measurement = cache(Measured)


@pytest.fixture(params=[(name, strategy) for name in FAMILIES for strategy in STRATEGIES], ids="-".join)
def measured(request: pytest.FixtureRequest) -> Measured:
    return measurement(*request.param)


def test_shapes_are_those_of_sb3(measured: Measured) -> None:
    weights = measured.ours[0]
    assert set(weights) == {f"{layer}.{kind}" for layer in LAYERS for kind in ("weight", "bias")}
    for layer in LAYERS:
        assert weights[f"{layer}.weight"].shape[1:] == measured.theirs[0][layer].weight.shape
        assert weights[f"{layer}.bias"].shape[1:] == measured.theirs[0][layer].bias.shape


def test_mean_and_variance_of_every_context(measured: Measured) -> None:
    for layer in LAYERS:
        expected = measured.theirs[0][layer].weight
        # SB3's orthogonal matrices have this mean square exactly, whatever the seed
        square = float(expected.detach().square().mean())
        means = []
        for weights in measured.ours:
            found = weights[f"{layer}.weight"]
            ratio = found.square().mean(dim=(1, 2)) / square
            assert ratio.min() > 0.9, layer
            assert ratio.max() < 1.1, layer
            means.append(found.mean(dim=(1, 2)) / math.sqrt(square))
        # entries of a random orthogonal matrix: their own mean is uncertain by 1 / sqrt(entries)
        uncertain = 4 / math.sqrt(expected.numel() * SEEDS)
        assert torch.stack(means).mean(dim=0).abs().max() < max(0.1, uncertain), layer


def test_biases_are_zero(measured: Measured) -> None:
    for layer, weights in itertools.product(LAYERS, measured.ours):
        assert not weights[f"{layer}.bias"].any()
        assert not measured.theirs[0][layer].bias.any()


def whitened(features: int) -> Tensor:
    """Inputs whose entries are uncorrelated and of variance 1, exactly."""
    torch.manual_seed(0)
    orthonormal: Tensor = torch.linalg.qr(torch.randn(ROWS, features))[0]
    return orthonormal * math.sqrt(ROWS)


def test_variance_of_a_layers_outputs(measured: Measured) -> None:
    for layer in LAYERS:
        theirs = measured.theirs[0][layer]
        x = whitened(theirs.in_features)
        expected = float(theirs(x).detach().square().mean())
        for weights in measured.ours[:2]:
            found = x @ weights[f"{layer}.weight"][:80].transpose(1, 2)
            assert found.square().mean(dim=(1, 2)) / expected == pytest.approx(1.0, abs=0.1), layer


def hidden_variances(weights: dict[str, Tensor], network: str) -> Tensor:
    """Of the hidden layers' outputs, each for the activations that reach it: (2, task)."""
    x = whitened(weights[f"{network}.0.weight"].shape[2])
    h = x.expand(len(weights[f"{network}.0.weight"]), *x.shape)
    variances = []
    for layer in range(2):
        y = h @ weights[f"{network}.{layer}.weight"].transpose(1, 2)
        variances.append(y.square().mean(dim=(1, 2)))
        h = y.tanh()
    return torch.stack(variances)


def network_ratios(measured: Measured) -> Tensor:
    """(2, task): variances in the hidden layers over SB3's, in the mean over seeds and the two networks."""
    plain = [
        {f"{name}.weight": one.weight.detach()[None] for name, one in layers.items()}
        for layers in measured.theirs
    ]
    few = [{name: one[:80] for name, one in weights.items()} for weights in measured.ours]
    expected, found = (
        torch.stack([hidden_variances(one, network) for one in each for network in ("actor", "critic")])
        for each in (plain, few)
    )
    return found.mean(dim=0) / expected.mean(dim=0)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_variance_of_activations_in_the_whole_network(strategy: str) -> None:
    """Chance deviations are larger than in a single layer, so what counts is the mean over all families."""
    ratios = [network_ratios(measurement(name, strategy)) for name in FAMILIES]
    assert torch.stack([one.mean(dim=1) for one in ratios]).mean(dim=0) == pytest.approx(1.0, abs=0.1)
    for name, ratio in zip(FAMILIES, ratios, strict=True):
        assert ratio == pytest.approx(1.0, abs=0.2), name


def test_the_actors_last_layer_is_small(measured: Measured) -> None:
    for weights in measured.ours:
        last = weights["actor.2.weight"]
        gains = last.square().sum(dim=2).mean(dim=1).sqrt()
        assert gains == pytest.approx(0.01, rel=0.05)


def test_tasks_differ(measured: Measured) -> None:
    """Any two training tasks in every layer; over the ranges the spread is a fair part of the whole."""
    tasks = len(measured.family.tasks("train")[:20])
    start = 2 ** len(measured.family.space.names) + 1 + DRAWN
    for layer, weights in itertools.product(LAYERS, measured.ours[:2]):
        found = weights[f"{layer}.weight"].flatten(1)
        trained = found[start : start + tasks]
        assert len(trained) == tasks
        apart = torch.pdist(trained) / trained.norm(dim=1).mean()
        assert apart.min() > 1e-4, layer
        spread = found.var(dim=0).sum() / found.square().sum(dim=1).mean()
        assert 0.0005 < spread < 0.1, (layer, float(spread))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_without_ortho_init_layers_start_as_sb3s_do_without_it(strategy: str) -> None:
    family = Family.load("pendulum")
    descriptors = torch.as_tensor(family.space.descriptors(contexts(family)))
    weights = constructed(family, strategy, 0, ortho_init=False).generated_weights(descriptors)
    for layer, plain in sb3s(family, 0, ortho_init=False).items():
        found = weights[f"{layer}.weight"].square().mean(dim=(1, 2))
        assert (found * 3 * plain.in_features).min() > 0.5, layer
        assert (found * 3 * plain.in_features).max() < 1.6, layer
        assert weights[f"{layer}.bias"].any()
        assert weights[f"{layer}.bias"].abs().max() <= 1 / math.sqrt(plain.in_features) + 1e-6


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_hypernetworks_own_initialization_survives_ortho_init(
    strategy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SB3 sets the weights and biases of every Linear below its networks when it builds a policy."""
    initial: list[dict[str, Tensor]] = []
    initialize = HyperNetwork.__init__

    def recording(hyper: HyperNetwork, *args: Any, **kwargs: Any) -> None:
        initialize(hyper, *args, **kwargs)
        initial.append({name: one.clone() for name, one in hyper.state_dict().items()})

    monkeypatch.setattr(HyperNetwork, "__init__", recording)
    made = constructed(Family.load("pendulum"), strategy, 0)
    assert len(initial) == 1
    assert initial[0].keys() == made.generated.hyper.state_dict().keys()
    for name, one in made.generated.hyper.state_dict().items():
        assert torch.equal(one, initial[0][name]), name


@pytest.mark.parametrize(
    "hypernetwork", [{"hidden": ()}, {"hidden": (32, 32)}, {"rank": 1}, {"rank": 32}, {"activation": nn.ReLU}]
)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_hypernetwork_starts_alike(strategy: str, hypernetwork: dict[str, Any]) -> None:
    family = Family.load("cartpole")
    made = constructed(family, strategy, 0, hypernetwork={"strategy": strategy, **hypernetwork})
    weights = made.generated_weights(torch.as_tensor(family.space.descriptors(contexts(family))))
    for layer, plain in sb3s(family, 0).items():
        ratio = weights[f"{layer}.weight"].square().mean(dim=(1, 2)) / plain.weight.detach().square().mean()
        assert ratio.min() > 0.9, layer
        assert ratio.max() < 1.1, layer
