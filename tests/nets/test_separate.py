"""A hypernetwork for each network of a parallel target."""

import torch

from hyperrl.nets import MLP, HyperNetwork, Parallel, SeparateHyperNetworks
from tests.nets.cases import assert_equal, naive, perturbed


def test_separate_hypernetworks_share_nothing_and_are_called_as_one() -> None:
    target = Parallel({"actor": MLP(3, 2, (4,)), "critic": MLP(3, 1, (6,))})
    hyper = SeparateHyperNetworks({name: HyperNetwork(2, network) for name, network in target.named()})
    perturbed(hyper)
    x, descriptors, index = torch.randn(6, 3), torch.randn(2, 2), torch.tensor([0, 1, 1, 0, 0, 1])
    weights = hyper(descriptors, index)
    y = target(x, weights)
    dense = weights.dense()
    for name, network in hyper.named().items():
        assert_equal(y[name], naive(network(descriptors), x, index, torch.tanh))
        own = network(descriptors).dense()
        assert all(torch.equal(dense[f"{name}.{key}"], tensor) for key, tensor in own.items())
    gradients = torch.autograd.grad(y["actor"].sum(), list(hyper.parameters()), allow_unused=True)
    names = [name for name, _ in hyper.named_parameters()]
    assert all((grad is None) == ("critic" in name) for name, grad in zip(names, gradients, strict=True))
    assert (hyper.descriptor_dim, hyper.factored) == (2, True)
    groups = hyper.parameter_groups(shared_lr_scale=2.0)
    assert [group["name"] for group in groups][:2] == ["actor.generator", "actor.shared"]
    assert sum(len(group["params"]) for group in groups) == len(names)
