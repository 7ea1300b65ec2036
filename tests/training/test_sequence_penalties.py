"""Terms that hold earlier tasks: 0 where nothing moved, gradients of their definition, and state."""

from typing import Any

import pytest
import torch

from hyperrl.policies.registry import view
from hyperrl.tasks import Family
from hyperrl.training.build import bare_model
from hyperrl.training.sequence_penalties import PENALTIES, Penalty
from tests.training.conftest import small

OPTIONS = ("sequence.samples=6", "sequence.strength=2")


def penalty(kind: str, agent: str = "hyper-ppo") -> tuple[Penalty, Any, Family]:
    recipe, family = small(agent, "ode", *OPTIONS)
    torch.manual_seed(0)
    model: Any = bare_model(recipe, family.observation_space, family.action_space)
    return PENALTIES[kind](model, recipe, family, seed=3), model, family


def shift(model: Any, size: float = 0.1) -> None:
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model.policy.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=size)


@pytest.mark.parametrize("agent", ["hyper-ppo", "hyper-sac", "hyper-td3", "hyper-dqn"])
@pytest.mark.parametrize("kind", PENALTIES)
def test_a_term_is_0_at_first_grows_with_changes_and_survives_its_state(kind: str, agent: str) -> None:
    if agent == "hyper-dqn":
        recipe, family = small(agent, "cartpole", *OPTIONS)
        model: Any = bare_model(recipe, family.observation_space, family.action_space)
        term: Penalty = PENALTIES[kind](model, recipe, family, seed=3)
    else:
        term, model, family = penalty(kind, agent)
    assert term.get_state() == {}
    tasks = family.tasks("train")[:3]
    term.keep(tasks[:1])
    term.keep(tasks[:2])
    assert term.value().item() == pytest.approx(0, abs=1e-9)
    shift(model)
    torch.manual_seed(5)
    moved = term.value().item()
    assert moved > 1e-6
    other = PENALTIES[kind](model, term.agent, family, seed=3)
    other.set_state(term.get_state())
    torch.manual_seed(5)
    assert other.value().item() == moved
    stepped = [
        each for group in next(iter(view(model).optimizers.values())).param_groups for each in group["params"]
    ]
    assert term.add_gradient(stepped)
    critic = view(model).optimizers.get("critic")
    if critic is not None:
        assert not term.add_gradient([one for group in critic.param_groups for one in group["params"]])


def test_outputs_are_all_weights_of_the_acting_network_for_the_earlier_tasks_alone() -> None:
    term, model, family = penalty("outputs")
    tasks = family.tasks("train")
    term.keep(tasks[:2])
    before = model.policy.generated_weights(torch.as_tensor(family.space.descriptors(tasks[:2])))
    shift(model)
    after = model.policy.generated_weights(torch.as_tensor(family.space.descriptors(tasks[:2])))
    squares = sum((after[name] - before[name]).square().sum() for name in before if name.startswith("actor."))
    assert term.value().item() == pytest.approx(float(2 * squares / 2), rel=1e-4)


def test_elastic_terms_are_sums_over_tasks_of_squares_by_the_fisher_information() -> None:
    term, model, family = penalty("ewc")
    tasks = family.tasks("train")
    term.keep(tasks[:1])
    state = term.get_state()
    names, fisher = state["names"], state["fisher"][0]
    assert not any("log_std" in name for name in names)
    assert fisher.min() >= 0
    assert fisher.sum() > 0
    observation = {name: part[:6] for name, part in term._observations(tasks[0]).items()}
    parameters = [dict(model.policy.named_parameters())[name] for name in names]
    total = torch.zeros_like(fisher)
    for row in range(6):
        one = {name: torch.as_tensor(part[row : row + 1]) for name, part in observation.items()}
        effort, model.policy.action_net.coef = model.policy.action_net.coef, 0.0
        for index in range(2):
            gradients = torch.autograd.grad(view(model).act_outputs(one)[0, index], parameters)
            total += torch.cat([each.flatten() for each in gradients]).square() / 6
        model.policy.action_net.coef = effort
    torch.testing.assert_close(fisher, total)
    anchor = state["anchors"][0].clone()
    shift(model)
    now = torch.cat([dict(model.policy.named_parameters())[name].flatten() for name in names])
    assert term.value().item() == pytest.approx((fisher * (now - anchor).square()).sum().item(), rel=1e-4)


def test_states_of_other_networks_and_families_are_refused() -> None:
    for kind in PENALTIES:
        term, _, family = penalty(kind)
        term.keep(family.tasks("train")[:1])
        state = term.get_state()
        recipe, _ = small("hyper-ppo", "ode", *OPTIONS, "policy.net_arch=[4]")
        other_family = Family.load("ode-2d") if kind == "cloning" else family
        other: Any = bare_model(recipe, other_family.observation_space, other_family.action_space)
        wrong = (
            {**state, "observations": {"other": state["observations"]["obs"]}} if kind == "cloning" else state
        )
        with pytest.raises(ValueError, match="earlier tasks"):
            PENALTIES[kind](other, recipe, other_family, seed=3).set_state(wrong)
