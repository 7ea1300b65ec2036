"""QR-DQN's policy: quantiles of the value of each action."""

from pathlib import Path

import torch

from tests.policies.contributed import (
    OBSERVED,
    assert_learns_and_survives_saving,
    assert_targets_follow_and_keep_no_weights,
    by_hand,
    made,
    observed,
)


def test_a_network_of_quantiles_equals_its_weights_applied_by_hand() -> None:
    model = made("QRDQN")
    seen = observed(model)
    weights = model.policy.generated_weights(seen["context"])
    expected = [by_hand(weights, "critic", row, seen["obs"][row], torch.relu) for row in range(6)]
    found = model.policy.quantile_net(seen)
    torch.testing.assert_close(found, torch.stack(expected).view(6, 7, 3))
    acted = model.policy._predict(seen)
    assert torch.equal(acted, found.mean(dim=1).argmax(dim=1))
    plain = model.policy.specialize(seen["context"][0])(seen["obs"][:1])
    torch.testing.assert_close(plain.view(7, 3), found[0])


@OBSERVED
def test_it_learns_on_every_observation_and_survives_saving(observation: str, tmp_path: Path) -> None:
    assert_learns_and_survives_saving("QRDQN", observation, tmp_path)


def test_targets_follow_by_polyak_averaging_and_keep_no_weights() -> None:
    assert_targets_follow_and_keep_no_weights("QRDQN")
