"""Some layers generated, the others shared."""

import pytest
import torch

from hyperrl.nets import MLP, Parallel
from hyperrl.nets.strategies import Partial, build
from hyperrl.nets.weights import SharedLinear
from tests.nets.strategies.cases import StrategyCase


def test_layers_that_are_not_generated_are_shared() -> None:
    target = Parallel({"actor": MLP(3, 2, (5, 6)), "critic": MLP(3, 1, (4,))})
    strategy = build("full", target.layers, generate=["actor.2", "critic"])
    assert isinstance(strategy, Partial)
    assert list(strategy.sections) == ["actor.2", "critic.0", "critic.1"]
    weights = StrategyCase.of(strategy, 3).weights(torch.tensor([1, 1, 2, 0]))
    assert list(weights.layers) == list(target.layers)
    dense = weights.dense()
    for name in target.layers:
        shared = isinstance(weights.layers[name], SharedLinear)
        assert shared == (name in {"actor.0", "actor.1"})
        assert bool((dense[f"{name}.weight"] == dense[f"{name}.weight"][:1]).all()) == shared
    assert not isinstance(build("full", target.layers, generate=list(target.layers)), Partial)


def test_a_layer_that_does_not_exist_is_named() -> None:
    layers = Parallel({"actor": MLP(3, 2, (5,)), "critic": MLP(3, 1, ())}).layers
    with pytest.raises(ValueError, match=r"'acto.1'; did you mean 'actor.1'\? allowed: actor.0, actor.1, "):
        build("full", layers, ["critic", "acto.1"])
