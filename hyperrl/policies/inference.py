"""Inference of the context: an encoder of the last transitions, and the forward model by which it learns."""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import BasePolicy
from torch import Tensor, nn

from hyperrl.nets import MLP, HyperNetwork
from hyperrl.nets.encoders import Transitions
from hyperrl.policies.normalization import BufferedMeanStd, Statistics
from hyperrl.policies.optimizer import fused_options
from hyperrl.policies.windows import Floats, Observation, TransitionRows, Windows
from hyperrl.recipes import CONTEXT
from hyperrl.recipes.inference import Inference

NAME = "inference"
"""Name of the module in a policy."""

_CLIP, _EPSILON = 10.0, 1e-12
"""Normalized numbers are clipped to this size; this is added to variances."""


class _Scales(Statistics):
    """Statistics that stay on the CPU in double precision, whatever the policy is moved or cast to.

    Stable-Baselines3's begin with a variance of 1, which counts as a ten-thousandth of an array: beside small
    changes that would be seen for a long time. These begin with next to none.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(shape)
        self.count.fill_(1e-12)

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> Self:
        return self


class ContextInference(nn.Module):
    """Infers a latent from the last transitions of an episode, in the place of the context.

    A forward model predicts by how much the next observation differs from the present one. Its weights are
    generated from the latent, which an encoder makes of the transitions before. Encoder and forward model
    learn from the error of this prediction alone; the policy takes the latent as it is. This is how DMA*-SH
    learns its context encoder ("Dynamics-Aligned Shared Hypernetworks for Zero-Shot Actuator Inversion",
    2026). Unlike there, actor and critics have hypernetworks of their own.

    It is a part of the policy, so that all that holds weights holds it too.

    Args:
        settings: Of the recipe.
        observation_space: A family's; its parts beside the context are boxes of floating-point numbers.
        action_space: A Box with finite bounds, or Discrete.
        to_learn: Whether it has an optimizer.

    Attributes:
        settings: As above.
        transitions: Puts transitions into rows.
        forward_model: The hypernetwork that generates the forward model, and its encoder.
        optimizer: Of both; None where it only acts.
    """

    def __init__(
        self,
        settings: Inference,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        to_learn: bool = True,
    ) -> None:
        super().__init__()
        assert isinstance(observation_space, spaces.Dict)
        self.settings = settings
        self.transitions = rows = TransitionRows(observation_space, action_space)
        self.encoder = Transitions(rows.columns, settings.window, settings.latent, settings.hidden)
        network = MLP(rows.observed + rows.acted, rows.observed, settings.hidden, nn.ReLU)
        self.forward_model = HyperNetwork(settings.latent, network)
        self.scales = _Scales((rows.columns,))
        self.optimizer: torch.optim.Optimizer | None = None
        if to_learn:
            options = fused_options(torch.optim.Adam, {"lr": settings.learning_rate})
            self.optimizer = torch.optim.Adam(self.parameters(), **options)

    @property
    def _statistics(self) -> BufferedMeanStd:
        return BufferedMeanStd(self.scales)

    @property
    def _device(self) -> torch.device:
        return self.encoder.summary.weight.device

    def windows(self, count: int) -> Windows:
        """Empty windows of so many environments."""
        return Windows(count, self.settings.window, self.transitions.columns)

    def add_statistics(self, transitions: Floats) -> None:
        """Takes transitions (n, columns) into account, by whose statistics all are normalized."""
        self._statistics.add(transitions)

    def latents(self, windows: Floats) -> Floats:
        """The latents (n, latent) of windows (n, window, columns + 1), all of them in (-1, 1)."""
        with torch.no_grad():
            found: Floats = self._encoded(windows).cpu().numpy()
        return found

    def learn(self, windows: Floats, transitions: Floats) -> float:
        """Takes one step on the error of the forward model.

        Args:
            windows: (n, window, columns + 1), what came before each transition.
            transitions: (n, columns), whose changes are predicted.

        Returns:
            The mean squared error, of changes in units of their standard deviations.
        """
        if self.optimizer is None:
            raise ValueError("to_learn: found False; allowed: True where it learns")
        with torch.enable_grad():
            split = self.transitions.observed + self.transitions.acted
            normalized = torch.as_tensor(self._normalized(transitions), device=self._device)
            seen, changes = normalized[:, :split], normalized[:, split:]
            predicted = self.predict(self._encoded(windows), seen)
            loss = nn.functional.mse_loss(predicted, changes)
            self.optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
        return loss.item()

    def predict(self, latents: Tensor, seen: Tensor) -> Tensor:
        """The changes (n, observed) after normalized observations and actions (n, observed + acted)."""
        changes: Tensor = self.forward_model.target(seen, self.forward_model(latents))
        return changes

    def _encoded(self, windows: Floats) -> Tensor:
        rows = np.concatenate([self._normalized(windows[..., :-1]) * windows[..., -1:], windows[..., -1:]], 2)
        latents: Tensor = self.encoder(torch.as_tensor(rows, device=self._device).flatten(1))
        return latents

    def _normalized(self, transitions: Floats) -> Floats:
        """Transitions (..., columns) whose observations and changes are normalized; actions stay."""
        observed, acted = self.transitions.observed, self.transitions.acted
        statistics = self._statistics
        mean, std = statistics.mean.copy(), np.sqrt(statistics.var + _EPSILON)
        mean[observed : observed + acted], std[observed : observed + acted] = 0.0, 1.0
        scaled = (transitions - mean.astype(np.float32)) / std.astype(np.float32)
        normalized: Floats = np.minimum(np.maximum(scaled, -_CLIP), _CLIP)
        return normalized


class OnlineInference:
    """Infers the contexts of environments that are played, from what is observed and done.

    Args:
        inference: Of the policy.
    """

    def __init__(self, inference: ContextInference) -> None:
        self._inference = inference
        self.reset()

    def reset(self) -> None:
        """Begins episodes: all transitions are forgotten."""
        self._windows: Windows | None = None
        self._before: Floats | None = None
        self._actions: Floats | None = None

    def observe(self, observation: Observation) -> dict[str, Any]:
        """The observation of n environments with latents (n, latent) in the place of the contexts.

        Raises:
            ValueError: n is not that of the call before.
        """
        rows = self._inference.transitions
        seen = rows.observations(observation)
        if self._windows is None:
            self._windows = self._inference.windows(len(seen))
        before = len(self._windows.rows)
        if before != len(seen):
            raise ValueError(f"found {len(seen)} observations after {before}; allowed: as many until reset()")
        if self._before is not None and self._actions is not None:
            self._windows.add(rows.join(self._before, self._actions, seen))
        self._before, self._actions = seen, None
        return {**observation, CONTEXT: self._inference.latents(self._windows.rows)}

    def act(self, actions: Any) -> None:
        """Notes the actions (n, ...) that the environments take."""
        self._actions = self._inference.transitions.actions(np.asarray(actions))


def inferred_space(settings: Inference, space: spaces.Space[Any]) -> spaces.Dict:
    """A family's observation space with the latent in the place of the context."""
    assert isinstance(space, spaces.Dict)
    latent = spaces.Box(-1.0, 1.0, (settings.latent,), np.float32)
    return spaces.Dict({name: latent if name == CONTEXT else part for name, part in space.spaces.items()})


def register(policy: BasePolicy, inference: ContextInference) -> None:
    """Make an inference a part of a policy."""
    policy.add_module(NAME, inference)


def inference_of(policy: BasePolicy) -> ContextInference | None:
    """What infers a policy's contexts; None where they are observed."""
    found = policy._modules.get(NAME)
    assert found is None or isinstance(found, ContextInference)
    return found
