"""From a policy's choices to its hypernetwork, or its hypernetworks."""

from typing import Any

from hyperrl.nets import HyperNetwork, Parallel, SeparateHyperNetworks
from hyperrl.nets.encoders import Range
from hyperrl.policies.conditioning import Conditioning
from hyperrl.policies.config import HypernetworkConfig, tails


def build_hypernetwork(
    target: Parallel[Any], choices: HypernetworkConfig, inputs: Conditioning, descriptor_range: Range
) -> HyperNetwork | SeparateHyperNetworks:
    """One hypernetwork for all networks of the target, or one each.

    Args:
        target: The networks.
        choices: The policy's.
        inputs: What the hypernetwork sees.
        descriptor_range: Of the contexts.

    Raises:
        ValueError: A network without a generated layer where each has its hypernetwork, and whatever
            :class:`~hyperrl.nets.HyperNetwork` raises.
    """

    def make(network: Any, generate: Any) -> HyperNetwork:
        encoder = inputs.encoder(descriptor_range, choices.magnitude_invariant)
        magnitude_invariant = choices.magnitude_invariant and encoder is None
        return HyperNetwork(
            inputs.context_dim if encoder is None else encoder.dim,
            network,
            descriptor_range=descriptor_range,
            encoder=encoder,
            separate_head=choices.separate_head,
            **choices.generation(generate=generate, magnitude_invariant=magnitude_invariant),
        )

    everything = choices.generate
    if choices.trunk == "shared":
        return make(target, everything)

    return SeparateHyperNetworks(
        {name: make(network, _of_network(name, everything)) for name, network in target.named()}
    )


def _of_network(network: str, generate: Any) -> Any:
    """The generated layers of one network, by the names that it has for them."""
    if generate == "all":
        return "all"
    names = tails(generate, network)
    return "all" if "" in names else [name.removeprefix(".") for name in names]
