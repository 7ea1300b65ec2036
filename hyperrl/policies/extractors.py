"""How an observation is split into what a network sees and what describes the task."""

from collections.abc import Iterator
from typing import Any, TypeGuard, get_args

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import BaseModel
from stable_baselines3.common.preprocessing import get_flattened_obs_dim, is_image_space
from stable_baselines3.common.torch_layers import (
    BaseFeaturesExtractor,
    CombinedExtractor,
    FlattenExtractor,
    NatureCNN,
)
from stable_baselines3.common.type_aliases import PyTorchObs
from torch import Tensor, nn

from hyperrl.arguments import one_of
from hyperrl.config import Beyond
from hyperrl.errors import UserError
from hyperrl.recipes import CONTEXT

SMALLEST_IMAGE = 36
"""Height and width from which on Stable-Baselines3's convolutions can see an image."""


def has_context(space: spaces.Space[Any]) -> TypeGuard[spaces.Dict]:
    """Whether observations are a dictionary with the task's descriptor."""
    return isinstance(space, spaces.Dict) and CONTEXT in space.spaces


def without_context(space: spaces.Space[Any]) -> spaces.Space[Any]:
    """The observation space that is left when the context is taken out; ValueError where none is."""
    if not has_context(space):
        return space
    rest = {key: part for key, part in space.spaces.items() if key != CONTEXT}
    if not rest:
        raise ValueError(
            "observation_space: found a Dict of 'context' alone; allowed: one with another part, which the"
            " networks see"
        )
    return spaces.Dict(rest)


class PartsExtractor(CombinedExtractor):
    """Stable-Baselines3's ``CombinedExtractor``, which flattens images too small for its convolutions.

    Args:
        observation_space: A dictionary; images have their channels first.
        normalized_image: Images come normalized already, so that their type and bounds are not checked.
        beyond: With ``"saturate"`` each entry of the context is held within [-1, 1], the training range; with
            ``"linear"`` it passes as it is.
        arguments: The other arguments of ``CombinedExtractor``.
    """

    def __init__(
        self,
        observation_space: spaces.Dict,
        normalized_image: bool = False,
        beyond: Beyond = "linear",
        **arguments: Any,
    ) -> None:
        one_of(get_args(Beyond)).check("beyond", beyond)
        parts = {
            key: spaces.flatten_space(part) if _is_small(part, normalized_image) else part
            for key, part in observation_space.spaces.items()
        }
        super().__init__(spaces.Dict(parts), normalized_image=normalized_image, **arguments)
        self._observation_space = observation_space
        self._features_dim = int(self._features_dim)  # NumPy's, of choices, which torch's LSTM refuses
        if beyond == "saturate" and CONTEXT in self.extractors:
            self.extractors[CONTEXT] = nn.Sequential(self.extractors[CONTEXT], nn.Hardtanh(-1.0, 1.0))


def _is_small(space: spaces.Space[Any], normalized_image: bool) -> bool:
    """Whether it is of images, channels first, that Stable-Baselines3's convolutions are too large for."""
    if not is_image_space(space, normalized_image=normalized_image):
        return False
    _, height, width = space.shape or (0, 0, 0)
    return min(height, width) < SMALLEST_IMAGE


def _extract(
    space: spaces.Space[Any],
    inner: type[BaseFeaturesExtractor] | None,
    images_normalized: bool,
    arguments: dict[str, Any],
) -> BaseFeaturesExtractor:
    if inner is None or inner is FlattenExtractor:
        inner = PartsExtractor if isinstance(space, spaces.Dict) else FlattenExtractor
    if images_normalized and issubclass(inner, (CombinedExtractor, NatureCNN)):
        arguments = {**arguments, "normalized_image": True}
    return inner(space, **arguments)


class ContextExtractor(BaseFeaturesExtractor):
    """Features of the observation, then the task's descriptor, in one tensor.

    The output is (batch, features + descriptor): the first ``features_dim - descriptor_dim`` columns come
    from the observation without its context, the last ``descriptor_dim`` are the context. An observation
    space without the key ``"context"`` has ``descriptor_dim`` 0. An attribute that this class does not
    have is looked up in the inner extractor.

    Args:
        observation_space: Any space that Stable-Baselines3's policies take.
        inner: Features extractor for the observation without its context; None stands for
            :class:`PartsExtractor` on a dictionary and ``FlattenExtractor`` elsewhere.
        images_normalized: Images come normalized already, so that their type and bounds are not checked.
        arguments: Further arguments of ``inner``.

    Attributes:
        vectors: The observation's parts that are its features when they are put one after the other, all of
            them vectors of single-precision numbers; none where more is to be done.
    """

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        inner: type[BaseFeaturesExtractor] | None = None,
        images_normalized: bool = False,
        **arguments: Any,
    ) -> None:
        self.descriptor_dim = 0
        if has_context(observation_space):
            self.descriptor_dim = int(get_flattened_obs_dim(observation_space[CONTEXT]))
        extractor = _extract(without_context(observation_space), inner, images_normalized, arguments)
        super().__init__(observation_space, int(extractor.features_dim) + self.descriptor_dim)
        self.inner = extractor
        self.vectors = self._find_vectors()

    def __getattr__(self, name: str) -> Any:
        """An attribute that only the inner extractor has, such as a layer of a user's own."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            inner = self.__dict__.get("_modules", {}).get("inner")
            if inner is None or not hasattr(inner, name):
                raise
            return getattr(inner, name)

    def forward(self, observations: PyTorchObs) -> Tensor:
        """(batch, features + descriptor)."""
        if not isinstance(observations, dict) or CONTEXT not in observations:
            features: Tensor = self.inner(observations)
            return features
        features = self.inner({key: value for key, value in observations.items() if key != CONTEXT})
        if not self.descriptor_dim:
            return features
        return torch.cat([features, observations[CONTEXT].flatten(1)], dim=1)

    def _find_vectors(self) -> tuple[str, ...]:
        space = self._observation_space
        if type(self) is not ContextExtractor or type(self.inner) is not PartsExtractor:
            return ()
        if not has_context(space):
            return ()
        numbers = all(
            isinstance(part, spaces.Box) and part.dtype == np.float32 and len(part.shape) == 1
            for part in space.spaces.values()
        )
        return tuple(self.inner.extractors) if numbers else ()


Inputs = Tensor | tuple[Tensor, Tensor]
"""Features with the descriptors behind them, (batch, features + descriptor), or each by itself."""


def vectors_of(extractor: object, observations: object) -> tuple[Tensor, Tensor] | None:
    """Features (batch, features) and descriptors (batch, descriptor) that an extractor need not make.

    Observations that are vectors of single-precision numbers are their own features, put one after the
    other; None where they are not, or another extractor is to see them.
    """
    if not isinstance(extractor, ContextExtractor) or not extractor.vectors:
        return None
    if not isinstance(observations, dict):
        return None
    context, parts = observations[CONTEXT], [observations[name] for name in extractor.vectors]
    if any(part.dtype != torch.float32 for part in (context, *parts)):
        return None
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1), context


def inputs_of(model: BaseModel, observations: PyTorchObs) -> Inputs:
    """What a model's generated networks take of observations: as they are, or extracted where need be."""
    extractor: Any = model.features_extractor
    vectors = vectors_of(extractor, observations)
    return model.extract_features(observations, extractor) if vectors is None else vectors


class HidingExtractor(ContextExtractor):
    """Features of the observation alone, for a policy from which contexts are hidden; no descriptor follows.

    Takes the arguments of :class:`ContextExtractor`.
    """

    def __init__(self, observation_space: spaces.Space[Any], **arguments: Any) -> None:
        super().__init__(without_context(observation_space), **arguments)


class BlindExtractor(PartsExtractor):
    """Features of the observation alone: for a ``MultiInputPolicy`` that never learns which task it is on.

    Args:
        observation_space: A dictionary, with or without a context.
        arguments: The other arguments of ``PartsExtractor``.
    """

    def __init__(self, observation_space: spaces.Dict, **arguments: Any) -> None:
        rest = without_context(observation_space)
        if not isinstance(rest, spaces.Dict):
            raise ValueError(f"observation_space: found {rest}; allowed: a Dict, whose 'context' is left out")
        super().__init__(rest, **arguments)


class PixelExtractor(FlattenExtractor):
    """The pixels of the one image that is observed, channels first, in a row: for a generated CNN."""

    def __init__(self, observation_space: spaces.Space[Any]) -> None:
        image_shape(observation_space)
        image = _single(observation_space)
        assert image is not None
        super().__init__(image)

    def forward(self, observations: PyTorchObs) -> Tensor:
        """(batch, channels * height * width)."""
        image = next(iter(observations.values())) if isinstance(observations, dict) else observations
        return image.flatten(1).float()


def _single(space: spaces.Space[Any]) -> spaces.Space[Any] | None:
    parts = list(space.spaces.values()) if isinstance(space, spaces.Dict) else [space]
    return parts[0] if len(parts) == 1 else None


def image_shape(space: spaces.Space[Any]) -> tuple[int, int, int]:
    """(channels, height, width) of an observation that is one image but for its context.

    Args:
        space: With or without its context, channels first as Stable-Baselines3 transposes it.

    Raises:
        ValueError: The observation is no image.
    """
    image = _single(without_context(space))
    if not isinstance(image, spaces.Box) or len(image.shape) != 3:
        raise ValueError(
            f"convolutions: found the observation {without_context(space)}; allowed: one image, of three axes"
        )
    channels, height, width = image.shape
    return channels, height, width


def feature_parts(extractor: nn.Module, keys: list[str]) -> Iterator[tuple[str, BaseFeaturesExtractor]]:
    """The extractors of an observation's parts, in the order in which their features are joined.

    Args:
        extractor: Of a policy.
        keys: The observation's, without the context; an extractor of the only part does not name it.

    Raises:
        UserError: An extractor of a user's own.
    """
    match extractor:
        case ContextExtractor():
            yield from feature_parts(extractor.inner, keys)
        case CombinedExtractor():
            observed = extractor._observation_space
            assert isinstance(observed, spaces.Dict)
            for key, part in extractor.extractors.items():
                yield key, part if isinstance(part, NatureCNN) else FlattenExtractor(observed[key])
        case NatureCNN() | PixelExtractor() | FlattenExtractor():
            yield keys[0], extractor
        case _:
            raise UserError(f"specialist: an extractor {type(extractor).__name__} cannot be written")
