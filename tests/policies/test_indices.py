"""Many indices at once: draws, votes and repeated observations."""

import pytest
import torch

from hyperrl.config import HypernetworkConfig
from hyperrl.policies.indices import draw_indices, for_each_index, vote


def test_draws_have_a_generator_of_their_own() -> None:
    config = HypernetworkConfig(inputs=("noise",), noise_dim=3)
    before = torch.get_rng_state()
    drawn = draw_indices(config, 5, seed=1)
    assert drawn.shape == (5, 3)
    assert torch.equal(drawn, draw_indices(config, 5, seed=1))
    assert not torch.equal(drawn, draw_indices(config, 5, seed=2))
    assert torch.equal(before, torch.get_rng_state())
    members = HypernetworkConfig.of({"inputs": ("noise",), "noise_dim": 3, "index": {"kind": "members"}})
    assert torch.equal(draw_indices(members, 5), torch.eye(3))


def test_the_most_frequent_choice_wins_and_then_the_best() -> None:
    outputs = torch.tensor([[[3.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]], [[0.0, 1.0, 0.0]]])
    assert vote(outputs).tolist() == [1]
    assert vote(outputs[:2]).tolist() == [0]


def test_observations_are_repeated_for_each_index() -> None:
    observation = {"obs": torch.arange(2.0)[:, None], "context": torch.tensor([[7.0], [8.0]])}
    repeated = for_each_index(observation, torch.tensor([[0.1], [0.2], [0.3]]))
    assert repeated["obs"].flatten().tolist() == [0, 1, 0, 1, 0, 1]
    expected = [[7, 0.1], [8, 0.1], [7, 0.2], [8, 0.2], [7, 0.3], [8, 0.3]]
    torch.testing.assert_close(repeated["context"], torch.tensor(expected))
    with pytest.raises(ValueError, match="allowed: with a 'context'"):
        for_each_index({"obs": observation["obs"]}, torch.zeros(1, 1))
