"""Networks that an index chooses from: all at once as one by one, plain ones of each, and priors."""

from typing import Any

import pytest
import torch

from hyperrl.policies import registry
from tests.policies.replaying import made, observed
from tests.policies.worlds import disturb, model, venv

KINDS = ["gaussian", "sphere", "members"]


def indexed(kind: str, algorithm: str = "dqn", **index: Any) -> Any:
    own = {"noise_dim": 3, "index": {"kind": kind, **index}}
    hypernetwork = {"hidden": (8,), "inputs": ["context", "noise"], **own}
    if algorithm == "ppo":
        built: Any = model(venv("context"), hypernetwork=hypernetwork)
    else:
        built = made(algorithm, policy_kwargs={"hypernetwork": hypernetwork})
    disturb(built.policy)
    built.policy.set_training_mode(False)
    return built


@pytest.mark.parametrize("kind", KINDS)
def test_an_index_has_a_plain_network_and_so_has_the_middle(kind: str) -> None:
    built = indexed(kind, prior_scale=3.0)
    batch, view, policy = observed(built), registry.view(built), built.policy
    indices = view.draw_indices(3)
    outputs = view.act_outputs_by_index(batch, indices)
    for index, expected in zip(indices, outputs, strict=True):
        plain = policy.specialize(torch.cat([batch["context"][0], index]))
        torch.testing.assert_close(plain(batch["obs"][:1]), expected[:1], rtol=1e-4, atol=1e-5)
    with torch.no_grad(), policy._acting(deterministic=True):
        middle = view.act_outputs(batch)
    plain = policy.specialize(batch["context"][0])
    torch.testing.assert_close(plain(batch["obs"][:1]), middle[:1], rtol=1e-4, atol=1e-5)
    if kind == "members":
        torch.testing.assert_close(middle, outputs.mean(dim=0), rtol=1e-4, atol=1e-5)


def test_a_prior_is_added_to_values_and_never_learns() -> None:
    with_prior, without = (indexed("gaussian", "sac", prior_scale=scale) for scale in (5.0, 0.0))
    critic = with_prior.policy.critic.generated
    assert set(critic.priors) == {"critic0", "critic1"}
    assert not with_prior.policy.actor.generated.priors
    assert not without.policy.critic.generated.priors
    before = {name: tensor.clone() for name, tensor in critic.priors.state_dict().items()}
    with_prior.learn(60)
    for generated in (critic, with_prior.policy.critic_target.generated):
        after = generated.priors.state_dict()
        assert all(torch.equal(before[name], after[name]) for name in before)
    batch, index = observed(with_prior), torch.ones(6, 3)
    x, seen = batch["obs"], torch.cat([batch["context"], index], dim=1)
    actions = torch.zeros(6, 2)
    with torch.no_grad():
        whole = critic((x, seen), "critic0", actions=actions)[0]
        prior = critic.priors["critic0"](torch.cat([x, actions], dim=1), seen)
        critic.priors["critic0"].head.zero_()
        learned = critic((x, seen), "critic0", actions=actions)[0]
    torch.testing.assert_close(whole, learned + prior)
    assert prior.std() > 0.1


@pytest.mark.parametrize("option", ["layer_norm", "residual"])
def test_a_prior_needs_a_plain_network(option: str) -> None:
    hypernetwork = {"inputs": ["context", "noise"], "index": {"prior_scale": 1.0}}
    with pytest.raises(ValueError, match="allowed: 0 beside layer_norm, residual and convolutions"):
        made("dqn", policy_kwargs={"hypernetwork": hypernetwork, option: True})


@pytest.mark.parametrize("act", ["mean", "vote", "thompson"])
def test_training_acts_by_mean_vote_or_one_index(act: str) -> None:
    built = indexed("members", act=act, prior_scale=3.0)
    batch, view = observed(built, 40), registry.view(built)
    outputs = view.act_outputs_by_index(batch, view.draw_indices(3))
    acted = built.policy._predict(batch, deterministic=False)
    choices = outputs.argmax(dim=2)
    if act == "mean":
        assert torch.equal(acted, outputs.mean(dim=0).argmax(dim=1))
    elif act == "vote":
        votes, most = (
            (choices == acted).sum(dim=0),
            torch.nn.functional.one_hot(choices).sum(dim=0).amax(dim=1),
        )
        assert torch.equal(votes, most)
    else:
        assert (acted == choices).any(dim=0).all()
