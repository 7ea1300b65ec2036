"""The price of effort is a term of the loss."""

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces

from hyperrl.policies import HyperActorCriticPolicy
from hyperrl.policies.effort import Effort
from tests.policies.worlds import OBSERVATIONS, disturb, samples, tensors

COEF = 0.3


def made(action_space: spaces.Space[Any], effort_coef: float) -> HyperActorCriticPolicy:
    torch.manual_seed(0)
    return HyperActorCriticPolicy(
        OBSERVATIONS["context"], action_space, lambda _: 1e-3, effort_coef=effort_coef
    )


def test_gradients_are_those_of_the_mean_square_in_units_of_the_bounds() -> None:
    space = spaces.Box(np.array([-2.0, 0.0, -np.inf]), np.array([2.0, 4.0, np.inf]), dtype=np.float64)
    means = torch.randn(5, 3, requires_grad=True)
    target = torch.randn(5, 3)
    (Effort(COEF, space)(means) - target).square().sum().backward()
    found = means.grad
    units = (means - torch.tensor([0.0, 2.0, 0.0])) / torch.tensor([2.0, 2.0, 1.0])
    loss = (means - target).square().sum() + COEF * units.square().sum(dim=1).mean()
    assert found is not None
    torch.testing.assert_close(found, torch.autograd.grad(loss, means)[0])


@pytest.mark.parametrize("sde", [False, True])
def test_an_update_pulls_actions_to_the_middle(sde: bool) -> None:
    space = spaces.Box(-2.0, 2.0, (2,))
    torch.manual_seed(0)
    policy = HyperActorCriticPolicy(
        OBSERVATIONS["context"], space, lambda _: 1e-2, effort_coef=COEF, use_sde=sde
    )
    batch = tensors(policy, samples(OBSERVATIONS["context"], 32))
    disturb(policy)
    sizes = []
    for _ in range(30):
        means = policy.get_distribution(batch).mode()
        sizes.append(float(means.detach().square().mean()))
        policy.optimizer.zero_grad()
        loss: torch.Tensor = 0.0 * means.sum()
        loss.backward()  # type: ignore[no-untyped-call]
        policy.optimizer.step()
    assert sizes[-1] < 0.5 * sizes[0]


def test_acting_is_untouched_and_choices_have_no_price() -> None:
    box = spaces.Box(-1.0, 1.0, (2,))
    plain, priced = made(box, 0.0), made(box, COEF)
    batch = tensors(plain, samples(OBSERVATIONS["context"], 4))
    assert torch.equal(plain.get_distribution(batch).mode(), priced.get_distribution(batch).mode())
    assert plain.state_dict().keys() == priced.state_dict().keys()
    discrete = made(spaces.Discrete(3), COEF)
    chosen: Any = discrete.get_distribution(batch).distribution
    (0.0 * chosen.logits.sum()).backward()
    assert all(not p.grad.any() for p in discrete.parameters() if p.grad is not None)
