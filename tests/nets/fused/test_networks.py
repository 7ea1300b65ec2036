"""Which networks lie side by side, and which have no fused form."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hyperrl.nets import CNN, MLP, HyperNetwork, Parallel, SeparateHyperNetworks, Weights
from tests.nets.fused.cases import STRATEGIES, Case

NAMES = ("a", "b", "c")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_networks_of_equal_hidden_sizes_lie_side_by_side(strategy: str) -> None:
    """Three whose outputs differ in size do not lie at equal distances; two always do."""
    networks = Case.of(strategy).networks
    assert [branch.numbers for branch in networks.branches(("a", "b"))] == [[0, 1]]
    assert [branch.numbers for branch in networks.branches(NAMES)] == [[0], [1], [2]]
    (equal,), (unequal,) = networks.branches(("a", "c")), networks.branches(("a", "b"))
    assert (len(equal.ends), len(unequal.ends)) == (1, 2)
    different = Case.of(strategy, "different sizes").networks
    assert [branch.numbers for branch in different.branches(NAMES)] == [[0, 2], [1]]


@pytest.mark.parametrize(
    "options",
    [
        {"layer_norm": True},
        {"with_latent": True},
        {"residual": True, "hidden": (6, 6)},
        {"activation": nn.GELU},
    ],
    ids=str,
)
def test_networks_in_which_more_happens_have_no_fused_form(options: dict[str, Any]) -> None:
    target: Any = Parallel({"a": MLP(3, 2, **options)})
    assert HyperNetwork(2, target, "modulation").fused(torch.zeros(1, 2)) is None


def test_a_network_of_a_users_own_has_no_fused_form() -> None:
    class Scaled(MLP):
        """What it does is not known here."""

        def forward(self, x: Tensor, weights: Weights) -> Tensor:
            return 2 * super().forward(x, weights)

    target: Any = Parallel({"a": Scaled(3, 2)})
    assert target.chains == {}
    assert HyperNetwork(2, target, "modulation").fused(torch.zeros(1, 2)) is None


def test_other_strategies_and_targets_have_no_fused_form() -> None:
    row = torch.zeros(1, 2)
    assert HyperNetwork(2, MLP(3, 2), "full").fused(row) is None
    assert HyperNetwork(2, MLP(3, 2), "modulation", generate=["0"]).fused(row) is None
    cnn: Any = Parallel({"a": CNN((1, 36, 36), 2)})
    assert HyperNetwork(2, cnn, "modulation").fused(row) is None
    separate = SeparateHyperNetworks(
        {"a": HyperNetwork(2, MLP(3, 2), "modulation"), "b": HyperNetwork(2, MLP(3, 2), "full")}
    )
    assert separate.fused(row) is None
