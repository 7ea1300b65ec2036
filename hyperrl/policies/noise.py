"""Noise that the hypernetwork of a policy sees: drawn for each task and rollout, or given as an index."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

import torch
from jaxtyping import Float, Int
from torch import Tensor

from hyperrl.config import Beyond, HypernetworkConfig
from hyperrl.index_config import IndexKind
from hyperrl.nets.encoders import Encoder, Members, Noise, Range
from hyperrl.policies.conditioning import Conditioning

_GOLDEN = -0x61C8864680B583EB
_MIXERS = (-0x40A7B892E31B1A47, -0x6B2FB644ECCEEE15)
_BITS = 23


class NoisyConditioning(Conditioning):
    """A hypernetwork's descriptors with noise among them.

    Contexts may have further columns, as many as there are numbers of noise: an index, which chooses one of
    many networks. Off policy, environments and replay give one. Where there is none, noise is drawn: it is
    the same for all rows of a task from the start of a rollout to the end of the update that learns from it,
    so that the probability ratio of such an update compares the very networks that acted; the next rollout
    draws anew. Acting deterministically has the middle: zeros, or equal parts of all members.

    Takes the arguments of :class:`Conditioning`.
    """

    seed: Tensor

    def __init__(
        self, config: HypernetworkConfig, context_dim: int, state_dim: int, beyond: Beyond = "linear"
    ) -> None:
        super().__init__(config, context_dim, state_dim, beyond)
        self.register_buffer("seed", torch.randint(2**62, ()))

    @property
    def index_dim(self) -> int:
        """Size of an index."""
        return self.config.index_dim

    def forward(
        self, x: Float[Tensor, "row features"], context: Float[Tensor, "row descriptor"]
    ) -> Float[Tensor, "row columns"]:
        """The descriptors of rows, given contexts with or without an index behind them."""
        every = self.with_index(context)
        context, index = every[:, : self.context_dim], every[:, self.context_dim :]
        if self.saturates:
            context = context.clamp(-1.0, 1.0)
        return torch.cat([*self._columns(x, context), index], dim=1)

    def with_index(self, context: Float[Tensor, "row descriptor"]) -> Float[Tensor, "row columns"]:
        """Contexts with an index behind them, which is drawn, or the middle, where they have none."""
        if context.shape[1] > self.context_dim:
            return context
        seen = context.clamp(-1.0, 1.0) if self.saturates else context
        return torch.cat([context, self._noise(seen)], dim=1)

    def _noise(self, context: Tensor) -> Tensor:
        kind, rows = self.config.index.kind, context.shape[0]
        if self.quiet:
            middle = 1 / self.index_dim if kind == "members" else 0.0
            return context.new_full((rows, self.index_dim), middle)
        return indices_of(kind, hashed_noise(context, self.seed, self.index_dim))

    def _encoders(self, descriptor_range: Range, magnitude_invariant: bool) -> list[Encoder]:
        own = Members(self.index_dim) if self.config.index.kind == "members" else Noise(self.index_dim)
        return [*super()._encoders(descriptor_range, magnitude_invariant), own]

    @contextmanager
    def acting(self, deterministic: bool) -> Iterator[None]:
        """Within it noise is in the middle, if ``deterministic`` or if the agent acts by the mean."""
        with super().acting(deterministic or self.config.index.act == "mean"):
            yield

    def train(self, mode: bool = True) -> Self:
        """Sets the mode; noise is drawn anew where training ends, as a rollout begins."""
        if self.training and not mode:
            self.seed += 1
        return super().train(mode)


def indices_of(kind: IndexKind, normal: Float[Tensor, "row dim"]) -> Float[Tensor, "row dim"]:
    """Indices, given as many standard normal numbers: each number of an index has a mean square of 1.

    Of members each row is one, the others zeros; all of them are equally likely.

    These are the distributions of the index in Li et al., "HyperAgent", 2024, by the names that it has for
    them (members: coordinates).
    """
    if kind == "gaussian":
        return normal
    if kind == "sphere":
        return torch.nn.functional.normalize(normal, dim=1) * math.sqrt(normal.shape[1])
    return torch.nn.functional.one_hot(normal.argmax(dim=1), normal.shape[1]).to(normal.dtype)


def hashed_noise(context: Float[Tensor, "row dim"], seed: Tensor, count: int) -> Float[Tensor, "row count"]:
    """Standard normal numbers that depend on a row's context and the seed alone.

    A hash of the context's bits and the seed.
    """
    bits = (context.float() + 0.0).contiguous().view(torch.int32).long()
    odd = 2 * torch.arange(context.shape[1], device=context.device) + 1
    return hashed_normals((bits * (odd * _GOLDEN)).sum(dim=1) + seed, count).to(context.dtype)


def hashed_normals(keys: Int[Tensor, " row"], count: int) -> Float[Tensor, "row count"]:
    """Standard normal numbers that depend on a whole number alone, mixed as in SplitMix64.

    Steele et al., "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
    """
    counters = torch.arange(1, count + 1, device=keys.device) * _GOLDEN
    high = (_mix(_mix(keys).unsqueeze(1) + counters) >> (63 - _BITS)) & (2**_BITS - 1)
    uniform = (high.to(torch.get_default_dtype()) + 0.5) / 2**_BITS
    normal: Tensor = torch.erfinv(uniform.mul(2).sub(1)).mul(math.sqrt(2))
    return normal


def _mix(x: Tensor) -> Tensor:
    x = (x ^ _shift_right(x, 30)) * _MIXERS[0]
    x = (x ^ _shift_right(x, 27)) * _MIXERS[1]
    return x ^ _shift_right(x, 31)


def _shift_right(x: Tensor, places: int) -> Tensor:
    """A shift to the right that brings in zeros, as of unsigned numbers."""
    mask: int = 2 ** (64 - places) - 1
    return (x >> places) & mask
