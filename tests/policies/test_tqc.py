"""TQC's policy: critics of several quantiles each."""

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


def test_quantile_critics_equal_their_weights_applied_by_hand() -> None:
    model = made("TQC")
    seen = observed(model)
    weights = model.policy.generated_weights(seen["context"])
    actions = torch.rand(6, 2) * 2 - 1
    both = torch.cat([seen["obs"], actions], dim=1)
    found = model.critic(seen, actions)
    assert found.shape == (6, 3, 5)
    for critic in range(3):
        expected = [by_hand(weights, f"critic{critic}", row, both[row], torch.relu) for row in range(6)]
        torch.testing.assert_close(found[:, critic], torch.stack(expected))
    raw = torch.stack([by_hand(weights, "actor", row, seen["obs"][row], torch.relu) for row in range(6)])
    torch.testing.assert_close(model.actor(seen, True), raw[:, :2].tanh())
    assert model.critic.quantiles_total == 15


@OBSERVED
def test_it_learns_on_every_observation_and_survives_saving(observation: str, tmp_path: Path) -> None:
    assert_learns_and_survives_saving("TQC", observation, tmp_path)


def test_targets_follow_by_polyak_averaging_and_keep_no_weights() -> None:
    assert_targets_follow_and_keep_no_weights("TQC")
