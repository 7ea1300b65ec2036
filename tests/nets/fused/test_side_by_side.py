"""Networks that act side by side are those that act one by one."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hyperrl.nets import MLP, HyperNetwork, Parallel, Weights
from hyperrl.nets.fused import SideBySide

HIDDEN = {"two hidden layers": (6, 4), "one hidden layer": (5,)}


def make_weights(strategy: str, hidden: tuple[int, ...], **options: Any) -> tuple[Any, dict[str, Weights]]:
    torch.manual_seed(0)
    networks = {name: MLP(3, outputs, hidden, **options) for name, outputs in (("a", 2), ("b", 1))}
    target: Any = Parallel(networks)
    generate = ["a.0", "b"] if strategy == "low-rank" else "all"
    weights = HyperNetwork(2, target, strategy, generate=generate)(torch.randn(4, 2))
    return target, {name: weights[name].materialize() for name in networks}


def outputs(target: Any, weights: dict[str, Weights], x: Tensor) -> list[Tensor]:
    return [network(x, weights[name]) for name, network in target.named()]


@torch.no_grad()
@pytest.mark.parametrize("hidden", HIDDEN.values(), ids=HIDDEN)
@pytest.mark.parametrize("strategy", ["full", "modulation", "low-rank"])
def test_outputs(strategy: str, hidden: tuple[int, ...]) -> None:
    """Of low-rank networks one layer is shared by all tasks."""
    target, weights = make_weights(strategy, hidden, activation=nn.GELU)
    together, x = SideBySide.of(target.chains, weights), torch.randn(4, 3)
    assert together is not None
    expected = outputs(target, weights, x)
    torch.testing.assert_close(together.apply(x, "a", "b"), expected)
    torch.testing.assert_close(together.apply(x, "b"), expected[1:])
    again = together.of_task(2).join([together.of_task(0)])
    torch.testing.assert_close(again.apply(x[[2, 0]], "a"), [expected[0][[2, 0]]])
    alone = {name: each.of_task(1) for name, each in weights.items()}
    torch.testing.assert_close(together.of_task(1).apply(x, "a", "b"), outputs(target, alone, x))


def test_networks_that_do_not_fit_together() -> None:
    target, weights = make_weights("full", ())
    assert SideBySide.of(target.chains, weights) is None
    different: Any = Parallel({"a": MLP(3, 2, (6, 4)), "b": MLP(3, 1, (6, 5))})
    generated = HyperNetwork(2, different, "full")(torch.zeros(2, 2))
    assert SideBySide.of(different.chains, {name: generated[name] for name in "ab"}) is None
    bent = HyperNetwork(2, target, "adapter", strategy_options={"activation": "relu"})(torch.zeros(2, 2))
    assert SideBySide.of(target.chains, {name: bent[name].materialize() for name in "ab"}) is None
    assert SideBySide.of({}, weights) is None


@pytest.mark.parametrize("activation", [nn.PReLU, lambda: nn.Softmax(dim=-1)])
def test_activations_that_networks_cannot_share(activation: Any) -> None:
    """Each has parameters of its own, or looks at a whole row of its own network."""
    target, weights = make_weights("full", (6, 4), activation=activation)
    assert target.chains
    assert SideBySide.of(target.chains, weights) is None
