"""CrossQ's policy: batch renormalization between generated layers, no targets, one network for a task."""

import io
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.policies.worlds import samples, tensors, venv

sb3_contrib = pytest.importorskip("sb3_contrib", reason="needs the extra: pip install 'hyperrl[contrib]'")

from sb3_contrib.common.torch_layers import BatchRenorm1d  # noqa: E402

from hyperrl.policies.crossq import CrossQReplayBuffer, HyperCrossQPolicy, without_norms  # noqa: E402

SIZES: dict[str, Any] = {"learning_starts": 20, "batch_size": 16, "buffer_size": 500, "policy_delay": 2}


def made(observation: str = "context", policy: Any = HyperCrossQPolicy, **policy_kwargs: Any) -> Any:
    if observation == "context":
        policy_kwargs.setdefault("hypernetwork", {"rank": 3, "hidden": (8,)})
    return sb3_contrib.CrossQ(
        policy, venv(observation, "box"), seed=0, device="cpu", **SIZES,
        replay_buffer_class=CrossQReplayBuffer if observation == "context" else None,
        policy_kwargs={"net_arch": [12, 12], "renorm_warmup_steps": 5, **policy_kwargs},
    )  # fmt: skip


@pytest.fixture(scope="module")
def trained() -> Any:
    """A model whose statistics and parameters are none that it started with."""
    return made().learn(120)


def observed(model: Any, rows: int = 6) -> Any:
    return tensors(model.policy, samples(model.observation_space, rows, 0))


def by_hand(model: Any, network: str, owner: Any, x: Tensor, context: Tensor) -> Tensor:
    """Row by row, each with the weights of its own task, normalized over all rows."""
    weights = model.policy.generated_weights(context)
    norms = dict(owner.generated.target.named())[network].norms
    for number, norm in enumerate(norms):
        x = norm(x)
        layer = (weights[f"{network}.{number}.{part}"] for part in ("weight", "bias"))
        weight, bias = layer
        x = torch.stack([weight[row] @ x[row] + bias[row] for row in range(len(x))])
        x = x if number == len(norms) - 1 else x.relu()
    return x


@pytest.mark.parametrize("strategy", ["low-rank", "full"])
@pytest.mark.parametrize("learning", [False, True])
@pytest.mark.parametrize("rows", [6, 96])
def test_every_execution_is_the_loop_over_rows(strategy: str, learning: bool, rows: int) -> None:
    model = made(hypernetwork={"strategy": strategy, "hidden": (8,)}).learn(60)
    critic, seen = model.policy.critic, observed(model, rows)
    seen["context"] = seen["context"][torch.arange(rows) % 3]
    actions = torch.randn(rows, 2, generator=torch.Generator().manual_seed(1)).tanh()
    critic.set_bn_training_mode(learning)
    state = {name: value.clone() for name, value in critic.state_dict().items()}
    with torch.no_grad():
        values = critic(seen, actions)
        critic.load_state_dict(state)  # the statistics that the first pass moved
        x = torch.cat([seen["obs"].flatten(1), actions], dim=1)
        for number, value in enumerate(values):
            expected = by_hand(model, f"critic{number}", critic, x, seen["context"])
            torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-5)


def test_it_learns_without_targets(trained: Any) -> None:
    assert not hasattr(trained.policy, "critic_target")
    norms = [module for module in trained.policy.modules() if isinstance(module, BatchRenorm1d)]
    assert len(norms) == 9  # ahead of three layers of the actor and of two critics
    assert all(int(norm.steps) > 0 and not torch.equal(norm.scale, torch.ones(())) for norm in norms)  # type: ignore[arg-type]
    groups = trained.policy.critic.optimizer.param_groups
    stepped = {id(parameter) for group in groups for parameter in group["params"]}
    assert {id(norm.scale) for norm in norms[3:]} <= stepped


def test_acting_moves_no_statistics(trained: Any) -> None:
    before = {name: value.clone() for name, value in trained.policy.state_dict().items()}
    trained.predict(samples(trained.observation_space, 6, 0))
    assert all(torch.equal(value, before[name]) for name, value in trained.policy.state_dict().items())


def test_the_plain_network_of_a_task_acts_alike(trained: Any) -> None:
    trained.policy.set_training_mode(False)
    seen = observed(trained)
    seen["context"][:] = seen["context"][0]
    plain = trained.policy.specialize(seen["context"][0])
    assert not any(isinstance(module, BatchRenorm1d) for module in plain.modules())
    with torch.no_grad():
        means = trained.policy.actor.get_action_dist_params(seen)[0]
        torch.testing.assert_close(plain(seen["obs"].flatten(1))[:, :2], means, rtol=1e-4, atol=1e-5)


def test_an_adapter_that_is_no_affine_map_has_its_normalization_before_it() -> None:
    norm: Any = BatchRenorm1d(3).eval()
    norm.ra_mean += 0.5
    network = nn.Sequential(norm, nn.Tanh(), nn.Linear(3, 2))
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(without_norms([network])(x), network(x))


def test_saved_and_loaded(trained: Any) -> None:
    file = io.BytesIO()
    trained.save(file)
    file.seek(0)
    loaded = sb3_contrib.CrossQ.load(file, env=trained.get_env())
    seen = samples(trained.observation_space, 6, 0)
    expected, found = (model.predict(seen, deterministic=True)[0] for model in (trained, loaded))
    np.testing.assert_array_equal(found, expected)
    loaded.learn(40)


def test_one_task_is_sb3_contribs_own() -> None:
    own, theirs = (made("box", policy).learn(60) for policy in (HyperCrossQPolicy, "MlpPolicy"))
    assert own.policy.one_task
    for one, other in zip(own.policy.parameters(), theirs.policy.parameters(), strict=True):
        assert torch.equal(one, other)
    seen = torch.as_tensor(samples(own.observation_space, 4, 0))
    plain = own.policy.specialize(torch.empty(0))
    own.policy.set_training_mode(False)
    with torch.no_grad():
        means = own.policy.actor.get_action_dist_params(seen)[0]
        torch.testing.assert_close(plain(seen)[:, :2], means)


def test_without_normalization_it_is_as_sacs() -> None:
    policy = made(batch_norm=False).policy
    assert not any(isinstance(module, BatchRenorm1d) for module in policy.modules())


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"layer_norm": True}, "layer_norm: found True; allowed: none with CrossQ"),
        ({"residual": True}, "residual: found True; allowed: none with CrossQ"),
        ({"batch_norm": 1}, "batch_norm: found 1; allowed: True or False"),
        ({"batch_norm_momentum": -1.0}, "batch_norm_momentum: found -1.0"),
        ({"renorm_warmup_steps": 0.5}, "renorm_warmup_steps: found 0.5"),
    ],
)
def test_wrong_arguments_are_reported(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        made(**given)
