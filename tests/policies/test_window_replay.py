"""Replay that infers contexts from the transitions that it stores."""

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces

from hyperrl.policies.inference import ContextInference, OnlineInference, inferred_space
from hyperrl.policies.replay import get_state, set_state
from hyperrl.policies.window_replay import WindowReplayBuffer
from hyperrl.recipes.inference import Inference

SETTINGS = Inference(window=3, latent=4, hidden=(8,))
FAMILY = spaces.Dict(obs=spaces.Box(-1, 1, (2,)), context=spaces.Box(-1, 1, (1,)))
SPACE, ACTIONS = inferred_space(SETTINGS, FAMILY), spaces.Box(-2, 2, (1,))
ENVS = 2


def replay(size: int = 40, **options: Any) -> WindowReplayBuffer:
    torch.manual_seed(0)
    inference = ContextInference(SETTINGS, FAMILY, ACTIONS)
    inference.add_statistics(np.random.default_rng(9).normal(0, 1, (30, 5)).astype(np.float32))
    return WindowReplayBuffer(
        size, SPACE, ACTIONS, "cpu", n_envs=ENVS, window=3, inference=inference, **options
    )


def play(buffer: WindowReplayBuffer, steps: int, truncated: bool = False) -> tuple[Any, Any]:
    """Fills replay with episodes of 4 and 7 steps; the latents before and after each stored transition."""
    assert buffer.inference is not None
    rng, lengths = np.random.default_rng(0), (4, 7)
    online = [OnlineInference(buffer.inference) for _ in range(ENVS)]
    seen = rng.uniform(-1, 1, (ENVS, 2)).astype(np.float32)
    latents: Any = [
        each.observe({"obs": seen[env : env + 1]})["context"][0] for env, each in enumerate(online)
    ]
    before, after = [], []
    for step in range(1, steps + 1):
        actions = rng.uniform(-2, 2, (ENVS, 1)).astype(np.float32)
        later = rng.uniform(-1, 1, (ENVS, 2)).astype(np.float32)
        before.append(np.stack(latents))
        latents = []
        for env, each in enumerate(online):
            each.act(actions[env : env + 1])
            latents.append(each.observe({"obs": later[env : env + 1]})["context"][0])
        after.append(np.stack(latents))
        done = np.array([step % length == 0 for length in lengths])
        infos = [{"TimeLimit.truncated": bool(each and truncated)} for each in done]
        stale = np.full((ENVS, 4), 9.0, np.float32)
        buffer.add({"obs": seen, "context": stale}, {"obs": later, "context": stale}, actions / 2,
                   np.zeros(ENVS), done, infos)  # fmt: skip
        for env in np.flatnonzero(done).tolist():
            later[env] = rng.uniform(-1, 1, 2)
            online[env].reset()
            latents[env] = online[env].observe({"obs": later[env : env + 1]})["context"][0]
        seen = later
    return np.stack(before), np.stack(after)


@pytest.mark.parametrize("truncated", [False, True])
def test_sampled_latents_are_those_of_acting(truncated: bool) -> None:
    buffer = replay()
    before, after = play(buffer, 17, truncated)
    rows = np.arange(17 * ENVS)
    samples = buffer._samples(rows, buffer._returns(buffer, rows, None), None)
    for expected, found in ((before, samples.observations), (after, samples.next_observations)):
        np.testing.assert_allclose(found["context"], expected.reshape(-1, 4), atol=1e-6)
    np.testing.assert_array_equal(samples.observations["obs"], buffer.observations["obs"][:17].reshape(-1, 2))


def test_windows_begin_at_the_oldest_transition_that_is_left() -> None:
    buffer = replay(24)  # 12 positions
    _, after = play(buffer, 19)
    assert buffer.full
    assert buffer.pos == 7
    counts = buffer.windows_before(np.arange(12 * ENVS))[..., -1].sum(axis=1).reshape(12, ENVS)
    oldest_first = counts[[*range(7, 12), *range(7)]]
    # steps 8 to 19: episodes of 4 begin at 9, 13 and 17 and those of 7 at 8 and 15, counted from 1
    assert oldest_first[:, 0].tolist() == [0, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2]
    assert oldest_first[:, 1].tolist() == [0, 1, 2, 3, 3, 3, 3, 0, 1, 2, 3, 3]
    found = buffer.inference.latents(buffer.windows_after(np.array([6 * ENVS, 6 * ENVS + 1])))  # type: ignore[union-attr]
    np.testing.assert_allclose(found, after[-1], atol=1e-6)


def test_returns_of_several_steps_end_with_the_latent_of_their_last_observation() -> None:
    buffer = replay(n_steps=3, gamma=0.9)
    _, after = play(buffer, 12)
    rows = np.array([0, 1])
    samples = buffer._samples(rows, buffer._returns(buffer, rows, None), None)
    np.testing.assert_allclose(samples.next_observations["context"], after[2], atol=1e-6)


def test_latents_follow_the_encoder_and_are_not_stored() -> None:
    buffer = replay()
    play(buffer, 17)
    rows = np.arange(6)
    returns = buffer._returns(buffer, rows, None)
    before = buffer._samples(rows, returns, None).observations["context"]
    with torch.no_grad():
        buffer.inference.encoder.summary.weight.mul_(-1)  # type: ignore[union-attr]
    assert not torch.allclose(buffer._samples(rows, returns, None).observations["context"], before, atol=1e-2)
    # 2 + 2 numbers of observations, an action, a reward and two flags
    assert buffer.nbytes == 20 * ENVS * 4 * 8


def test_what_is_sampled_to_learn_is_a_transition_and_what_came_before() -> None:
    buffer = replay()
    play(buffer, 17)
    np.random.seed(0)
    windows, transitions = buffer.sample_transitions(200)
    assert windows.shape == (200, 3, 6)
    stored = buffer.observations["obs"][:17].reshape(-1, 2)
    number = [int(np.flatnonzero((stored == row[:2]).all(axis=1))[0]) for row in transitions]
    assert len(set(number)) > 20
    np.testing.assert_array_equal(transitions, buffer.transitions(np.array(number)))
    np.testing.assert_array_equal(windows, buffer.windows_before(np.array(number)))


def test_a_restored_buffer_hands_out_the_same() -> None:
    buffer, other = replay(), replay()
    play(buffer, 17)
    state = get_state(buffer)
    assert not any(name.endswith("context") for name in state)
    assert len(state["tasks"]) == 0
    set_state(other, state)
    drawn = []
    for each in (buffer, other):
        np.random.seed(3)
        drawn.append(each.sample(50))
    for name in ("obs", "context"):
        assert torch.equal(drawn[0].observations[name], drawn[1].observations[name])


def test_without_an_inference_nothing_is_sampled() -> None:
    buffer = WindowReplayBuffer(40, SPACE, ACTIONS, "cpu", n_envs=ENVS, window=3)
    with pytest.raises(RuntimeError, match="inference is None"):
        buffer.transitions(np.array([0]))
