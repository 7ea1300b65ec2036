"""Fine-tuning with frozen parts: what learns, what stays bit for bit, and what cannot be frozen."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hyperrl import api
from hyperrl.policies.registry import view
from hyperrl.store import Run
from hyperrl.tasks import Family
from hyperrl.training.build import bare_model
from hyperrl.training.freezing import FROZEN_PARTS, check_freeze, freeze
from tests.runs import SMALL, message, untrained
from tests.training.conftest import small

OFF_POLICY = (
    "n_envs=2", "algorithm.learning_starts=64", "algorithm.batch_size=32", "policy.net_arch=[8]",
    "evaluate_every=1000", "algorithm.buffer_size=500", "checkpoint_every=64",
)  # fmt: skip
FIELDS = {"hyper-ppo": (*SMALL, "checkpoint_every=32"), "hyper-sac": OFF_POLICY}


def weights(run: Run, checkpoint: str = "latest") -> dict[str, Any]:
    return dict(api.load(run, checkpoint=checkpoint).model.policy.state_dict())


def is_of(name: str, part: str) -> bool:
    """Whether a parameter belongs to a part, by its name: strategies hold what is shared."""
    return ".hyper.strategy." in name if part == "shared" else ".hyper.generator." in name


@pytest.mark.parametrize("agent", ["hyper-ppo", "hyper-sac"])
@pytest.mark.parametrize("part", ["generator", "shared"])
def test_what_is_frozen_stays_and_all_else_learns_and_a_killed_run_goes_on(
    tmp_path: Path, agent: str, part: str, no_figures: None
) -> None:
    start = untrained(tmp_path / "start", agent, "ode", FIELDS[agent])
    options: dict[str, Any] = {"overrides": FIELDS[agent], "from_run": start, "freeze": part}
    whole = api.train(agent, "ode", steps=256, out=tmp_path / "whole", **options)
    before, after = weights(start, "best"), weights(whole)
    assert before.keys() == after.keys()
    learned = {name for name in before if not np.array_equal(before[name], after[name])}
    frozen = {name for name in before if is_of(name, part)}
    assert len(frozen) >= 1
    exact = {name for name in frozen if "target" not in name}  # averages of equal numbers round
    assert not learned & exact
    for name in frozen:
        np.testing.assert_allclose(before[name], after[name], rtol=1e-5, atol=1e-7)
    other = "shared" if part == "generator" else "generator"
    assert {name for name in before if is_of(name, other)} <= learned
    cut = api.train(agent, "ode", steps=128, out=tmp_path / "part", **options)
    assert cut.spec.freeze == part
    resumed = weights(api.resume(cut, steps=256))
    assert all(np.array_equal(after[name], resumed[name]) for name in after)


@pytest.mark.parametrize("strategy", ["low-rank", "modulation", "adapter", "mask", "chunked"])
@pytest.mark.parametrize("part", FROZEN_PARTS)
def test_optimizers_see_what_is_not_frozen_and_gradients_are_those_of_the_plain_computation(
    strategy: str, part: str
) -> None:
    recipe, family = small("hyper-ppo", "ode-2d", f"policy.hypernetwork={{strategy: {strategy}}}")
    model: Any = bare_model(recipe, family.observation_space, family.action_space)
    parameters = dict(model.policy.named_parameters())
    freeze(model, recipe, part)
    (optimizer,) = view(model).optimizers.values()
    stepped = {id(each) for group in optimizer.param_groups for each in group["params"]}
    assert stepped == {id(each) for each in parameters.values() if each.requires_grad}
    assert {name for name, each in parameters.items() if not each.requires_grad} >= {
        name for name in parameters if is_of(name, part)
    }
    assert all(group["params"] for group in optimizer.param_groups)
    observation = {
        "obs": torch.randn(80, 1), "context": torch.randn(80, 2).round()
    }  # fmt: skip
    actions, found = torch.randn(80, 2), []
    for fused in (True, False):
        model.policy.generated.fused = fused
        values, log_prob, _ = model.policy.evaluate_actions(observation, actions)
        model.policy.zero_grad()
        (values.square().mean() + log_prob.mean()).backward()
        found.append({name: each.grad for name, each in parameters.items()})
    for name, parameter in parameters.items():
        if not parameter.requires_grad:
            assert found[0][name] is found[1][name] is None
        else:
            assert found[1][name] is not None
            torch.testing.assert_close(found[0][name], found[1][name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("part", FROZEN_PARTS)
@pytest.mark.parametrize("agent", ["hyper-a2c", "hyper-dqn", "hyper-td3", "hyper-sac"])
def test_every_optimizer_of_an_algorithm_has_something_left_to_learn(agent: str, part: str) -> None:
    recipe, family = small(agent, "cartpole" if agent == "hyper-dqn" else "ode")
    model = bare_model(recipe, family.observation_space, family.action_space)
    freeze(model, recipe, part)
    frozen = {id(each) for each in model.policy.parameters() if not each.requires_grad}
    for name, optimizer in view(model).optimizers.items():
        left = [id(each) for group in optimizer.param_groups for each in group["params"]]
        assert left, name
        assert not frozen & set(left)
    targets = [
        name for name, each in model.policy.named_parameters() if "target" in name and is_of(name, part)
    ]
    assert all(not dict(model.policy.named_parameters())[name].requires_grad for name in targets)
    assert bool(targets) == recipe.algorithm.off_policy


def test_rates_of_parts_go_with_frozen_ones() -> None:
    recipe, family = small("hyper-ppo", "ode", "policy.hypernetwork.lr_scale={heads: 0.5}")
    model: Any = bare_model(recipe, family.observation_space, family.action_space)
    freeze(model, recipe, "generator")
    assert [group["name"] for group in model.policy.optimizer.param_groups] == ["shared", "rest"]


@pytest.mark.parametrize(
    ("agent", "says"),
    [
        ("concat-ppo", "found policy.kind 'concat'; allowed: 'hyper', which generates weights"),
        ("blind-sac", "found policy.kind 'blind'; allowed: 'hyper', which generates weights"),
        ("hyper-trpo", "found the algorithm 'trpo', which steps all of the actor; allowed: others"),
        (
            "hyper-recurrent-ppo",
            "found weights that follow episodes; allowed: agents that see the context",
        ),
    ],
)
def test_agents_without_such_parts_are_refused(agent: str, says: str) -> None:
    recipe, _ = small(agent, "ode")
    assert message(check_freeze, recipe) == f"agent '{agent}': freeze: {says}"


@pytest.mark.parametrize("part", FROZEN_PARTS)
def test_a_strategy_that_shares_nothing_is_refused(part: str) -> None:
    recipe, family = small("hyper-ppo", "ode", "policy.hypernetwork={strategy: full}")
    model = bare_model(recipe, family.observation_space, family.action_space)
    assert message(freeze, model, recipe, part).startswith(
        f"agent 'hyper-ppo': freeze: found '{part}' with the strategy 'full', of which no weights are shared"
    )


def test_freezing_needs_weights_to_start_from(tmp_path: Path) -> None:
    said = message(api.train, "hyper-ppo", "ode", freeze="shared", out=tmp_path / "x")
    assert said == "freeze: found 'shared'; allowed: with from_run, which gives the weights"
    said = message(api.train, "hyper-ppo", "ode", freeze="head", out=tmp_path / "x")
    assert said == "freeze: found 'head'; did you mean 'shared'? allowed: 'generator', 'shared', or None"
    assert not (tmp_path / "x").exists()


def test_one_task_beyond_the_training_range_is_fine_tuned(tmp_path: Path, no_figures: None) -> None:
    start = untrained(tmp_path / "start", "hyper-ppo", "ode", SMALL)
    run = api.train(
        "hyper-ppo", "ode", steps=64, overrides=SMALL, from_run=start, freeze="generator",
        contexts=[{"c0": 9.0}], out=tmp_path / "tuned",
    )  # fmt: skip
    family = Family(Run.open(run.path).spec.family)
    assert family.tasks("train") == [{"c0": 9.0}]
    assert not any(family.tasks(split) for split in ("validation", "interpolation", "extrapolation"))
    assert family.space.features["c0"].train == (-5, 5)
    assert run.checkpoints() == ["0", "best", "latest"]  # the best on the one task
    (final,) = run.evaluations()
    assert [task["context"] for task in final["tasks"]] == [{"c0": 9.0}]
    assert api.evaluate(run, contexts=[{"c0": 2.0}], save=False).tasks[0].split == "interpolation"
    said = message(api.train, "hyper-ppo", "ode", contexts=[{"c0": 11}], out=tmp_path / "x")
    assert said == "ode: contexts: splits.train.0.list.0.c0: found 11.0; allowed: within [-10.0, 10.0]"
    both = {"contexts": [{"c0": 1}], "leave_out": [{"c0": 5}]}
    said = message(api.train, "hyper-ppo", "ode", out=tmp_path / "x", **both)
    assert said == "leave_out: found beside contexts; allowed: one of them"
