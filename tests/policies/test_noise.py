"""Noise that the hypernetwork sees: drawn for each task, or an index that is given."""

import struct
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import norm

from hyperrl.config import HypernetworkConfig
from hyperrl.index_config import IndexKind
from hyperrl.policies.noise import NoisyConditioning, hashed_noise, indices_of
from tests.policies.test_conditioning import batch_of, made_with
from tests.policies.worlds import samples


def test_noise_is_normal_and_each_tasks_own() -> None:
    context = torch.randn(4000, 3)
    noise = hashed_noise(context, torch.tensor(5), 4)
    assert torch.equal(noise, hashed_noise(context, torch.tensor(5), 4))
    assert noise.isfinite().all()
    assert noise.mean(dim=0).abs().max() < 0.08
    assert (noise.std(dim=0) - 1).abs().max() < 0.06
    assert (torch.corrcoef(noise.t()) - torch.eye(4)).abs().max() < 0.08
    other = hashed_noise(context, torch.tensor(6), 4)
    both = torch.cat([noise, other], dim=1).t()
    assert (torch.corrcoef(both) - torch.eye(8)).abs().max() < 0.08
    swapped = hashed_noise(context.flip(1), torch.tensor(5), 4)
    assert not torch.isclose(noise, swapped).all(dim=1).any()
    zero, minus_zero = (hashed_noise(torch.tensor([[x]]), torch.tensor(1), 2) for x in (0.0, -0.0))
    assert torch.equal(zero, minus_zero)


def test_noise_is_that_of_splitmix() -> None:
    """In plain whole numbers modulo 2^64: a run draws the same noise in every version of the library."""
    golden, whole = 0x9E3779B97F4A7C15, 2**64

    def mixed(x: int) -> int:
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 % whole
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB % whole
        return x ^ (x >> 31)

    def expected(row: list[float], seed: int) -> list[float]:
        bits = [struct.unpack("<i", struct.pack("<f", value))[0] for value in row]
        key = mixed((sum(bit * (2 * i + 1) * golden for i, bit in enumerate(bits)) + seed) % whole)
        words = [mixed((key + counter * golden) % whole) for counter in range(1, 6)]
        return [norm.ppf(((word >> 40) % 2**23 + 0.5) / 2**23) for word in words]

    context = torch.randn(20, 3)
    for seed in (0, 7, 2**62 - 1):
        found = hashed_noise(context, torch.tensor(seed), 5)
        np.testing.assert_allclose(found, [expected(row, seed) for row in context.tolist()], atol=2e-5)


def test_noise_is_drawn_anew_once_a_rollout_and_not_by_each_prediction() -> None:
    """Stable-Baselines3's predict sets the mode at every step of an episode."""
    made = made_with(inputs=["context", "noise"])
    inputs: Any = made.generated.inputs
    before = inputs.seed.clone()
    made.set_training_mode(False)
    once = inputs.seed.clone()
    assert once != before
    for _ in range(3):
        made.predict(samples(made.observation_space, 2))
    assert inputs.seed == once
    made.set_training_mode(True)
    assert inputs.seed == once


@pytest.mark.parametrize("strategy", ["low-rank", "full"])
def test_noise_stays_from_a_rollout_to_its_update_and_is_none_in_deterministic_actions(strategy: str) -> None:
    made = made_with(inputs=["context", "noise"], strategy=strategy)
    made.set_training_mode(False)
    batch = batch_of(made)
    with torch.no_grad():
        actions, _, acted = made(batch)
        kept = [made(batch, deterministic=True)[0] for _ in range(10)][-1]
        made.set_training_mode(True)
        _, updated, _ = made.evaluate_actions(batch, actions)
        torch.testing.assert_close(updated, acted, rtol=1e-4, atol=1e-4)
        made.set_training_mode(False)
        anew = made(batch, deterministic=True)[0]
        assert not torch.isclose(anew, kept, rtol=1e-3).all()
        quiet = made._predict(batch, deterministic=True)
        for row in range(3):
            plain = made.specialize(batch["context"][row])(batch["obs"][row : row + 1])
            torch.testing.assert_close(plain, quiet[row : row + 1], rtol=1e-4, atol=1e-5)
        assert torch.equal(made(batch, deterministic=True)[0], anew)


@pytest.mark.parametrize("kind", ["gaussian", "sphere", "members"])
def test_every_number_of_an_index_is_alike(kind: IndexKind) -> None:
    normal = torch.randn(5000, 4, generator=torch.Generator().manual_seed(0))
    indices = indices_of(kind, normal)
    if kind == "members":
        assert torch.equal(indices.sum(dim=1), torch.ones(5000))
        assert set(indices.flatten().tolist()) == {0.0, 1.0}
        assert (indices.mean(dim=0) - 0.25).abs().max() < 0.02
    else:
        assert (indices.square().mean(dim=0) - 1).abs().max() < 0.06
    lengths = indices.norm(dim=1)
    assert bool(torch.isclose(lengths, lengths[0]).all()) == (kind != "gaussian")


@pytest.mark.parametrize("kind", ["gaussian", "members"])
def test_an_index_behind_the_context_takes_the_place_of_what_is_drawn(kind: str) -> None:
    config = HypernetworkConfig.of({"inputs": ("context", "noise"), "noise_dim": 3, "index": {"kind": kind}})
    conditioning = NoisyConditioning(config, 2, 4, "saturate")
    x, context, index = torch.zeros(5, 4), torch.tensor([[0.5, 3.0]]).repeat(5, 1), 2 * torch.randn(5, 3)
    seen = conditioning(x, torch.cat([context, index], dim=1))
    assert torch.equal(seen, torch.cat([context.clamp(-1, 1), index], dim=1))
    drawn = conditioning(x, context)
    assert torch.equal(drawn[:1].expand(5, -1), drawn)
    assert drawn[0, 2:].any()
    with conditioning.acting(deterministic=True):
        middle = conditioning(x, context)
    np.testing.assert_allclose(middle[:, 2:], [[0.0 if kind == "gaussian" else 1 / 3] * 3] * 5, rtol=1e-6)
