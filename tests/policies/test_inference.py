"""Contexts that are inferred from the last transitions."""

from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces

from hyperrl.policies.inference import ContextInference, OnlineInference, inferred_space
from hyperrl.recipes.inference import Inference

SPACE = spaces.Dict(obs=spaces.Box(-9, 9, (1,)), context=spaces.Box(-1, 1, (1,)))
ACTIONS = spaces.Box(-1, 1, (1,))
SETTINGS = Inference(window=4, latent=3, hidden=(32,), learning_rate=1e-2)


def inference(**options: Any) -> ContextInference:
    torch.manual_seed(0)
    return ContextInference(SETTINGS, SPACE, ACTIONS, **options)


def pushed(signs: Any, count: int, rng: np.random.Generator) -> Any:
    """Transitions (sign, count, columns) of points that move by an action or against it."""
    before, actions = rng.uniform(-1, 1, (2, len(signs), count)).astype(np.float32)
    return np.stack([before, actions, 0.01 * signs[:, None] * actions], axis=2).astype(np.float32)


def test_the_encoder_learns_what_decides_over_the_next_observation() -> None:
    """The sign cannot be predicted without it: the best error is then 1, the variance of a change."""
    found, rng = inference(), np.random.default_rng(0)

    def minibatch(empty: bool = False) -> tuple[Any, Any]:
        transitions = pushed(rng.choice([-1.0, 1.0], 64), 5, rng)
        windows = np.concatenate([transitions[:, :4], np.ones((64, 4, 1))], axis=2).astype(np.float32)
        return windows * (not empty), transitions[:, 4]

    for _ in range(20):
        found.add_statistics(minibatch()[1])
    losses = [found.learn(*minibatch()) for _ in range(400)]
    assert losses[0] > 0.8
    assert np.mean(losses[-20:]) < 0.1
    blind = deepcopy(found)
    assert np.mean([blind.learn(*minibatch(empty=True)) for _ in range(20)]) > 0.8
    signs = np.repeat([-1.0, 1.0], 20)
    windows = np.concatenate([pushed(signs, 4, rng), np.ones((40, 4, 1))], axis=2).astype(np.float32)
    latents = found.latents(windows)
    assert np.abs(latents).max() < 1
    between = np.abs(latents[:20].mean(axis=0) - latents[20:].mean(axis=0)).max()
    assert between > 3 * max(latents[:20].std(axis=0).max(), latents[20:].std(axis=0).max())


def test_units_of_observations_and_changes_do_not_matter() -> None:
    one, other, rng = inference(), inference(), np.random.default_rng(0)
    transitions = pushed(rng.choice([-1.0, 1.0], 400), 1, rng)[:, 0]
    units = np.array([50.0, 1.0, 50.0], np.float32)
    one.add_statistics(transitions)
    other.add_statistics(transitions * units)
    windows = np.concatenate([transitions.reshape(100, 4, 3), np.ones((100, 4, 1))], axis=2).astype(
        np.float32
    )
    scaled = windows * np.append(units, 1).astype(np.float32)
    np.testing.assert_allclose(one.latents(windows), other.latents(scaled), atol=1e-3)


def test_statistics_are_weights() -> None:
    one, other = inference(), inference()
    one.add_statistics(np.random.default_rng(0).normal(5, 2, (50, 3)).astype(np.float32))
    windows = np.random.default_rng(1).normal(5, 2, (7, 4, 4)).astype(np.float32)
    windows[..., -1] = 1
    assert not np.allclose(one.latents(windows), other.latents(windows), atol=1e-3)
    other.load_state_dict(one.state_dict())
    np.testing.assert_array_equal(one.latents(windows), other.latents(windows))
    assert deepcopy(one.half()).scales.mean.dtype == torch.float64


def test_acting_sees_what_was_done_since_the_reset() -> None:
    found, rng = inference(), np.random.default_rng(0)
    online = OnlineInference(found)
    observations = rng.uniform(-1, 1, (7, 2, 1)).astype(np.float32)
    actions = rng.uniform(-1, 1, (7, 2, 1)).astype(np.float32)
    for _ in range(2):
        online.reset()
        for step in range(7):
            seen = online.observe({"obs": observations[step], "context": np.full((2, 1), np.nan)})
            windows = np.zeros((2, 4, 4), np.float32)
            for age in range(1, min(step, 4) + 1):
                before, after = observations[step - age], observations[step - age + 1]
                windows[:, -age] = np.concatenate(
                    [before, actions[step - age], after - before, np.ones((2, 1))], axis=1
                )
            np.testing.assert_allclose(seen["context"], found.latents(windows), atol=1e-6)
            np.testing.assert_array_equal(seen["obs"], observations[step])
            online.act(actions[step])
    with pytest.raises(ValueError, match=r"found 1 observations after 2; allowed: as many until reset"):
        online.observe({"obs": observations[0, :1]})


def test_an_inference_that_only_acts_does_not_learn() -> None:
    with pytest.raises(ValueError, match="to_learn"):
        inference(to_learn=False).learn(np.zeros((1, 4, 4), np.float32), np.zeros((1, 3), np.float32))


def test_the_latent_takes_the_place_of_the_context() -> None:
    space = inferred_space(SETTINGS, SPACE)
    assert space["obs"] == SPACE["obs"]
    assert space["context"] == spaces.Box(-1, 1, (3,), np.float32)
