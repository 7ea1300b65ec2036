"""Policies of TQC, TRPO, QR-DQN and recurrent PPO with generated networks."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.utils import polyak_update
from torch import Tensor

from hyperrl.policies import ContextReplayBuffer, GeneratedNetworks
from tests.policies.worlds import OBSERVATIONS, hyper_policy, samples, tensors, venv

sb3_contrib = pytest.importorskip("sb3_contrib", reason="needs the extra: pip install 'hyperrl[contrib]'")

from sb3_contrib.common.recurrent import policies  # noqa: E402

from hyperrl.policies.recurrent_ppo import FastRecurrentPolicy  # noqa: E402
from hyperrl.policies.registry import algorithm  # noqa: E402

HYPER: dict[str, Any] = {"rank": 3, "hidden": (8,)}
REPLAYED: dict[str, Any] = {"buffer_size": 500, "learning_starts": 20, "batch_size": 16}
ROLLED: dict[str, Any] = {"n_steps": 16, "batch_size": 16}
KINDS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "TQC": ("HyperTQCPolicy", "box", REPLAYED, {"n_quantiles": 5, "n_critics": 3}),
    "QRDQN": ("HyperQRDQNPolicy", "discrete", REPLAYED, {"n_quantiles": 7}),
    "TRPO": ("HyperTRPOPolicy", "box", ROLLED, {}),
    "RecurrentPPO": ("HyperRecurrentPolicy", "discrete", ROLLED, {"lstm_hidden_size": 6}),
}
TARGETS = {"TQC": "critic", "QRDQN": "quantile_net"}


def made(kind: str, observation: Any = "context", action: str | None = None, **options: Any) -> Any:
    policy, actions, sizes, arguments = KINDS[kind]
    given = {"net_arch": [12, 12], **arguments, "hypernetwork": HYPER, **options.pop("policy_kwargs", {})}
    if kind in TARGETS and observation == "context":
        options["replay_buffer_class"] = ContextReplayBuffer
    return getattr(sb3_contrib, kind)(
        hyper_policy(policy), venv(observation, action or actions), seed=0, device="cpu",
        policy_kwargs=given, **sizes, **options,
    )  # fmt: skip


def observed(model: Any, count: int = 6, seed: int = 0) -> Any:
    return tensors(model.policy, samples(model.observation_space, count, seed))


def states(policy: Any, rows: int, seed: int = 0) -> Any:
    generator = torch.Generator().manual_seed(seed)
    shape = (policy.lstm_actor.num_layers, rows, policy.lstm_actor.hidden_size)
    pairs = [tuple(torch.randn(shape, generator=generator).tanh() for _ in range(2)) for _ in range(2)]
    return sb3_contrib.common.recurrent.type_aliases.RNNStates(*pairs)


@torch.no_grad()
def values(model: Any, seen: Any) -> Tensor:
    """Everything that a model's networks give."""
    policy, rows = model.policy, len(next(iter(seen.values())) if isinstance(seen, dict) else seen)
    if hasattr(policy, "quantile_net"):
        return torch.cat([policy.quantile_net(seen), policy.quantile_net_target(seen)], dim=1).flatten(1)
    if hasattr(policy, "critic_target"):
        actions = policy.actor(seen, True)
        q_values = [policy.critic(seen, actions), policy.critic_target(seen, actions)]
        return torch.cat([actions, *(each.flatten(1) for each in q_values)], dim=1)
    if hasattr(policy, "lstm_actor"):
        remembered = states(policy, rows), torch.zeros(rows)
        actions, value, log_prob, _ = policy(seen, *remembered, deterministic=True)
    else:
        actions, value, log_prob = policy(seen, deterministic=True)
    return torch.cat([actions.view(rows, -1).float(), value, log_prob[:, None]], dim=1)


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


def by_hand(weights: dict[str, Tensor], network: str, row: int, x: Tensor, activation: Any) -> Tensor:
    for layer in range(3):
        x = weights[f"{network}.{layer}.weight"][row] @ x + weights[f"{network}.{layer}.bias"][row]
        x = activation(x) if layer < 2 else x
    return x


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


def distribution(policy: Any, seen: Any) -> torch.distributions.Distribution:
    with torch.no_grad():
        found: torch.distributions.Distribution = policy.get_distribution(seen).distribution
    return found


@pytest.mark.parametrize("strategy", ["low-rank", "full"])
@pytest.mark.parametrize("action", ["box", "discrete"])
def test_a_step_of_trpo_moves_all_of_the_actor_within_the_bound(action: str, strategy: str) -> None:
    hyper = {**HYPER, "strategy": strategy}
    model = made("TRPO", action=action, target_kl=0.05, policy_kwargs={"hypernetwork": hyper})
    before = copy.deepcopy(model.policy)
    model.learn(32)
    pairs = zip(model.policy.named_parameters(), before.parameters(), strict=True)
    moved = {name: not torch.equal(parameter, old) for (name, parameter), old in pairs}
    assert all(moved.values())
    assert {name.startswith("value.") for name in moved} == {True, False}
    rollout = model.rollout_buffer.observations
    seen = {key: torch.as_tensor(each.reshape(-1, each.shape[-1])) for key, each in rollout.items()}
    new, old = (distribution(policy, seen) for policy in (model.policy, before))
    divergence = float(torch.distributions.kl_divergence(new, old).mean())
    assert 0.005 < divergence < 0.05
    assert divergence == pytest.approx(model.logger.name_to_value["train/kl_divergence_loss"], rel=1e-3)


def test_the_critic_of_trpo_learns_and_leaves_the_actor() -> None:
    model = made("TRPO", n_critic_updates=5)
    model.learn(32)
    seen = observed(model, 32)
    before, valued = distribution(model.policy, seen), model.policy.predict_values(seen)
    loss = model.policy.predict_values(seen).square().mean()
    model.policy.optimizer.zero_grad()
    loss.backward()
    model.policy.optimizer.step()
    assert torch.equal(distribution(model.policy, seen).mean, before.mean)
    assert not torch.equal(model.policy.predict_values(seen), valued)


def test_fisher_products_are_those_of_plain_layers() -> None:
    """Twice through generated layers: against the difference of two gradients."""
    policy = made("TRPO").policy.double()
    features = torch.rand(16, 6, dtype=torch.float64) * 2 - 1
    parameters = [one for name, one in policy.named_parameters() if not name.startswith("value.")]
    torch.manual_seed(0)
    direction = [torch.randn_like(one) for one in parameters]

    def gradient(create_graph: bool = False) -> Any:
        loss = policy.mlp_extractor.forward_actor(features).sin().square().sum()
        return torch.autograd.grad(loss, parameters, create_graph=create_graph, allow_unused=True)

    first = gradient(create_graph=True)
    used = [index for index, each in enumerate(first) if each is not None]
    product = sum((first[index] * direction[index]).sum() for index in used)
    found = torch.autograd.grad(product, [parameters[index] for index in used])
    sides = []
    for sign in (1, -1):
        with torch.no_grad():
            for one, along in zip(parameters, direction, strict=True):
                one.add_(sign * 1e-5 * along)
        sides.append(gradient())
        with torch.no_grad():
            for one, along in zip(parameters, direction, strict=True):
                one.sub_(sign * 1e-5 * along)
    for number, index in enumerate(used):
        expected = (sides[0][index] - sides[1][index]) / 2e-5
        torch.testing.assert_close(found[number], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"hypernetwork": {"trunk": "shared"}}, "trunk: found 'shared'; allowed: 'separate' with TRPO"),
        ({"effort_coef": 0.1}, "effort_coef: found 0.1; allowed: 0 with TRPO"),
    ],
)
def test_what_would_break_trusted_steps_is_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        made("TRPO", policy_kwargs=options)


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
