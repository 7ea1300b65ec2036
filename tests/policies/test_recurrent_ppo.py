"""Recurrent PPO's policy: weights that follow the output of an LSTM."""

# ruff: noqa: I001  (the first import skips the module where the extra is not there)
from tests.policies.contributed import HYPER, OBSERVED, ROLLED, assert_learns_and_survives_saving
from tests.policies.contributed import by_hand, made, observed, states, values, sb3_contrib

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from torch import Tensor

from tests.policies.worlds import OBSERVATIONS, samples, tensors, venv


from sb3_contrib.common.recurrent import policies

from hyperrl.policies.recurrent_ppo import FastRecurrentPolicy
from hyperrl.policies.registry import algorithm


@pytest.mark.parametrize("tile", [spaces.MultiDiscrete([2, 3]), spaces.MultiBinary(3)])
def test_a_memory_of_choices(tile: spaces.Space[Any]) -> None:
    """Whose sizes are NumPy's whole numbers, which torch's LSTM refuses."""
    seen = spaces.Dict(tile=tile, context=spaces.Box(-1.0, 1.0, (2,), np.float32))
    made("RecurrentPPO", seen).learn(40)


@pytest.mark.parametrize("policy", ["hyper_policy", "plain_policy"])
def test_a_memory_that_presses_buttons(policy: str) -> None:
    """sb3-contrib's rollouts hold them as bytes, in which torch has no likelihood."""
    buttons, kwargs = venv("context", "multi-binary"), {"lstm_hidden_size": 6}
    sb3_contrib.RecurrentPPO(
        getattr(algorithm("recurrent_ppo"), policy), buttons, policy_kwargs=kwargs, **ROLLED
    ).learn(40)


@pytest.mark.parametrize("inputs", [("context",), ("memory", "context")])
def test_inputs_beside_a_memory_are_refused(inputs: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="inputs: found"):
        made("RecurrentPPO", policy_kwargs={"hypernetwork": {"inputs": inputs}})


@pytest.mark.parametrize("strategy", ["low-rank", "full"])
@pytest.mark.parametrize("trunk", ["shared", "separate"])
def test_weights_follow_the_memory_as_a_loop_over_rows_has_them(trunk: str, strategy: str) -> None:
    hyper = {**HYPER, "trunk": trunk, "strategy": strategy}
    policy = made("RecurrentPPO", policy_kwargs={"hypernetwork": hyper}).policy
    rows, steps = 3, 4
    seen = tensors(policy, samples(OBSERVATIONS["context"], rows * steps))
    memory, starts = states(policy, rows), torch.zeros(rows, steps)
    starts[0, 0] = starts[1, 2] = 1
    found, log_prob, _ = policy.evaluate_actions(seen, torch.zeros(rows * steps), memory, starts.flatten())
    logits: list[Tensor] = []
    expected: list[Tensor] = []
    networks = {"actor": policy.lstm_actor, "critic": policy.lstm_critic or policy.lstm_actor}
    for row in range(rows):
        for network, lstm in networks.items():
            own = memory.vf if network == "critic" and trunk == "separate" else memory.pi
            state = tuple(part[:, row : row + 1] for part in own)
            for step in range(steps):
                x = seen["obs"][row * steps + step]
                if starts[row, step]:
                    state = tuple(torch.zeros_like(part) for part in state)
                output, state = lstm(x[None, None], state)
                generated = policy.generated.hyper(output[0])
                y = by_hand(generated.dense(), network, 0, x, torch.tanh)
                (logits if network == "actor" else expected).append(y)
    torch.testing.assert_close(found, torch.stack(expected), rtol=1e-4, atol=1e-5)
    first = torch.stack(logits).log_softmax(dim=1)[:, 0]
    torch.testing.assert_close(log_prob, first, rtol=1e-4, atol=1e-5)


def test_sequences_that_begin_with_an_episode_are_one_pass() -> None:
    """What sb3-contrib has step by step."""
    lstm = torch.nn.LSTM(4, 6)
    x, state = torch.randn(12, 4), (torch.randn(1, 3, 6), torch.randn(1, 3, 6))
    starts = torch.tensor([1.0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0])
    for late in (0.0, 1.0):
        starts[6] = late
        expected = policies.RecurrentActorCriticPolicy._process_sequence(x, state, starts, lstm)
        found = FastRecurrentPolicy._process_sequence(x, state, starts, lstm)
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("trunk", ["shared", "separate"])
def test_a_shared_memory_is_trained_by_the_critic_alone(trunk: str) -> None:
    policy = made("RecurrentPPO", policy_kwargs={"hypernetwork": {**HYPER, "trunk": trunk}}).policy
    seen = tensors(policy, samples(OBSERVATIONS["context"], 4))
    found, log_prob, _ = policy.evaluate_actions(seen, torch.zeros(4), states(policy, 4), torch.zeros(4))
    lstm = list(policy.lstm_actor.parameters())
    of_actor = torch.autograd.grad(log_prob.sum(), lstm, retain_graph=True, allow_unused=True)
    of_critic = torch.autograd.grad(found.sum(), lstm, allow_unused=True)
    trained = ["actor"] * all(each is not None for each in of_actor)
    trained += ["critic"] * all(each is not None for each in of_critic)
    assert trained == (["critic"] if trunk == "shared" else ["actor"])
    held = {id(one) for group in policy.optimizer.param_groups for one in group["params"]}
    assert held == {id(one) for one in policy.parameters()}


def test_a_hidden_context_is_seen_by_nothing() -> None:
    model = made("RecurrentPPO")
    seen = observed(model)
    assert torch.equal(values(model, seen), values(model, {**seen, "context": -seen["context"]}))
    with pytest.raises(ValueError, match="inputs hold 'memory': a task alone has no weights"):
        model.policy.generated_weights(seen["context"])


def test_a_memory_tells_tasks_apart_from_the_start() -> None:
    policy = made("RecurrentPPO", policy_kwargs={"lstm_hidden_size": 32}).policy
    output, _ = policy.lstm_actor(torch.randn(30, 64, 4))
    weights = policy.generated.hyper(output[-1]).dense()["actor.1.weight"]
    spread = (weights - weights.mean(dim=0)).square().mean() / weights.square().mean()
    assert 0.01 < spread < 0.5


def test_a_recurrent_policys_hypernetwork_starts_for_what_its_lstm_gives() -> None:
    """The range it starts for is that of uniform numbers with the means and deviations of the output."""
    policy = made("RecurrentPPO").policy
    encoder = policy.generated.hyper.encoder
    torch.manual_seed(5)
    with torch.no_grad():
        output, _ = policy.lstm_actor(torch.randn(32, 256, policy.lstm_actor.input_size))
    torch.testing.assert_close((encoder.low + encoder.high) / 2, output.mean(dim=(0, 1)), atol=0.03, rtol=0)
    reach = 3**0.5 * output.std(dim=(0, 1))
    torch.testing.assert_close((encoder.high - encoder.low) / 2, reach, atol=0, rtol=0.15)


@OBSERVED
def test_it_learns_on_every_observation_and_survives_saving(observation: str, tmp_path: Path) -> None:
    assert_learns_and_survives_saving("RecurrentPPO", observation, tmp_path)
