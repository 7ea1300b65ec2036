"""Models of sb3-contrib's algorithms whose networks are generated, and what is to be so of each."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3.common.utils import polyak_update
from torch import Tensor

from hyperrl.policies import ContextReplayBuffer, GeneratedNetworks
from tests.policies.worlds import hyper_policy, samples, tensors, venv

sb3_contrib = pytest.importorskip("sb3_contrib", reason="needs the extra: pip install 'hyperrl[contrib]'")


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


def by_hand(weights: dict[str, Tensor], network: str, row: int, x: Tensor, activation: Any) -> Tensor:
    for layer in range(3):
        x = weights[f"{network}.{layer}.weight"][row] @ x + weights[f"{network}.{layer}.bias"][row]
        x = activation(x) if layer < 2 else x
    return x


OBSERVED = pytest.mark.parametrize("observation", ["box", "context", "contexts of several kinds"])


def assert_learns_and_survives_saving(kind: str, observation: str, folder: Path) -> None:
    model = made(kind, observation)
    before = values(model, observed(model))
    model.learn(40)
    after = values(model, observed(model))
    assert not torch.equal(before, after)
    assert bool(after.isfinite().all())
    model.save(folder / "model.zip")
    loaded = type(model).load(folder / "model.zip", device="cpu")
    for other in (loaded, copy.deepcopy(model)):
        assert torch.equal(values(other, observed(model)), after)
    model.policy.save(folder / "policy.pt")
    alone = type(model.policy).load(folder / "policy.pt", device="cpu")
    batch = samples(model.observation_space, 5)
    expected = model.policy.predict(batch, deterministic=True)[0]
    np.testing.assert_array_equal(alone.predict(batch, deterministic=True)[0], expected)


def assert_targets_follow_and_keep_no_weights(kind: str) -> None:
    """Targets follow by Polyak averaging and are never stale; they cache nothing, in copies too."""
    model = made(kind)
    own, target = (getattr(model.policy, TARGETS[kind] + tail) for tail in ("", "_target"))
    for one in (model, copy.deepcopy(model)):
        for name, part in one.policy.named_children():
            generated = [module for module in part.modules() if isinstance(module, GeneratedNetworks)]
            assert [each.caching for each in generated] == [not name.endswith("_target")] * len(generated)
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
