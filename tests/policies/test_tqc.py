"""TQC's policy: critics of several quantiles each."""

import torch

from tests.policies.contributed import by_hand, made, observed


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
