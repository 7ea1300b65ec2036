"""Rates and clipping of the hypernetwork's own."""

import copy
import pickle
from typing import Any

import pytest
import torch
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.utils import update_learning_rate
from torch import nn

from hyperrl.policies.optimizer import fused_options, with_scaled_rates
from tests.policies.worlds import model, venv


def learner(algorithm: Any = PPO, **hyper: Any) -> Any:
    return model(venv("context"), algorithm, hypernetwork={"hidden": (8,), **hyper})


def steps(optimizer: torch.optim.Optimizer, parameters: list[nn.Parameter]) -> list[float]:
    """How far each parameter moves on a gradient of ones, after SB3 has set the rate."""
    update_learning_rate(optimizer, 0.1)
    before = [one.detach().clone() for one in parameters]
    for one in parameters:
        one.grad = torch.ones_like(one)
    optimizer.step()
    return [float((one.detach() - old).abs().max()) for one, old in zip(parameters, before, strict=True)]


@pytest.mark.parametrize(
    "again", [lambda one: one, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))]
)
def test_groups_step_at_their_own_rates_whatever_sb3_sets(again: Any) -> None:
    parameters = [nn.Parameter(torch.zeros(3)) for _ in range(3)]
    rates = (1.0, 0.1, 0.0)
    grouped = [{"params": [one], "lr_scale": rate} for one, rate in zip(parameters, rates, strict=True)]
    optimizer = again(with_scaled_rates(torch.optim.SGD)(grouped, lr=1.0))
    own = [one for group in optimizer.param_groups for one in group["params"]]
    assert steps(optimizer, own) == pytest.approx([0.1, 0.01, 0.0])
    assert [group["lr"] for group in optimizer.param_groups] == [0.1] * 3


def test_rates_are_put_back_where_a_step_fails() -> None:
    parameter = nn.Parameter(torch.zeros(1))
    optimizer = with_scaled_rates(torch.optim.SGD)([{"params": [parameter], "lr_scale": 0.5}], lr=1.0)

    def closure() -> float:
        raise RuntimeError("no loss")

    with pytest.raises(RuntimeError, match="no loss"):
        optimizer.step(closure)
    assert optimizer.param_groups[0]["lr"] == 1.0


def test_the_groups_with_a_norm_are_clipped_together() -> None:
    parameters = [nn.Parameter(torch.zeros(4)) for _ in range(3)]
    grouped: list[dict[str, Any]] = [{"params": [one], "max_grad_norm": 0.5} for one in parameters[:2]]
    optimizer = with_scaled_rates(torch.optim.SGD)([*grouped, {"params": parameters[2:]}], lr=1.0)
    moved = steps(optimizer, parameters)
    assert moved == pytest.approx([0.1 * 0.5 / 8**0.5] * 2 + [0.1], rel=1e-4)


@pytest.mark.parametrize("algorithm", [PPO, A2C])
@pytest.mark.parametrize("trunk", ["shared", "separate"])
def test_every_parameter_is_in_one_group_of_its_kind(algorithm: Any, trunk: str) -> None:
    made = learner(algorithm, lr_scale={"heads": 0.1, "shared": 0.5}, max_grad_norm=0.2, trunk=trunk)
    groups = made.policy.optimizer.param_groups
    grouped = [one for group in groups for one in group["params"]]
    assert len(grouped) == len(set(grouped)) == len(list(made.policy.parameters()))
    kinds = {group["name"].rpartition(".")[2] for group in groups}
    assert kinds == {"generator", "heads", "shared", "rest"}
    for group in groups:
        kind = group["name"].rpartition(".")[2]
        assert group["lr_scale"] == {"heads": 0.1, "shared": 0.5}.get(kind, 1.0)
        assert ("max_grad_norm" in group) == (kind in ("generator", "heads"))
    assert any(
        one is made.policy.log_std for group in groups if group["name"] == "rest" for one in group["params"]
    )


def test_a_rate_of_zero_freezes_and_only_that_part() -> None:
    made = learner(lr_scale={"shared": 0.0})
    groups = {group["name"]: group["params"] for group in made.policy.optimizer.param_groups}
    before = {name: [one.detach().clone() for one in group] for name, group in groups.items()}
    made.learn(16)
    same = {
        name: all(torch.equal(one, old) for one, old in zip(group, before[name], strict=True))
        for name, group in groups.items()
    }
    assert same == {name: name == "shared" for name in groups}


def test_the_optimizer_is_sb3s_own_where_nothing_asks_for_another() -> None:
    assert type(learner().policy.optimizer) is torch.optim.Adam
    assert type(learner(A2C, lr_scale={"heads": 1.0}).policy.optimizer) is torch.optim.RMSprop


def test_a_saved_model_goes_on_with_its_rates_and_its_norm(tmp_path: Any) -> None:
    made = learner(lr_scale={"generator": 0.3}, max_grad_norm=0.2)
    made.learn(16)
    made.save(tmp_path / "model")
    loaded = PPO.load(tmp_path / "model", env=made.env, device="cpu")
    for one, other in zip(
        made.policy.optimizer.param_groups, loaded.policy.optimizer.param_groups, strict=True
    ):
        assert {**one, "params": 0} == {**other, "params": 0}
    assert type(loaded.policy.optimizer).__name__ == "ScaledAdam"


def test_adam_of_generated_networks_steps_in_one_loop_unless_told_otherwise() -> None:
    assert learner().policy.optimizer.defaults["fused"]
    assert learner(A2C).policy.optimizer.defaults.get("fused") is None  # RMSprop cannot
    for options in ({"fused": False}, {"foreach": True}, {"capturable": True}, {"fused": True}):
        assert fused_options(torch.optim.Adam, options) == options
    assert fused_options(torch.optim.AdamW, {"weight_decay": 0.1}) == {"weight_decay": 0.1, "fused": True}


def test_both_ways_of_stepping_go_to_the_same_place() -> None:
    torch.manual_seed(0)
    start, gradients = torch.randn(1000), [torch.randn(1000) for _ in range(5)]
    ends = []
    for options in ({}, fused_options(torch.optim.Adam, {})):
        parameter = nn.Parameter(start.clone())
        optimizer = torch.optim.Adam([parameter], lr=0.01, **options)
        for gradient in gradients:
            parameter.grad = gradient.clone()
            optimizer.step()
        ends.append(parameter.detach())
    torch.testing.assert_close(ends[0], ends[1], rtol=1e-5, atol=1e-6)


def test_hooks_of_a_scaled_optimizer_are_called_once_a_step_beside_a_plain_one() -> None:
    torch.optim.Adam([torch.nn.Parameter(torch.ones(1))])  # torch wraps the steps of its class from now on
    parameter = torch.nn.Parameter(torch.ones(2))
    optimizer = with_scaled_rates(torch.optim.Adam)([{"params": [parameter], "lr_scale": 2.0}], lr=0.1)
    called: list[str] = []
    optimizer.register_step_pre_hook(lambda *_: called.append("before"))
    optimizer.register_step_post_hook(lambda *_: called.append("after"))
    parameter.grad = torch.ones(2)
    optimizer.step()
    assert called == ["before", "after"]
    torch.testing.assert_close(parameter.detach(), torch.full((2,), 0.8))
