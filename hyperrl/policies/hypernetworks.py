"""From the configuration of a hypernetwork to the one of a policy, or the several."""

from collections.abc import Sequence
from typing import Any

from hyperrl.config import HypernetworkConfig
from hyperrl.nets import HyperNetwork, Parallel, SeparateHyperNetworks, SeparateMembers
from hyperrl.nets.encoders import Range
from hyperrl.policies.conditioning import Conditioning


def build_hypernetwork(
    target: Parallel[Any], config: HypernetworkConfig, inputs: Conditioning, descriptor_range: Range
) -> HyperNetwork | SeparateHyperNetworks:
    """One hypernetwork for all networks of the target, or one each.

    Args:
        target: The networks.
        config: Of the policy's hypernetwork.
        inputs: What the hypernetwork sees.
        descriptor_range: Of the contexts.

    Raises:
        ValueError: A network without a generated layer where each has its hypernetwork, and whatever
            :class:`~hyperrl.nets.HyperNetwork` raises.
    """

    def make(network: Any, generate: Any) -> HyperNetwork:
        if config.index.separate:
            return SeparateMembers(config.index_dim, network)
        encoder = inputs.encoder(descriptor_range, config.magnitude_invariant)
        magnitude_invariant = config.magnitude_invariant and encoder is None
        return HyperNetwork(
            inputs.context_dim if encoder is None else encoder.dim,
            network,
            descriptor_range=descriptor_range,
            encoder=encoder,
            separate_head=config.separate_head,
            **config.generation(generate=generate, magnitude_invariant=magnitude_invariant),
        )

    everything = config.generate
    if config.trunk == "shared":
        return make(target, everything)

    return SeparateHyperNetworks(
        {name: make(network, _of_network(name, everything)) for name, network in target.named()}
    )


def _of_network(network: str, generate: Any) -> Any:
    """The generated layers of one network, by the names that it has for them."""
    if generate == "all":
        return "all"
    names = name_tails(generate, network)
    return "all" if "" in names else [name.removeprefix(".") for name in names]


def name_tails(generate: Sequence[str], part: str) -> list[str]:
    """How the names of generated layers go on after a part of the policy; ``""`` names all of it.

    Raises:
        ValueError: No layer of that part is generated.
    """
    tails = [name[len(part) :] for name in generate if name == part or name.startswith(f"{part}.")]
    if not tails:
        raise ValueError(
            f"generate: found {list(generate)}; allowed: a layer of {part!r} too, which has a hypernetwork "
            "of its own"
        )
    return tails
