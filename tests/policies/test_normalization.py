"""Statistics of a policy: Stable-Baselines3's numbers, in buffers that stay where they are."""

from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.running_mean_std import RunningMeanStd

from hyperrl.policies.normalization import (
    BufferedMeanStd,
    Normalization,
    NormalizedFeatures,
    Statistics,
    normalization_of,
    normalized_by_themselves,
    register,
)
from hyperrl.policies.registry import view
from hyperrl.recipes import Normalize
from hyperrl.tasks.spaces import float_parts
from tests.policies.worlds import policy

SPACE = spaces.Dict(
    place=spaces.Box(-2, 2, (4,), np.float64),
    grid=spaces.Box(-2, 2, (2, 3), np.float32),
    height=spaces.Box(-2, 2, (), np.float32),
    short=spaces.Box(-9, 9, (2,), np.int16),
    image=spaces.Box(0, 255, (36, 36, 1), np.uint8),
    tile=spaces.Discrete(4),
    buttons=spaces.MultiBinary(2),
    context=spaces.Box(-1, 1, (2,), np.float32),
)
PARTS = ["place", "grid", "height"]


def observed(rows: int = 7, seed: int = 0) -> dict[str, Any]:
    SPACE.seed(seed)
    each = [SPACE.sample() for _ in range(rows)]
    return {name: np.stack([one[name] for one in each]) for name in SPACE.spaces}


def trained(settings: Normalize | None = None) -> Normalization:
    normalization = Normalization(settings or Normalize(), SPACE)
    for seed in range(3):
        for name, part in normalization.running_means().items():
            part.add(3 + 2 * observed(seed=seed)[name])
    return normalization


def test_floating_point_boxes_are_normalized_and_never_the_context() -> None:
    assert set(float_parts(SPACE)) == set(PARTS)
    assert not dict(Normalization(Normalize(norm_obs=False), SPACE).parts)
    assert Normalization(Normalize(norm_reward=False), SPACE).returns is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
@pytest.mark.parametrize("rows", [1, 8, 1000])
def test_statistics_are_sb3s_bit_for_bit(rows: int, shape: tuple[int, ...], dtype: Any) -> None:
    random = np.random.default_rng(0)
    ours, theirs = BufferedMeanStd(Statistics(shape)), RunningMeanStd(shape=shape)
    for _ in range(20):
        batch = random.normal(5, 100, (rows, *shape)).astype(dtype)
        assert ours.add(batch)
        theirs.update(batch)
    for name in ("mean", "var", "count"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name), err_msg=name)
    copied = ours.copy()
    assert type(copied) is RunningMeanStd
    assert np.array_equal(copied.var, theirs.var)


@pytest.mark.parametrize("wild", [np.nan, np.inf, -np.inf])
def test_rows_that_are_not_finite_are_left_out(wild: float) -> None:
    running = BufferedMeanStd(Statistics((2,)))
    assert running.add(np.ones((3, 2), np.float32))
    before = running.mean.copy(), running.var.copy(), running.count
    with np.errstate(all="ignore"):
        assert not running.add(np.array([[0, 1], [wild, 2]], np.float32))
    assert np.array_equal(running.mean, before[0])
    assert np.array_equal(running.var, before[1])
    assert running.count == before[2]


def test_observations_are_normalized_as_sb3_does_and_the_rest_stays() -> None:
    settings = Normalize(clip_obs=0.7, epsilon=0.1)
    normalization, seen = trained(settings), observed(seed=9)
    normalized = normalization.normalize(seen)
    assert list(normalized) == list(seen)
    for name in SPACE.spaces:
        if name not in PARTS:
            assert normalized[name] is seen[name]
            continue
        part = normalization.parts[name]
        mean, var = part.mean.numpy(), part.var.numpy()
        wanted = np.clip((seen[name] - mean) / np.sqrt(var + 0.1), -0.7, 0.7).astype(np.float32)
        assert normalized[name].dtype == np.float32
        np.testing.assert_array_equal(normalized[name], wanted)
    assert (np.abs(normalized["place"]) == np.float32(0.7)).any()
    one = normalization.normalize({name: part[0] for name, part in seen.items()})
    for name, part in one.items():
        np.testing.assert_array_equal(part, normalized[name][0], err_msg=name)


def test_a_batch_is_normalized_by_itself() -> None:
    seen = observed(500)
    normalized = normalized_by_themselves(Normalize(epsilon=1e-6), SPACE, seen)
    for name in PARTS:
        np.testing.assert_allclose(normalized[name].mean(axis=0), 0, atol=1e-3)
        np.testing.assert_allclose(normalized[name].std(axis=0), 1, atol=1e-3)
    untouched = normalized_by_themselves(Normalize(norm_obs=False), SPACE, seen)
    assert all(untouched[name] is part for name, part in seen.items())


def test_tensors_are_normalized_alike_bit_for_bit() -> None:
    normalization, seen = trained(Normalize(clip_obs=0.7)), observed(200, seed=9)
    of_tensors = normalization({name: torch.as_tensor(part) for name, part in seen.items()})
    for name, part in normalization.normalize(seen).items():
        np.testing.assert_array_equal(of_tensors[name].numpy(), part, err_msg=name)


def test_they_stay_in_double_precision_on_the_cpu() -> None:
    normalization = trained()
    running = normalization.running_means()["place"]
    before = running.mean.copy()
    normalization.float().half().to("meta")
    assert normalization.parts["place"].mean.dtype == torch.float64
    assert np.array_equal(running.mean, before)


def test_what_is_loaded_is_what_is_updated_and_a_copy_is_its_own() -> None:
    one, other = trained(), Normalization(Normalize(), SPACE)
    running = other.running_means()["place"]
    other.load_state_dict(one.state_dict())
    assert np.array_equal(running.mean, one.parts["place"].mean.numpy())
    copied = deepcopy(other)
    running.add(np.full((5, 4), 50.0))
    assert np.array_equal(running.mean, other.parts["place"].mean.numpy())
    assert torch.equal(copied.parts["place"].mean, one.parts["place"].mean)


def test_a_policy_has_them_among_its_weights() -> None:
    seen = spaces.Dict(obs=spaces.Box(-1, 1, (4,), np.float32), context=spaces.Box(-1, 1, (2,), np.float32))
    bare = policy(seen)
    assert normalization_of(bare) is view(bare).normalization is None
    names = set(bare.state_dict())
    normalization = Normalization(Normalize(), seen)
    register(bare, normalization)
    assert view(bare).normalization is normalization
    assert set(bare.state_dict()) - names == {
        f"normalization.{of}.{name}" for of in ("parts.obs", "returns") for name in ("mean", "var", "count")
    }
    assert {name for name, _ in bare.named_parameters()} <= names


def test_features_are_normalized_in_the_order_of_their_parts() -> None:
    space = spaces.Dict(
        place=spaces.Box(-2, 2, (4,), np.float32), tile=spaces.Discrete(3),
        grid=spaces.Box(-2, 2, (2, 3), np.float32), context=spaces.Box(-1, 1, (2,), np.float32),
    )  # fmt: skip
    built = policy(space)
    normalization = Normalization(Normalize(clip_obs=0.7), space)
    space.seed(0)
    each = [space.sample() for _ in range(50)]
    seen = {name: np.stack([one[name] for one in each]) for name in space.spaces}
    for name, running in normalization.running_means().items():
        running.add(1 + 3 * seen[name])
    extractor = built.features_extractor

    def features(observation: Any) -> torch.Tensor:
        extracted: Any = built.extract_features(built.obs_to_tensor(observation)[0])
        return extracted[:, :-2]  # type: ignore[no-any-return]

    found = NormalizedFeatures(normalization, extractor, space)(features(seen))
    assert torch.equal(found, features(normalization.normalize(seen)))
    assert not torch.equal(found, features(seen))
