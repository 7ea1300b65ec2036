"""Generated networks that noise chooses from, and the prior function that is added to their values."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from hyperrl.config import Beyond
from hyperrl.nets import MLP
from hyperrl.policies.conditioning import Conditioning
from hyperrl.policies.extractors import Inputs
from hyperrl.policies.networks import GeneratedNetworks
from hyperrl.policies.noise import NoisyConditioning
from hyperrl.policies.prior import PriorFunction
from hyperrl.policies.sums import sum_of
from hyperrl.policies.task_rows import TaskRows

JUDGE = "critic"
"""What the names of networks begin with whose outputs are values: a prior function is added to these."""


class IndexedNetworks(GeneratedNetworks):
    """Generated networks with noise among the hypernetwork's inputs.

    A context may have an index behind it, see :class:`~hyperrl.policies.noise.NoisyConditioning`. Without one
    members act by the mean of their outputs, where acting is deterministic; of other indices it is the
    network of the index zero.

    Takes the arguments of :class:`GeneratedNetworks`.
    """

    conditioning: ClassVar[type[Conditioning]] = NoisyConditioning
    inputs: NoisyConditioning

    def __init__(
        self,
        networks: Mapping[str, Any],
        descriptor_dim: int,
        descriptor_range: tuple[Tensor, Tensor],
        hypernetwork: Mapping[str, Any],
        features_dim: int = 0,
        beyond: Beyond = "linear",
    ) -> None:
        super().__init__(networks, descriptor_dim, descriptor_range, hypernetwork, features_dim, beyond)
        self._features_dim = features_dim
        scale, dim = self.config.index.prior_scale, self.config.index_dim
        judges = {name: network for name, network in self.target.named() if name.startswith(JUDGE)}
        self.priors = nn.ModuleDict()
        for name, network in judges.items() if scale else ():
            self.priors[name] = PriorFunction(_plain(network), descriptor_dim, dim, scale)

    def forward(
        self,
        features: Inputs,
        *names: str,
        actions: Tensor | None = None,
        known: TaskRows | None = None,
    ) -> list[Tensor]:
        """As :meth:`GeneratedNetworks.forward`, with the prior functions' values."""
        x, contexts = self._split(features) if isinstance(features, Tensor) else features
        if contexts.shape[1] == self.descriptor_dim and self._averages:
            return self._means(x, contexts, *names, actions=actions)
        outputs = super().forward((x, contexts), *names, actions=actions, known=known)
        if not self.priors:
            return outputs
        contexts = self.inputs.with_index(contexts)
        seen = x if actions is None else torch.cat([x, actions], dim=1)
        applied = [name for name, _ in self.target.named() if name in names]
        return [
            found + self.priors[name](seen, contexts) if name in self.priors else found
            for name, found in zip(applied, outputs, strict=True)
        ]

    @property
    def _averages(self) -> bool:
        """Whether rows without an index have the mean over all members."""
        return self.config.index.kind == "members" and self.inputs.quiet

    def _means(self, x: Tensor, contexts: Tensor, *names: str, actions: Tensor | None) -> list[Tensor]:
        """The mean outputs over all members."""
        members = self._members(x)
        count, indices = len(members), members.repeat_interleave(len(x), dim=0)
        every = torch.cat([contexts.repeat(count, 1), indices], dim=1)
        acted = None if actions is None else actions.repeat(count, 1)
        outputs = self.forward((x.repeat(count, 1), every), *names, actions=acted)
        return [found.view(count, len(x), -1).mean(dim=0) for found in outputs]

    def _members(self, like: Tensor) -> Tensor:
        """The index of each member, (member, index)."""
        return torch.eye(self.config.index_dim, device=like.device, dtype=like.dtype)

    def _split(self, features: Tensor) -> tuple[Tensor, Tensor]:
        return features[:, : self._features_dim], features[:, self._features_dim :]

    def specialized(self, context: Tensor) -> Iterator[tuple[str, nn.Sequential]]:
        """The plain networks of one task: in the middle, or of the index behind the context.

        In the middle of members each is as wide as all of them.
        """
        task, index = context[: self.descriptor_dim], context[self.descriptor_dim :]
        indices = index[None]
        if not len(index):
            members = self.config.index.kind == "members"
            indices = self._members(context) if members else context.new_zeros(1, self.config.index_dim)
        each = [dict(super(IndexedNetworks, self).specialized(torch.cat([task, one]))) for one in indices]
        middle = torch.cat([task, indices.mean(dim=0)])
        for name in each[0]:
            parts, factors = [networks[name] for networks in each], [1 / len(each)] * len(each)
            if name in self.priors and bool(indices.any()):
                prior: Any = self.priors[name]
                parts, factors = [*parts, prior.specialize(middle)], [*factors, 1.0]
            yield name, parts[0] if len(parts) == 1 else sum_of(parts, factors)


def _plain(network: Any) -> MLP:
    """The network, where it is a multilayer perceptron without further parts.

    Raises:
        ValueError: Another network.
    """
    if not isinstance(network, MLP) or network.layer_norm or network.residual or network.with_latent:
        raise ValueError(
            "index: found a prior_scale above 0; allowed: 0 beside layer_norm, residual and convolutions"
        )
    return network
