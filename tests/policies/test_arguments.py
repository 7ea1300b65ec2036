"""Wrong arguments in Python: one clear ValueError that names the argument and what is allowed."""

import re
import subprocess
import sys
from typing import Any

import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import A2C
from torch import nn

from hyperrl import policies as ours
from hyperrl.policies.extractors import BlindExtractor, ContextExtractor
from tests.policies.worlds import OBSERVATIONS, hyper_policy, vector, venv

SPACE = OBSERVATIONS["context"]
POLICIES: dict[str, spaces.Space[Any]] = {
    "HyperActorCriticPolicy": vector(2),
    "HyperDQNPolicy": spaces.Discrete(3),
    "HyperSACPolicy": vector(2),
    "HyperTD3Policy": vector(2),
    "HyperTQCPolicy": vector(2),
    "HyperQRDQNPolicy": spaces.Discrete(3),
    "HyperTRPOPolicy": vector(2),
    "HyperRecurrentPolicy": vector(2),
}


def made(name: str, space: Any = SPACE, **given: Any) -> Any:
    return hyper_policy(name)(space, POLICIES[name], lambda _: 1e-3, **given)


BLIND: Any = BlindExtractor
NUMBERS = "a list of whole numbers of at least 1"
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"activation_fn": "tanh"}, "activation_fn: found 'tanh'; allowed: a class of torch.nn's"),
    ({"activation_fn": nn.Tanh()}, "activation_fn: found Tanh(); allowed: a class of torch.nn's"),
    ({"activation_fn": torch.tanh}, "activation_fn: found <built-in method tanh"),
    ({"net_arch": 8}, f"net_arch: found 8; allowed: {NUMBERS}"),
    ({"net_arch": [8, 0]}, f"net_arch: found [8, 0]; allowed: {NUMBERS}"),
    ({"net_arch": [8.0]}, f"net_arch: found [8.0]; allowed: {NUMBERS}"),
    ({"net_arch": {"pj": [8]}}, "net_arch: found {'pj': [8]}; allowed: "),
    ({"layer_norm": "yes"}, "layer_norm: found 'yes'; allowed: True or False"),
    ({"beyond": "saturated"}, "beyond: found 'saturated'; did you mean 'saturate'? allowed: 'linear', 'sat"),
    ({"residual": 1}, "residual: found 1; allowed: True or False"),
    ({"convolutions": [8]}, "convolutions: found [8]; allowed: (channels, kernel size, stride) of each"),
    ({"effort_coef": -0.1}, "effort_coef: found -0.1; allowed: a number, 0 or more"),
    ({"effort_coef": "0.1"}, "effort_coef: found '0.1'; allowed: a number, 0 or more"),
    ({"features_extractor_class": "cnn"}, "features_extractor_class: found 'cnn'; allowed: a subclass of"),
    (
        {"features_extractor_kwargs": [1]},
        "features_extractor_kwargs: found [1]; allowed: a dictionary",
    ),
    ({"optimizer_class": "adam"}, "optimizer_class: found 'adam'; allowed: a class of torch.optim's"),
    ({"normalize_images": None}, "normalize_images: found None; allowed: True or False"),
    ({"hypernet": {}}, "found 'hypernet'; did you mean 'hypernetwork'? allowed: action_space, "),
    ({"hypernetwork": 8}, "hypernetwork: found 8; allowed: a dictionary, or None"),
]
HYPERNETWORK: list[tuple[dict[str, Any], str]] = [
    ({"hiden": (8,)}, "hypernetwork: found 'hiden'; did you mean 'hidden'? allowed: activation, "),
    ({"target": None}, "hypernetwork: found 'target'; allowed: activation, "),
    ({"hidden": 8}, "hidden: found 8; allowed: a list of at most 32 whole numbers from 1 to 65,536"),
    ({"hidden": "64"}, "hidden: found '64'; allowed: a list of at most 32 whole numbers from 1 to"),
    (
        {"activation": "tahn"},
        "activation: found 'tahn'; did you mean 'tanh'? allowed: 'tanh', 'relu', ",
    ),
    ({"strategy": "low rank"}, "strategy: found 'low rank'; did you mean 'low-rank'? allowed: 'low-rank', "),
    ({"strategy": 1}, "strategy: found 1; allowed: 'low-rank', 'full', "),
    ({"rank": 0}, "rank: found 0; allowed: a whole number from 1 to 65,536"),
    ({"rank": True}, "rank: found True; allowed: a whole number from 1 to 65,536"),
    ({"strategy_options": 3}, "strategy_options: found 3; allowed: a dictionary, or None"),
    ({"strategy_options": {"rnk": 3}}, "strategy_options: found 'rnk'; did you mean 'rank'? allowed: rank"),
    ({"strategy": "mask", "strategy_options": {"sparsity": 1}}, "sparsity: found 1; allowed: a number, 0 or"),
    ({"generate": "actor"}, "generate: found 'actor'; allowed: all, or a list of layers"),
    ({"architecture": "mpl"}, "architecture: found 'mpl'; did you mean 'mlp'? allowed: 'linear', "),
    ({"initialization": None}, "initialization: found None; allowed: 'matched', "),
    ({"head_norm": "wait"}, "head_norm: found 'wait'; did you mean 'weight'? allowed: 'weight', "),
    ({"magnitude_invariant": "no"}, "magnitude_invariant: found 'no'; allowed: True or False"),
    ({"trunk": "one"}, "trunk: found 'one'; allowed: "),
    ({"inputs": "context"}, "inputs: found 'context'; allowed: a list of texts"),
    ({"embedding_dim": 0}, "embedding_dim: found 0; allowed: a whole number from 1 to 65,536, or None"),
    ({"noise_dim": 1.5}, "noise_dim: found 1.5; allowed: a whole number from 1 to 65,536, or None"),
    ({"context_dropout": "0.1"}, "context_dropout: found '0.1'; allowed: a number, 0 or more, below 1"),
    ({"training_contexts": 3}, "training_contexts: found 3; allowed: a list of descriptors"),
    ({"max_grad_norm": 0}, "max_grad_norm: found 0; allowed: a number, above 0, or None"),
    ({"lr_scale": 0.1}, "lr_scale: found 0.1; allowed: a dictionary of rates by 'generator', 'heads' and"),
    ({"lr_scale": {"head": 0.1}}, "lr_scale: found 'head'; did you mean 'heads'? allowed: generator, "),
    ({"lr_scale": {"heads": "a"}}, "lr_scale['heads']: found 'a'; allowed: a number, 0 or more"),
]
OWN: list[tuple[str, dict[str, Any], str]] = [
    ("HyperActorCriticPolicy", {"ortho_init": "no"}, "ortho_init: found 'no'; allowed: True or False"),
    ("HyperActorCriticPolicy", {"log_std_init": None}, "log_std_init: found None; allowed: a number"),
    (
        "HyperActorCriticPolicy",
        {"net_arch": {"qf": [8]}},
        "numbers of at least 1, dict(pi=[64], vf=[64]), or None",
    ),
    ("HyperDQNPolicy", {"net_arch": {"pi": [8]}}, "net_arch: found {'pi': [8]}; allowed: a list of whole"),
    ("HyperDQNPolicy", {"use_sde": True}, "HyperDQNPolicy: found 'use_sde'; allowed: action_space, "),
    ("HyperSACPolicy", {"n_critics": 0}, "n_critics: found 0; allowed: a whole number, 1 or more"),
    ("HyperSACPolicy", {"critic_lr_scale": -1}, "critic_lr_scale: found -1; allowed: a number, 0 or more"),
    (
        "HyperTD3Policy",
        {"share_features_extractor": 2},
        "share_features_extractor: found 2; allowed: True",
    ),
    ("HyperTQCPolicy", {"n_quantiles": 2.5}, "n_quantiles: found 2.5; allowed: a whole number, 1 or more"),
    ("HyperQRDQNPolicy", {"n_quantiles": "3"}, "n_quantiles: found '3'; allowed: a whole number, 1 or more"),
    ("HyperTRPOPolicy", {"hypernetwork": 8}, "hypernetwork: found 8; allowed: a dictionary, or None"),
    (
        "HyperRecurrentPolicy",
        {"hypernetwork": [8]},
        "hypernetwork: found [8]; allowed: a dictionary",
    ),
    ("HyperRecurrentPolicy", {"lstm_hidden_size": 0}, "lstm_hidden_size: found 0; allowed: a whole number"),
    ("HyperRecurrentPolicy", {"n_lstm_layers": "1"}, "n_lstm_layers: found '1'; allowed: a whole number"),
]


def refused(name: str, space: Any, given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)) as caught:
        made(name, space, **given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("given", "says"), WRONG, ids=lambda value: str(value)[:50])
def test_a_policy_names_what_is_wrong_with_or_without_a_context(given: dict[str, Any], says: str) -> None:
    for space in (SPACE, vector(4)):
        refused("HyperActorCriticPolicy", space, given, says)


@pytest.mark.parametrize(("given", "says"), HYPERNETWORK, ids=lambda value: str(value)[:50])
def test_so_does_what_a_hypernetwork_is_given(given: dict[str, Any], says: str) -> None:
    for space in (SPACE, vector(4)):
        refused("HyperActorCriticPolicy", space, {"hypernetwork": given}, says)


@pytest.mark.parametrize(("name", "given", "says"), OWN, ids=lambda value: str(value)[:50])
def test_so_do_the_policies_of_other_algorithms(name: str, given: dict[str, Any], says: str) -> None:
    refused(name, SPACE, given, says)


@pytest.mark.parametrize("name", POLICIES)
def test_every_policy_checks_its_arguments(name: str) -> None:
    refused(name, SPACE, WRONG[0][0], WRONG[0][1])
    refused(name, SPACE, {"hypernet": {}}, f"{name}: found 'hypernet'; did you mean 'hypernetwork'?")
    refused(name, spaces.Dict(context=vector(2)), {}, "observation_space: found a Dict of 'context' alone")
    refused(name, "Box", {}, "observation_space: found 'Box'; allowed: a space of gymnasium")
    made(name)


def test_a_schedule_is_a_function() -> None:
    with pytest.raises(ValueError, match=r"lr_schedule: found 0\.001; allowed: a function of the progress"):
        ours.HyperActorCriticPolicy(SPACE, vector(2), 0.001)  # type: ignore[arg-type]


def test_an_algorithm_passes_it_on() -> None:
    with pytest.raises(ValueError, match=r"hypernetwork: found 'hiden'; did you mean 'hidden'\?"):
        A2C(
            ours.HyperActorCriticPolicy, venv("context"), device="cpu",
            policy_kwargs={"hypernetwork": {"hiden": (8,)}},
        )  # fmt: skip


@pytest.mark.parametrize("extractor", [ContextExtractor, BLIND])
def test_extractors_name_what_they_lack(extractor: Any) -> None:
    with pytest.raises(ValueError, match="found a Dict of 'context' alone"):
        extractor(spaces.Dict(context=vector(2)))
    if extractor is BLIND:
        with pytest.raises(ValueError, match=r"observation_space: found Box.*; allowed: a Dict"):
            BLIND(vector(2))


_NETS = """
from torch import nn
from hyperrl.nets import CNN, GRU, MLP, HyperNetwork, VaryingMLP
from hyperrl.nets.encoders import *
target = MLP(3, 2)
for call, says in [
    (lambda: HyperNetwork("2", target), "descriptor_dim: found '2'; allowed: a whole number, 0 or more"),
    (lambda: HyperNetwork(2, nn.Linear(3, 2)), "target: found Linear(in_features=3"),
    (lambda: HyperNetwork(2, None), "allowed: a network of hyperrl.nets, or HyperNetwork.for_module(module"),
    (lambda: HyperNetwork(2, target, hidden=8), "hidden: found 8; allowed: a list of at most 32"),
    (lambda: HyperNetwork(2, target, activation="tan"), "activation: found 'tan'; did you mean 'tanh'?"),
    (lambda: HyperNetwork(2, target, descriptor_range=3), "descriptor_range: found 3; allowed: two numbers"),
    (lambda: HyperNetwork(2, target, encoder="state"), "encoder: found 'state'; allowed: an encoder of"),
    (lambda: HyperNetwork(2, target, "ful"), "strategy: found 'ful'; did you mean 'full'? allowed: "),
    (lambda: MLP(0, 2), "in_features: found 0; allowed: a whole number, 1 or more"),
    (lambda: MLP(3, 2, hidden=8), "hidden: found 8; allowed: a list of whole numbers"),
    (lambda: MLP(3, 2, activation="relu"), "activation: found 'relu'; allowed: a class of torch.nn's"),
    (lambda: CNN((3, 8), 2), "shape: found (3, 8); allowed: (channels, height, width)"),
    (lambda: CNN((1, 8, 8), 2, convolutions=[(4, 3)]), "convolutions: found [(4, 3)]; allowed: (channels"),
    (lambda: GRU(3, 2, hidden_size=0), "hidden_size: found 0; allowed: a whole number, 1 or more"),
    (lambda: VaryingMLP(3, 2, depth="2"), "depth: found '2'; allowed: a whole number, 1 or more"),
    (lambda: Vector(2, 5), "descriptor_range: found 5; allowed: two numbers"),
    (lambda: State("4"), "dim: found '4'; allowed: a whole number, 0 or more"),
    (lambda: Categorical(3), "sizes: found 3; allowed: a list of whole numbers"),
    (lambda: TaskEmbedding(0), "tasks: found 0; allowed: a whole number, 1 or more"),
    (lambda: Architecture(2, 0), "max_width: found 0; allowed: a whole number, 1 or more"),
    (lambda: NearestTask("abc"), "tasks: found 'abc'; allowed: rows of numbers"),
    (lambda: Masked(Vector(2), 1.5), "dropout: found 1.5; allowed: a number, 0 or more, below 1"),
    (lambda: Masked(3), "encoder: found 3; allowed: an encoder of hyperrl.nets.encoders"),
    (lambda: Concatenation(Vector(2)), "allowed: a list of encoders"),
    (lambda: Together([]), "encoders: found []; allowed: a list of encoders"),
]:
    try:
        call()
    except ValueError as error:
        assert says in str(error), (says, str(error))
    else:
        raise AssertionError(f"not refused: {says}")
"""
"""In a process of its own: tests check types of `hyperrl.nets` at run time, ahead of its own checks."""


def test_networks_by_themselves_name_what_is_wrong() -> None:
    done = subprocess.run([sys.executable, "-c", _NETS], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
