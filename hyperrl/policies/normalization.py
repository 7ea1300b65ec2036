"""Running statistics of observations and returns, by which a policy's inputs and rewards are normalized."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.running_mean_std import RunningMeanStd
from torch import Tensor, nn

from hyperrl.policies.extractors import feature_parts
from hyperrl.recipes import CONTEXT, Normalize
from hyperrl.tasks.spaces import float_parts

NAME = "normalization"
"""Name of the module in a policy."""

Array = NDArray[Any]


class Statistics(nn.Module):
    """Mean, variance and count of a stream of arrays, as buffers in double precision.

    Args:
        shape: Of one array.
    """

    mean: Tensor
    var: Tensor
    count: Tensor

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        start = RunningMeanStd(shape=shape)
        for name in ("mean", "var", "count"):
            self.register_buffer(name, torch.as_tensor(getattr(start, name), dtype=torch.float64))


class BufferedMeanStd(RunningMeanStd):
    """Stable-Baselines3's ``RunningMeanStd``, whose numbers are a module's buffers.

    It shares their memory, so it sees what is loaded into them.

    Args:
        statistics: The module.
    """

    def __init__(self, statistics: Statistics) -> None:
        self._mean, self._var = statistics.mean.numpy(), statistics.var.numpy()
        self._count: Array = statistics.count.numpy()

    @property
    def mean(self) -> Array:
        """Mean, of the shape of one array."""
        return self._mean[()]

    @mean.setter
    def mean(self, value: Array) -> None:
        self._mean[...] = value

    @property
    def var(self) -> Array:
        """Variance, of the shape of one array."""
        return self._var[()]

    @var.setter
    def var(self, value: Array) -> None:
        self._var[...] = value

    @property
    def count(self) -> float:
        """How many arrays there were, and the small number that Stable-Baselines3 begins with."""
        return float(self._count)

    @count.setter
    def count(self, value: float) -> None:
        self._count[...] = value

    def add(self, rows: Array) -> bool:
        """Does what ``update`` does, bit for bit, unless the moments of the rows are not finite.

        Args:
            rows: (row, ...), floating-point numbers.

        Returns:
            Whether the moments are finite.
        """
        count = len(rows)  # np.mean and np.var compute the same in three times the time
        mean = np.add.reduce(rows, axis=0) / count
        deviations = rows - mean
        var = np.add.reduce(deviations * deviations, axis=0) / count
        if not math.isfinite(np.add.reduce(var, axis=None)):
            return False
        self.update_from_moments(mean, var, count)
        return True

    def update_from_moments(self, batch_mean: Array, batch_var: Array, batch_count: float) -> None:
        """Takes a batch of these moments into account; the same operations in fewer steps."""
        mean, var, count = self.mean, self.var, self.count
        delta, total = batch_mean - mean, count + batch_count
        squares = var * count + batch_var * batch_count
        self.mean = mean + delta * batch_count / total
        delta *= delta
        delta *= count
        delta *= batch_count
        squares += delta / total
        self.var = squares / total
        self.count = total

    def normalize(self, rows: Array, clip: float, epsilon: float) -> Array:
        """What ``VecNormalize`` makes of observations (row, ...) or of a single one, in single precision."""
        scaled = (rows - self._mean) / np.sqrt(self._var + epsilon)
        normalized: Array = np.minimum(np.maximum(scaled, -clip), clip).astype(np.float32)
        return normalized


class Normalization(nn.Module):
    """The statistics of an agent that trains on normalized observations or rewards, and their use.

    They are part of the policy, so that all that holds weights holds them too. They stay on the CPU in
    double precision, whatever the policy is moved or cast to.

    Args:
        settings: What is normalized.
        space: A family's observations.

    Attributes:
        settings: As above.
        parts: The statistics of each part of the observations that is normalized, by name.
        returns: Those of discounted returns; None where rewards are not normalized.
    """

    parts: Any

    def __init__(self, settings: Normalize, space: spaces.Space[Any]) -> None:
        super().__init__()
        assert isinstance(space, spaces.Dict)
        names = float_parts(space) if settings.norm_obs else []
        self.settings = settings
        self.parts = nn.ModuleDict({name: Statistics(space[name].shape or ()) for name in names})
        self.returns = Statistics(()) if settings.norm_reward else None

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> Self:
        return self

    def scale(self, name: str) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of a part, in double precision, epsilon included in the latter."""
        part = self.parts[name]
        return part.mean, torch.sqrt(part.var + self.settings.epsilon)

    def running_means(self) -> dict[str, BufferedMeanStd]:
        """What updates the statistics of each part of the observations."""
        return {name: BufferedMeanStd(self.parts[name]) for name in self.parts}

    def normalize(self, observation: Mapping[str, Array]) -> dict[str, Array]:
        """An observation of a family, or a batch of them, as the policy sees it; statistics stay as they are.

        It computes what ``VecNormalize.normalize_obs`` does.
        """
        settings, running = self.settings, self.running_means()
        normalized = {
            name: part.normalize(observation[name], settings.clip_obs, settings.epsilon)
            for name, part in running.items()
        }
        return {**observation, **normalized}

    def forward(self, observation: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The same of tensors."""
        normalized, clip = dict(observation), self.settings.clip_obs
        for name in self.parts:
            mean, std = self.scale(name)
            normalized[name] = ((observation[name].double() - mean) / std).clamp(-clip, clip).float()
        return normalized


class NormalizedFeatures(nn.Module):
    """Normalizes features: what an extractor joins of raw observations, as it were of normalized ones.

    Features of parts that are not normalized, such as images, stay the same.

    Args:
        normalization: Of the policy.
        extractor: Of the policy.
        space: A family's observations.
    """

    mean: Tensor
    std: Tensor
    bound: Tensor

    def __init__(self, normalization: Normalization, extractor: nn.Module, space: spaces.Space[Any]) -> None:
        super().__init__()
        assert isinstance(space, spaces.Dict)
        columns: list[tuple[Tensor, Tensor, Tensor]] = []
        for name, part in feature_parts(extractor, [key for key in space.spaces if key != CONTEXT]):
            if name in normalization.parts:
                mean, std = (each.flatten() for each in normalization.scale(name))
                columns.append((mean.clone(), std, torch.full_like(mean, normalization.settings.clip_obs)))
            else:
                zeros = torch.zeros(part.features_dim, dtype=torch.float64)
                columns.append((zeros, zeros + 1, zeros + torch.inf))
        for name, parts in zip(("mean", "std", "bound"), zip(*columns, strict=True), strict=True):
            self.register_buffer(name, torch.cat(parts))

    def forward(self, features: Tensor) -> Tensor:
        """(row, features), single precision."""
        scaled = (features.double() - self.mean) / self.std
        return torch.minimum(torch.maximum(scaled, -self.bound), self.bound).float()


def normalized_by_themselves(
    settings: Normalize, space: spaces.Space[Any], observations: Mapping[str, Array]
) -> dict[str, Array]:
    """Observations (row, ...) by part, normalized by statistics of these alone, as where training begins."""
    normalization = Normalization(settings, space)
    for name, part in normalization.running_means().items():
        part.add(observations[name])
    return normalization.normalize(observations)


def register(policy: BasePolicy, normalization: Normalization) -> None:
    """Make statistics a part of a policy."""
    policy.add_module(NAME, normalization)


def normalization_of(policy: BasePolicy) -> Normalization | None:
    """The statistics of a policy; None where nothing is normalized."""
    found = policy._modules.get(NAME)
    assert found is None or isinstance(found, Normalization)
    return found
