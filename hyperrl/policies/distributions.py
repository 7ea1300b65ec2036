"""Leaner distributions of actions: SB3's in all but the number of operations."""

import math
from collections.abc import Sequence
from typing import Any, Self

import torch
from stable_baselines3.common.distributions import (
    CategoricalDistribution,
    DiagGaussianDistribution,
    Distribution,
    SquashedDiagGaussianDistribution,
    TanhBijector,
)
from torch import Tensor
from torch.distributions import Categorical, Normal

from hyperrl.policies.effort import Effort

_LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)
_LOWEST = -1e20
"""What is as good as the logarithm of 0, and multiplied by a gradient still finite."""


def _log_density(mean: Tensor, log_std: Tensor, actions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Log densities (batch,); inverse standard deviations; deviations in their units, (batch, actions)."""
    precision = (-log_std).exp()
    scaled = (actions - mean) * precision
    constant = log_std.sum() + log_std.numel() * _LOG_SQRT_2PI
    return scaled.square().sum(dim=1) * -0.5 - constant, precision, scaled


class _Evaluation(torch.autograd.Function):
    """Log densities of a diagonal Gaussian and its entropies as one operation."""

    @staticmethod
    def forward(
        ctx: Any, mean: Tensor, log_std: Tensor, actions: Tensor, effort: Effort | None
    ) -> tuple[Tensor, Tensor]:
        densities, *saved = _log_density(mean, log_std, actions)
        ctx.save_for_backward(mean, log_std, actions)
        ctx.saved, ctx.effort = saved, effort
        ctx.set_materialize_grads(False)
        return densities, _entropy(log_std).expand(len(mean))

    @staticmethod
    def backward(ctx: Any, of_density: Tensor | None, of_entropy: Tensor | None) -> tuple[Tensor | None, ...]:
        needed = ctx.needs_input_grad
        saved: tuple[Tensor, ...] = ctx.saved_tensors
        if torch.is_grad_enabled():
            return *_differentiable(saved, needed[:3], ctx.effort, of_density, of_entropy), None
        of_mean = of_actions = None
        of_log_std = (
            torch.zeros_like(saved[1]) if of_entropy is None else of_entropy.sum().expand_as(saved[1])
        )
        if of_density is not None:
            precision, scaled = ctx.saved
            weighted = scaled * of_density.unsqueeze(1)
            of_log_std = (weighted * scaled).sum(dim=0) - of_density.sum() + of_log_std
            of_mean = weighted * precision
            of_actions = -of_mean if needed[2] else None
            if ctx.effort is not None:
                of_mean = ctx.effort.added_to(of_mean, saved[0])
        return of_mean, of_log_std, of_actions, None


def _differentiable(
    saved: Sequence[Tensor], needed: Sequence[bool], effort: Effort | None, *gradients: Tensor | None
) -> tuple[Tensor | None, ...]:
    """Gradients that can be differentiated again: those of the same operations one by one."""
    # Actions may be made from the mean; the gradient of one must not pass through the other.
    mean, log_std, actions = inputs = [tensor.view_as(tensor) for tensor in saved]
    wanted = [tensor for tensor, its in zip(inputs, needed, strict=True) if its]
    densities, _, _ = _log_density(mean if effort is None else effort(mean), log_std, actions)
    outputs = densities, _entropy(log_std).expand(len(mean))
    pairs = [(y, its) for y, its in zip(outputs, gradients, strict=True) if its is not None]
    found = iter(
        torch.autograd.grad(
            [y for y, _ in pairs],
            wanted,
            [its for _, its in pairs],
            create_graph=True,
            allow_unused=True,
        )
    )
    return tuple(next(found) if its else None for its in needed)


def _entropy(log_std: Tensor) -> Tensor:
    """The entropy of each row's distribution, a scalar."""
    return log_std.sum() + log_std.numel() * (0.5 + _LOG_SQRT_2PI)


def evaluate_gaussian(
    mean: Tensor, log_std: Tensor, actions: Tensor, effort: Effort | None = None
) -> tuple[Tensor, Tensor]:
    """Log densities (batch,) of a diagonal Gaussian, and its entropies (batch,).

    Args:
        mean: (batch, actions).
        log_std: Log standard deviations (actions,).
        actions: (batch, actions).
        effort: The price of the means, where they have one, added to their gradient.
    """
    evaluated: tuple[Tensor, Tensor] = _Evaluation.apply(mean, log_std, actions, effort)  # type: ignore[no-untyped-call]
    return evaluated


class FastDiagGaussian(DiagGaussianDistribution):
    """Stable-Baselines3's diagonal Gaussian: the same samples, densities and entropies in fewer operations.

    The standard deviation is the same for all rows, so its logarithm need not be taken again row by row. Of
    actions that were drawn here the noise is known, which their density needs.
    """

    _drawn: tuple[Tensor, Tensor] | None = None

    def proba_distribution(self, mean_actions: Tensor, log_std: Tensor) -> Self:
        """Sets means (batch, actions) and log standard deviations (actions,)."""
        self.mean, self.log_std, self._drawn = mean_actions, log_std.clone(), None
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """A copy without the means of the last pass, whose graph torch refuses to copy."""
        return type(self)(self.action_dim)

    @property
    def distribution(self) -> Normal:  # type: ignore[override]
        """The same distribution as torch has it."""
        return Normal(self.mean, self.log_std.exp().expand_as(self.mean))

    def log_prob(self, actions: Tensor) -> Tensor:
        """Log densities (batch,) of actions (batch, actions)."""
        if not torch.is_grad_enabled() and self._drawn is not None and self._drawn[0] is actions:
            constant = self.log_std.sum() + self.action_dim * _LOG_SQRT_2PI
            return self._drawn[1].square().sum(dim=1) * -0.5 - constant
        return evaluate_gaussian(self.mean, self.log_std, actions)[0]

    def entropy(self) -> Tensor:
        """Entropies (batch,)."""
        return _entropy(self.log_std).expand(len(self.mean))

    def sample(self) -> Tensor:
        """Samples (batch, actions) that gradients pass through."""
        noise = torch.randn_like(self.mean)
        actions = torch.addcmul(self.mean, noise, self.log_std.exp())
        self._drawn = actions, noise
        return actions

    def mode(self) -> Tensor:
        """The means (batch, actions)."""
        return self.mean


class FastSquashedDiagGaussian(SquashedDiagGaussianDistribution):
    """Stable-Baselines3's squashed Gaussian: the same samples and densities in fewer operations.

    Of an action that was drawn here the noise is known, which its density needs; gradients by way of the
    Gaussian's own density cancel and are left out.
    """

    def proba_distribution(self, mean_actions: Tensor, log_std: Tensor) -> Self:
        """Sets means and log standard deviations before squashing, (batch, actions) each."""
        self.mean, self.log_std = mean_actions, log_std
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """A copy without the means of the last pass, whose graph torch refuses to copy."""
        return type(self)(self.action_dim, self.epsilon)

    @property
    def distribution(self) -> Normal:  # type: ignore[override]
        """The Gaussian as torch has it."""
        return Normal(self.mean, self.log_std.exp().expand_as(self.mean))

    def log_prob(self, actions: Tensor, gaussian_actions: Tensor | None = None) -> Tensor:
        """Log densities (batch,) of squashed actions (batch, actions).

        Args:
            actions: Within (-1, 1).
            gaussian_actions: The same before squashing; None: they are computed.
        """
        if gaussian_actions is None:
            gaussian_actions = TanhBijector.inverse(actions)
        scaled = (gaussian_actions - self.mean) * (-self.log_std).exp()
        return self._log_prob(actions, scaled)

    def _log_prob(self, actions: Tensor, noise: Tensor) -> Tensor:
        """Given the actions and the noise that they are made of."""
        constant = noise.square().sum(dim=1) * 0.5 + self.action_dim * _LOG_SQRT_2PI
        squashing = torch.addcmul(actions.new_ones(()), actions, actions, value=-1).add_(self.epsilon).log()
        return -constant - (squashing + self.log_std).sum(dim=1)

    def sample(self) -> Tensor:
        """Samples (batch, actions) that gradients pass through."""
        return self._sample(torch.randn_like(self.mean))

    def _sample(self, noise: Tensor) -> Tensor:
        self.gaussian_actions = torch.addcmul(self.mean, noise, self.log_std.exp())
        return self.gaussian_actions.tanh()

    def mode(self) -> Tensor:
        """The squashed means (batch, actions)."""
        self.gaussian_actions = self.mean
        return self.mean.tanh()

    def log_prob_from_params(self, mean_actions: Tensor, log_std: Tensor) -> tuple[Tensor, Tensor]:
        """Samples (batch, actions) of a distribution, and their log densities (batch,)."""
        self.proba_distribution(mean_actions, log_std)
        noise = torch.randn_like(mean_actions)
        actions = self._sample(noise)
        return actions, self._log_prob(actions, noise)


class FastCategorical(CategoricalDistribution):
    """Stable-Baselines3's categorical distribution: the same probabilities in fewer operations.

    Logits are normalized once, and what is drawn or asked for is not checked again.
    """

    def proba_distribution(self, action_logits: Tensor) -> Self:
        """Sets logits (batch, actions), normalized or not."""
        self.log_probs = torch.log_softmax(action_logits, dim=1)
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """A copy without the logits of the last pass, whose graph torch refuses to copy."""
        return type(self)(self.action_dim)

    @property
    def distribution(self) -> Categorical:  # type: ignore[override]
        """The same distribution as torch has it."""
        return Categorical(logits=self.log_probs)

    def log_prob(self, actions: Tensor) -> Tensor:
        """Log probabilities (batch,) of actions (batch,)."""
        return self.log_probs.gather(1, actions.long().unsqueeze(1)).squeeze(1)

    def entropy(self) -> Tensor:
        """Entropies (batch,); an action of probability 0 adds nothing."""
        return -(self.log_probs.exp() * self.log_probs.clamp_min(_LOWEST)).sum(dim=1)

    def evaluate(self, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Log probabilities (batch,) of actions (batch,), and entropies (batch,).

        The logits stay as numbers, without the graph that they came from and all that it holds.
        """
        evaluated = self.log_prob(actions), self.entropy()
        self.log_probs = self.log_probs.detach()
        return evaluated

    def sample(self) -> Tensor:
        """Samples (batch,)."""
        return torch.multinomial(self.log_probs.exp(), 1).squeeze(1)

    def mode(self) -> Tensor:
        """The most likely actions (batch,)."""
        return self.log_probs.argmax(dim=1)


def fast_distribution(distribution: Distribution) -> Distribution:
    """The lean form of a distribution of Stable-Baselines3's, where there is one; itself where not."""
    if type(distribution) is DiagGaussianDistribution:
        return FastDiagGaussian(distribution.action_dim)
    if type(distribution) is CategoricalDistribution:
        return FastCategorical(distribution.action_dim)
    if type(distribution) is SquashedDiagGaussianDistribution:
        return FastSquashedDiagGaussian(distribution.action_dim, distribution.epsilon)
    return distribution
