"""The configuration of a hypernetwork: its rules, and its agreement with what the nets have."""

import inspect
from dataclasses import fields
from typing import Any, get_args, get_type_hints

import pytest
from torch import nn

from hyperrl.config import STRATEGY_OPTIONS, ActivationName, GenerationConfig, HypernetworkConfig, LrScale
from hyperrl.nets import GENERATORS, MLP, STRATEGIES, HyperNetwork
from hyperrl.nets.activations import ACTIVATIONS

MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"strategy": "half"}, "strategy: found 'half'; allowed: 'low-rank', 'full', "),
    ({"strategy": "ful"}, "strategy: found 'ful'; did you mean 'full'? allowed: "),
    ({"rank": 0}, "rank: found 0; allowed: a whole number from 1 to 65,536"),
    ({"sparsity": 0.1}, "sparsity: found 0.1; allowed: none with the strategy 'low-rank'"),
    ({"strategy": "mask", "sparsity": 1.0}, "sparsity: found 1.0; allowed: a number, 0 or more, below 1"),
    ({"strategy": "chunked", "chunk_size": 0}, "chunk_size: found 0; allowed: "),
    ({"strategy_options": {"chunk_size": 8}}, "strategy_options: found 'chunk_size'; allowed: rank"),
    ({"generate": []}, "generate: found []; allowed: all, or a list of layers"),
    ({"generate": "0"}, "generate: found '0'; allowed: all, or a list of layers"),
    ({"hidden": (8, 0)}, "hidden: found (8, 0); allowed: a list of at most 32 whole numbers"),
    ({"hidden": (8,) * 33}, "hidden: found (8, "),
    ({"activation": "tahn"}, "activation: found 'tahn'; did you mean 'tanh'? allowed: 'tanh', 'relu', "),
    (
        {"architecture": "transfomer"},
        "architecture: found 'transfomer'; did you mean 'transformer'? allowed: 'linear', 'mlp'",
    ),
    *(
        (
            {"architecture": architecture, "hidden": hidden},
            f"hidden: found {hidden}; allowed: one or more equal widths with the",
        )
        for architecture in ("residual", "transformer", "recurrent")
        for hidden in ((), (8, 6))
    ),
    ({"initialization": "zero"}, "initialization: found 'zero'; allowed: 'matched', "),
    ({"head_norm": "batch"}, "head_norm: found 'batch'; allowed: 'weight', 'spectral', or None"),
    (
        {"head_norm": "spectral", "initialization": "bias-hyperinit"},
        "head_norm: found 'spectral'; allowed: weight or none with the initialization 'bias-hyperinit'",
    ),
    ({"hiden": (8,)}, "hypernetwork: found 'hiden'; did you mean 'hidden'? allowed: activation, "),
]
OF_POLICIES: list[tuple[dict[str, Any], str]] = [
    ({"trunk": "both"}, "trunk: found 'both'; allowed: 'shared', 'separate'"),
    ({"inputs": ["time"]}, "inputs[0]: found 'time'; allowed: 'context', "),
    ({"inputs": []}, "inputs: found (); allowed: one or more inputs, each once"),
    (
        {"inputs": ["state", "state"]},
        "inputs: found ('state', 'state'); allowed: one or more inputs",
    ),
    ({"inputs": ["memory", "state"]}, "inputs: found ('memory', 'state'); allowed: nothing beside 'memory'"),
    ({"noise_dim": 3}, "noise_dim: found 3; allowed: none unless inputs hold 'noise'"),
    (
        {"inputs": ["state"], "magnitude_invariant": True},
        "magnitude_invariant: found True; allowed: false unless inputs hold 'context'",
    ),
    (
        {"inputs": ["noise"], "context_dropout": 0.1},
        "context_dropout: found 0.1; allowed: 0 unless",
    ),
    ({"context_dropout": 1}, "context_dropout: found 1; allowed: a number, 0 or more, below 1"),
    ({"lr_scale": {"heads": -1}}, "lr_scale['heads']: found -1; allowed: a number, 0 or more"),
    ({"max_grad_norm": 0}, "max_grad_norm: found 0; allowed: a number, above 0, or None"),
]


@pytest.mark.parametrize(("options", "message"), MISTAKES, ids=lambda value: str(value)[:60])
def test_a_mistake_is_named_for_nets_and_for_policies(options: dict[str, Any], message: str) -> None:
    for make in (lambda: HyperNetwork(2, MLP(3, 2), **options), lambda: HypernetworkConfig.of(options)):
        with pytest.raises(ValueError) as caught:  # noqa: PT011
            make()
        assert str(caught.value).startswith(message)


@pytest.mark.parametrize(("options", "message"), OF_POLICIES, ids=lambda value: str(value)[:60])
def test_a_mistake_in_what_a_policy_adds_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        HypernetworkConfig.of(options)
    assert str(caught.value).startswith(message)


def test_names_are_those_that_the_nets_have() -> None:
    hints = get_type_hints(HypernetworkConfig)
    assert get_args(hints["strategy"]) == tuple(STRATEGIES) == tuple(STRATEGY_OPTIONS)
    assert get_args(hints["architecture"]) == tuple(GENERATORS)
    assert get_args(ActivationName) == tuple(ACTIVATIONS)
    for name, options in STRATEGY_OPTIONS.items():
        arguments = list(inspect.signature(STRATEGIES[name]).parameters)[1:]
        assert arguments == [option.removeprefix("adapter_") for option in options]


def test_options_of_a_strategy_go_by_two_names() -> None:
    flat = GenerationConfig(strategy="adapter", rank=3, adapter_activation=nn.ReLU)
    options = {"rank": 3, "activation": nn.ReLU}
    assert GenerationConfig.of({"strategy": "adapter", "strategy_options": options}) == flat
    assert flat.options == options


def test_a_configuration_is_a_value() -> None:
    first = HypernetworkConfig.of({"hidden": [8], "lr_scale": {"heads": 0.5}})
    second = HypernetworkConfig(hidden=(8,), lr_scale=LrScale(heads=0.5))
    assert first == second
    assert hash(first) == hash(second)
    assert first.separate_head
    assert not first.plain_optimizer
    assert HypernetworkConfig().plain_optimizer
    assert first.generation(hidden=(4,)).keys() == {each.name for each in fields(GenerationConfig)}
    assert first.generates("critic")
    some = HypernetworkConfig(generate=("actor.1",))
    assert some.generates("actor")
    assert not some.generates("critic")
