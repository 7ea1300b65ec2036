"""Replay that draws an index for what it hands out."""

from typing import Any

import numpy as np
import pytest
import torch

from hyperrl.index_config import IndexConfig
from hyperrl.policies.index_replay import IndexReplayBuffer
from hyperrl.policies.replay import ContextReplayBuffer, get_state, set_state
from hyperrl.policies.task_rows import known_tasks
from tests.policies.test_replay import ACTIONS, ENVS, SPACE, fill

DIM = 4


def buffer(steps: int = 30, **index: Any) -> IndexReplayBuffer:
    np.random.seed(0)
    config = IndexConfig(**index)
    made = IndexReplayBuffer(60, SPACE, ACTIONS, device="cpu", n_envs=ENVS, index=config, index_dim=DIM)
    fill(steps, made)
    return made


def plain(steps: int = 30) -> ContextReplayBuffer:
    made = ContextReplayBuffer(60, SPACE, ACTIONS, device="cpu", n_envs=ENVS)
    fill(steps, made)
    return made


@pytest.mark.parametrize("kind", ["gaussian", "sphere", "members"])
def test_transitions_are_those_of_replay_with_an_index_behind_both_contexts(kind: str) -> None:
    made, expected = buffer(kind=kind, samples=1), plain()
    np.random.seed(1)
    found = made.sample(16)
    np.random.seed(1)
    same = expected.sample(16)
    for name in ("observations", "next_observations"):
        one, other = getattr(found, name), getattr(same, name)
        assert torch.equal(one["obs"], other["obs"])
        assert torch.equal(one["context"][:, :-DIM], other["context"])
    assert torch.equal(found.rewards, same.rewards)
    now, later = (part["context"][:, -DIM:] for part in (found.observations, found.next_observations))
    assert torch.equal(now, later)
    assert len({tuple(row) for row in now.tolist()}) == (4 if kind == "members" else 16)


def test_a_transition_learns_with_several_indices_or_with_each_member() -> None:
    found = buffer(samples=3).sample(8)
    assert len(found.rewards) == 24
    observed = found.observations["obs"].view(8, 3, -1)
    assert torch.equal(observed, observed[:, :1].expand_as(observed))
    found = buffer(kind="members").sample(8)
    members = found.observations["context"][:, -DIM:].view(8, DIM, DIM)
    assert torch.equal(members, torch.eye(DIM).expand(8, -1, -1))


@pytest.mark.parametrize(
    "index", [{}, {"samples": 2}, {"kind": "members"}, {"kind": "members", "samples": 1}]
)
def test_rows_of_equal_contexts_and_indices_are_known(index: dict[str, Any]) -> None:
    found = buffer(**index).sample(8)
    for observations in (found.observations, found.next_observations):
        known = known_tasks(observations)
        assert known is not None
        rows = known.tasks if known.rows.index is None else known.tasks[known.rows.index]
        assert torch.equal(rows, observations["context"])


@pytest.mark.parametrize("kind", ["gaussian", "sphere", "members"])
def test_what_is_added_to_a_reward_is_the_transitions_own_for_each_index(kind: str) -> None:
    made = buffer(kind=kind, samples=1, target_noise=0.5)
    rows = np.arange(90).repeat(200)
    indices = made._indices(len(rows))
    added = made._perturbations(rows, indices)
    assert torch.equal(added, made._perturbations(rows, indices))
    assert abs(float(added.std()) - 1) < 0.1
    alike = [made._perturbations(np.array([row]), indices[:1]) for row in range(90)]
    assert len({float(each) for each in alike}) == 90
    np.random.seed(2)
    noisy = made.sample(16)
    made.index = IndexConfig(samples=1)
    np.random.seed(2)
    exact = made.sample(16)
    added = noisy.rewards - exact.rewards
    assert 0.2 < float(added.std()) < 0.9


def test_a_restored_buffer_adds_the_same_to_the_same_transitions() -> None:
    made, again = buffer(target_noise=1.0), buffer(0, target_noise=1.0)
    again._seed += 1
    set_state(again, get_state(made))
    samples = []
    for each in (made, again):
        np.random.seed(3)
        samples.append(each.sample(16))
    assert torch.equal(samples[0].rewards, samples[1].rewards)
    again._seed += 1
    np.random.seed(3)
    assert not torch.equal(samples[0].rewards, again.sample(16).rewards)
