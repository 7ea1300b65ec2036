"""What the policies of sb3-contrib's algorithms have in common."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from stable_baselines3.common.utils import polyak_update

from hyperrl.policies import GeneratedNetworks
from tests.policies.contributed import KINDS, TARGETS, made, observed, values
from tests.policies.worlds import samples


@pytest.mark.parametrize("observation", ["box", "context", "contexts of several kinds"])
@pytest.mark.parametrize("kind", KINDS)
def test_learns_on_every_observation_and_survives_saving(kind: str, observation: str, tmp_path: Path) -> None:
    model = made(kind, observation)
    before = values(model, observed(model))
    model.learn(40)
    after = values(model, observed(model))
    assert not torch.equal(before, after)
    assert bool(after.isfinite().all())
    model.save(tmp_path / "model.zip")
    loaded = type(model).load(tmp_path / "model.zip", device="cpu")
    for other in (loaded, copy.deepcopy(model)):
        assert torch.equal(values(other, observed(model)), after)
    model.policy.save(tmp_path / "policy.pt")
    alone = type(model.policy).load(tmp_path / "policy.pt", device="cpu")
    batch = samples(model.observation_space, 5)
    expected = model.policy.predict(batch, deterministic=True)[0]
    np.testing.assert_array_equal(alone.predict(batch, deterministic=True)[0], expected)


@pytest.mark.parametrize("kind", TARGETS)
def test_targets_follow_by_polyak_averaging_and_are_never_stale(kind: str) -> None:
    model = made(kind)
    own, target = (getattr(model.policy, TARGETS[kind] + tail) for tail in ("", "_target"))
    with torch.no_grad():
        for parameter in own.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    seen = observed(model)
    actions = (torch.rand(6, 2),) if kind == "TQC" else ()
    with torch.no_grad():
        for _ in range(12):  # weights of tasks that come again would be formed and kept
            first = target(seen, *actions)
        polyak_update(own.parameters(), target.parameters(), 0.5)
        second = target(seen, *actions)
        assert not torch.allclose(first, second)
        polyak_update(own.parameters(), target.parameters(), 1.0)
        torch.testing.assert_close(target(seen, *actions), own(seen, *actions))


@pytest.mark.parametrize("kind", TARGETS)
def test_copies_keep_no_weights_of_targets(kind: str) -> None:
    for one in (made(kind), copy.deepcopy(made(kind))):
        for name, part in one.policy.named_children():
            generated = [module for module in part.modules() if isinstance(module, GeneratedNetworks)]
            assert [each.caching for each in generated] == [not name.endswith("_target")] * len(generated)
