"""What the hypernetwork of a policy sees: context, state, embedding, memory, or a latent."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hyperrl.arguments import ArgumentError
from hyperrl.config import DEFAULT_DIM, Beyond, HypernetworkConfig
from hyperrl.nets.encoders import (
    Concatenation,
    Encoder,
    MagnitudeInvariant,
    Masked,
    NearestTask,
    Range,
    State,
    Together,
    Vector,
)


class Conditioning(nn.Module):
    """Puts the hypernetwork's descriptors together, and makes the encoder that reads them.

    - ``"context"``: the task's descriptor, as the observation carries it.
    - ``"embedding"``: a learned vector of the training task whose descriptor is nearest.
    - ``"state"``: the features that the target sees; weights then follow the observation.
    - ``"noise"``: see :class:`~hyperrl.policies.noise.NoisyConditioning`.
    - ``"memory"``: the output of a recurrent policy's LSTM, in the place of the context; weights then follow
      all that was observed of an episode.
    - ``"latent"``: what was inferred of the context, which the observation carries in the context's place;
      weights then follow the last transitions.

    Args:
        config: Of the policy's hypernetwork.
        context_dim: Size D of a descriptor; 0 where there is none.
        state_dim: Size of the features that the target sees.
        beyond: With ``"saturate"`` each entry of a context is held within [-1, 1], so that a task beyond the
            training range has the weights of the nearest task at its edge. A missing feature stays missing.

    Raises:
        ValueError: An input that there is nothing for.
    """

    def __init__(
        self, config: HypernetworkConfig, context_dim: int, state_dim: int, beyond: Beyond = "linear"
    ) -> None:
        super().__init__()
        self.config, self.context_dim, self.state_dim = config, context_dim, state_dim
        kinds = config.inputs
        self.reads_context = context_dim > 0 and ("context" in kinds or "embedding" in kinds)
        self.follows = next((kind for kind in kinds if kind in ("state", "memory", "latent")), None)
        self.infers = self.follows in ("memory", "latent")
        self.plain = tuple(kinds) == ("context",) and not config.context_dropout
        self.saturates = beyond == "saturate" and not self.infers
        self.quiet = False
        for kind in ("embedding", "latent"):
            if kind in kinds and context_dim == 0:
                raise ValueError(f"inputs: found {kind!r} on observations without a context; it needs one")
        if config.context_dropout and not (context_dim and "context" in kinds):
            raise ArgumentError(
                ("context_dropout",), config.context_dropout, "0 on observations without a context"
            )

    def forward(
        self, x: Float[Tensor, "row features"], context: Float[Tensor, "row descriptor"]
    ) -> Float[Tensor, "row columns"]:
        """The descriptors of rows: all finite, a missing feature being told by columns of their own."""
        if self.saturates:
            context = context.clamp(-1.0, 1.0)
        if self.plain or self.infers:
            return context
        return torch.cat(self._columns(x, context), dim=1)

    def _columns(self, x: Tensor, context: Tensor) -> list[Tensor]:
        """What is seen of rows, each part by itself."""
        parts = [self._context(context)] if self.reads_context else []
        return [*parts, x] if self.follows else parts

    def tasks(self, context: Float[Tensor, "task descriptor"]) -> Float[Tensor, "task columns"]:
        """The descriptors of tasks, noise in the middle.

        Raises:
            ValueError: Weights follow the observation.
        """
        if self.dynamic:
            raise ValueError(f"inputs hold {self.follows!r}: a task alone has no weights, which follow it")
        with self.acting(deterministic=True):
            descriptors: Tensor = self(context.new_zeros(context.shape[0], self.state_dim), context)
        return descriptors

    @property
    def dynamic(self) -> bool:
        """Whether each row has weights of its own, which a task alone does not tell."""
        return self.follows is not None

    def encoder(self, descriptor_range: Range, magnitude_invariant: bool) -> Encoder | None:
        """What reads the descriptors; None where they are contexts as they come.

        Args:
            descriptor_range: Of the contexts.
            magnitude_invariant: See :class:`~hyperrl.nets.HyperNetwork`.
        """
        if self.plain:
            return None
        if self.infers:
            return Vector(self.context_dim, descriptor_range)
        return Concatenation(self._encoders(descriptor_range, magnitude_invariant))

    def _encoders(self, descriptor_range: Range, magnitude_invariant: bool) -> list[Encoder]:
        """An encoder of each part of what is seen."""
        parts: list[Encoder] = []
        if self.reads_context:
            parts.append(
                self._context_encoder(_proper_range(descriptor_range, self.context_dim), magnitude_invariant)
            )
        return [*parts, State(self.state_dim)] if self.follows else parts

    def _context_encoder(self, descriptor_range: Range, magnitude_invariant: bool) -> Encoder:
        parts: list[Encoder] = []
        dropout = self.config.context_dropout
        if "context" in self.config.inputs:
            kind = MagnitudeInvariant if magnitude_invariant else Unscaled
            context = kind(self.context_dim, descriptor_range)
            parts.append(Masked(context, dropout) if dropout else context)
        if "embedding" in self.config.inputs:
            nearest = NearestTask(self.config.training_contexts, self.config.embedding_dim or DEFAULT_DIM)
            if nearest.dim != self.context_dim:
                raise ValueError(
                    f"training_contexts: found {nearest.dim} numbers each; allowed: {self.context_dim}"
                )
            parts.append(nearest)
        both = parts[0] if len(parts) == 1 else Together(parts)
        return Flagged(both) if dropout else both

    def _context(self, context: Tensor) -> Tensor:
        return flag_missing(context) if self.config.context_dropout else context

    @contextmanager
    def acting(self, deterministic: bool) -> Iterator[None]:
        """Within it noise is in the middle, if ``deterministic``."""
        before, self.quiet = self.quiet, deterministic
        try:
            yield
        finally:
            self.quiet = before


class Unscaled(Vector):
    """Numbers as they come, their range being where tasks are drawn from at the start alone."""

    def forward(self, descriptors: Float[Tensor, "task dim"]) -> Float[Tensor, "task features"]:
        """The numbers."""
        return descriptors


class Flagged(Encoder):
    """An encoder of descriptors with missing columns (NaN), handed finite ones as :func:`flagged` makes them.

    Args:
        encoder: Takes NaN.
    """

    def __init__(self, encoder: Encoder) -> None:
        super().__init__(2 * encoder.dim, encoder.out_dim)
        self.encoder = encoder

    def forward(self, descriptors: Float[Tensor, "task dim"]) -> Float[Tensor, "task features"]:
        """The features of the descriptors, NaN put back."""
        values, absent = descriptors.chunk(2, dim=1)
        features: Tensor = self.encoder(values.masked_fill(absent > 0, torch.nan))
        return features

    def sample(self, tasks: int) -> Float[Tensor, "task dim"]:
        """The encoder's own."""
        return flag_missing(self.encoder.sample(tasks))


def flag_missing(descriptors: Float[Tensor, "row dim"]) -> Float[Tensor, "row columns"]:
    """Descriptors with 0 for NaN, then 1 where it was and 0 elsewhere."""
    absent = descriptors.isnan()
    return torch.cat([descriptors.masked_fill(absent, 0.0), absent.to(descriptors.dtype)], dim=1)


def _proper_range(descriptor_range: Range, dim: int) -> Range:
    """The range with each low below its high."""
    low, high = (torch.as_tensor(bound, dtype=torch.float32).expand(dim) for bound in descriptor_range)
    return low, torch.where(high > low, high, low + 1)
