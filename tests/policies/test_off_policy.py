"""What the policies of SAC, TD3 and DQN with generated networks have in common."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor, FlattenExtractor
from stable_baselines3.common.utils import polyak_update
from torch import Tensor, nn

from hyperrl.policies import (
    GeneratedNetworks,
)
from tests.policies.replaying import KINDS, TARGETS, made, observed, values
from tests.policies.worlds import OBSERVATIONS, samples


@pytest.mark.parametrize(
    ("observation", "strategy"), [*((name, "low-rank") for name in sorted(OBSERVATIONS)), ("context", "full")]
)
@pytest.mark.parametrize("kind", KINDS)
def test_learns_on_every_observation_and_survives_saving(
    kind: str, observation: str, strategy: str, tmp_path: Path
) -> None:
    model = made(kind, observation, strategy)
    before = values(model, observed(model))
    model.learn(60)
    after = values(model, observed(model))
    assert not torch.equal(before, after)
    assert bool(after.isfinite().all())
    model.save(tmp_path / "model.zip")
    loaded = type(model).load(tmp_path / "model.zip", device="cpu")
    model.policy.save(tmp_path / "policy.pt")
    alone = type(model.policy).load(tmp_path / "policy.pt", device="cpu")
    for other in (loaded, copy.deepcopy(model)):
        assert torch.equal(values(other, observed(model)), after)
    batch = samples(model.observation_space, 5)
    expected = model.policy.predict(batch, deterministic=True)[0]
    np.testing.assert_array_equal(alone.predict(batch, deterministic=True)[0], expected)


@pytest.mark.parametrize("kind", KINDS)
def test_every_network_depends_on_the_context_and_is_its_own(kind: str) -> None:
    model = made(kind)
    seen = observed(model)
    other = {**seen, "context": -seen["context"]}
    moved = (values(model, seen) - values(model, other)).abs().amax(dim=0)
    assert bool((moved > 1e-6).all())
    weights = model.policy.generated_weights(seen["context"])
    networks = {name.split(".")[0] for name in weights}
    assert networks == ({"critic"} if kind == "dqn" else {"actor", "critic0", "critic1"})
    if kind != "dqn":
        assert not torch.equal(weights["critic0.1.weight"], weights["critic1.1.weight"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_target_starts_as_a_copy_for_which_nothing_is_drawn(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[GeneratedNetworks] = []
    begin = GeneratedNetworks.__init__

    def counted(self: GeneratedNetworks, *arguments: Any, **options: Any) -> None:
        built.append(self)
        begin(self, *arguments, **options)

    monkeypatch.setattr(GeneratedNetworks, "__init__", counted)
    policy = made(kind).policy
    assert len(built) == (1 if kind == "dqn" else 2)
    for name in TARGETS[kind]:
        own, target = getattr(policy, name), getattr(policy, f"{name}_target")
        pairs = list(zip(own.parameters(), target.parameters(), strict=True))
        assert pairs
        for one, other in pairs:
            assert torch.equal(one, other)
            assert one.data_ptr() != other.data_ptr()
    maker = "make_q_net" if kind == "dqn" else "make_critic"
    later = getattr(policy, maker)()
    own = policy.q_net if kind == "dqn" else policy.critic
    assert not torch.equal(*(next(each.generated.parameters()) for each in (later, own)))


@pytest.mark.parametrize("kind", KINDS)
def test_networks_equal_their_weights_applied_by_hand(kind: str) -> None:
    model = made(kind)
    seen = observed(model)
    weights = model.policy.generated_weights(seen["context"])

    def by_hand(network: str, row: int, x: Tensor) -> Tensor:
        for layer in range(3):
            x = weights[f"{network}.{layer}.weight"][row] @ x + weights[f"{network}.{layer}.bias"][row]
            x = x.relu() if layer < 2 else x
        return x

    rows = range(len(seen["obs"]))
    if kind == "dqn":
        expected = torch.stack([by_hand("critic", row, seen["obs"][row]) for row in rows])
        torch.testing.assert_close(model.q_net(seen), expected)
        return
    raw = torch.stack([by_hand("actor", row, seen["obs"][row]) for row in rows])
    actions = model.actor(seen, True) if kind == "sac" else model.actor(seen)
    torch.testing.assert_close(actions, raw[:, : actions.shape[1]].tanh())
    for number, found in enumerate(model.critic(seen, actions)):
        both = torch.cat([seen["obs"], actions], dim=1)
        torch.testing.assert_close(
            found, torch.stack([by_hand(f"critic{number}", row, both[row]) for row in rows])
        )
    torch.testing.assert_close(model.critic.q1_forward(seen, actions), model.critic(seen, actions)[0])


@pytest.mark.parametrize("strategy", ["low-rank", "full"])
@pytest.mark.parametrize("kind", KINDS)
def test_targets_follow_by_polyak_averaging_and_are_never_stale(kind: str, strategy: str) -> None:
    """Between two uses of a target there may be no optimizer's step, only the averaging."""
    model = made(kind, strategy=strategy)
    for name in TARGETS[kind]:
        own, target = getattr(model, name), getattr(model, f"{name}_target")
        with torch.no_grad():
            for parameter in own.parameters():
                parameter.add_(0.3 * torch.randn_like(parameter))
        seen = observed(model)
        actions = () if name != "critic" else (torch.rand(len(seen["obs"]), 2),)

        def used(network: Any, seen: Any = seen, actions: Any = actions) -> Tensor:
            with torch.no_grad():
                found = network(seen, *actions)
            return torch.cat(found, dim=1) if isinstance(found, tuple) else found

        for _ in range(12):  # weights of tasks that come again would be formed and kept
            first = used(target)
        assert not target.training
        polyak_update(own.parameters(), target.parameters(), 0.5)
        second = used(target)
        assert not torch.allclose(first, second)
        polyak_update(own.parameters(), target.parameters(), 1.0)
        torch.testing.assert_close(used(target), used(own))


@pytest.mark.parametrize("kind", KINDS)
def test_learning_moves_every_target_behind_its_network(kind: str) -> None:
    """The targets' hypernetworks learn whatever the networks' own do, a part of the way."""
    interval: dict[str, Any] = {"target_update_interval": 2} if kind == "dqn" else {}
    model = made(kind, tau=0.25, **interval)
    networks = [(getattr(model, name), getattr(model, f"{name}_target")) for name in TARGETS[kind]]
    starts = [[parameter.detach().clone() for parameter in target.parameters()] for _, target in networks]
    model.learn(60)
    for (own, target), start in zip(networks, starts, strict=True):
        moved = [
            not torch.equal(parameter, before)
            for parameter, before in zip(own.parameters(), start, strict=True)
        ]
        assert any(moved)
        for went, parameter, behind, before in zip(
            moved, own.parameters(), target.parameters(), start, strict=True
        ):
            assert torch.equal(behind, before) != went
            assert torch.equal(behind, parameter) != went


@pytest.mark.parametrize("kind", KINDS)
def test_copies_and_loaded_models_keep_no_weights_of_targets(kind: str, tmp_path: Path) -> None:
    model = made(kind)
    model.save(tmp_path / "model.zip")
    for one in (model, copy.deepcopy(model), type(model).load(tmp_path / "model.zip", device="cpu")):
        for name, part in one.policy.named_children():
            generated = [module for module in part.modules() if isinstance(module, GeneratedNetworks)]
            assert [each.caching for each in generated] == [not name.endswith("_target")] * len(generated)


@pytest.mark.parametrize("strategy", ["low-rank", "full"])
@pytest.mark.parametrize("trunk", ["shared", "separate"])
@pytest.mark.parametrize("kind", ["sac", "td3"])
def test_each_critic_learns_from_its_own_loss(kind: str, trunk: str, strategy: str) -> None:
    """Its gradient is that of its values under a change of its own weights, as a difference shows."""
    given = {"strategy": strategy, "rank": 3, "hidden": (8,), "trunk": trunk}
    model = made(kind, policy_kwargs={"hypernetwork": given, "n_critics": 3})
    critic, seen = model.critic, observed(model)
    actions = torch.rand(len(seen["obs"]), 2)
    parameters = list(critic.generated.hyper.parameters())
    for number in range(3):
        critic.zero_grad()
        critic(seen, actions)[number].square().sum().backward()
        gradients = [None if one.grad is None else one.grad.clone() for one in parameters]
        moves = sum(float(one.square().sum()) for one in gradients if one is not None)
        assert moves > 0
        step, losses = 1e-2 / moves**0.5, []
        for sign in (1, -2):
            with torch.no_grad():
                for parameter, gradient in zip(parameters, gradients, strict=True):
                    if gradient is not None:
                        parameter.add_(sign * step / moves**0.5 * gradient)
                critic.generated.clear_cache()
                losses.append(float(critic(seen, actions)[number].square().sum()))
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                if gradient is not None:
                    parameter.add_(step / moves**0.5 * gradient)
        assert (losses[0] - losses[1]) / (2 * step * moves**0.5) == pytest.approx(1, rel=0.1)


@pytest.mark.parametrize("kind", ["sac", "td3"])
def test_an_actors_loss_has_the_gradients_that_it_has_through_plain_critics(kind: str) -> None:
    """Of the actor all of them; of the critics none, which the algorithms throw away."""
    model = made(kind)
    seen = observed(model)

    def loss(actions: Tensor) -> Tensor:
        q_values: Tensor = torch.cat(model.critic(seen, actions), dim=1)
        return q_values.min(dim=1).values.sum()

    actions = model.actor(seen, True) if kind == "sac" else model.actor(seen)
    own = list(model.actor.parameters())
    model.policy.zero_grad()
    found = torch.autograd.grad(loss(actions), own, retain_graph=True, allow_unused=True)
    loss(actions).backward(retain_graph=True)  # type: ignore[no-untyped-call]
    assert all(one.grad is None for one in model.critic.parameters())
    leaf = actions.detach().requires_grad_()
    through = torch.autograd.grad(loss(leaf), leaf)[0]
    expected = torch.autograd.grad(actions, own, through, allow_unused=True)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)
    loss(leaf).backward()  # type: ignore[no-untyped-call]
    assert all(one.grad is not None for one in model.critic.parameters())


@pytest.mark.parametrize("kind", ["sac", "td3"])
def test_critics_step_at_their_own_rate(kind: str) -> None:
    model = made(
        kind,
        policy_kwargs={"critic_lr_scale": 3.0, "hypernetwork": {"lr_scale": {"heads": 0.5}, "hidden": (8,)}},
    )
    scales = {
        part: {group["name"]: group["lr_scale"] for group in getattr(model, part).optimizer.param_groups}
        for part in ("actor", "critic")
    }
    assert scales["actor"] == {"generator": 1.0, "heads": 0.5, "shared": 1.0}
    assert scales["critic"] == {"generator": 3.0, "heads": 1.5, "shared": 3.0}
    model.learn(40)
    assert {group["lr"] for group in model.critic.optimizer.param_groups} == {model.learning_rate}


@pytest.mark.parametrize("kind", KINDS)
def test_the_specialized_network_acts_as_the_policy_does(kind: str) -> None:
    model = made(kind)
    model.learn(40)
    seen = observed(model)
    for row in range(3):
        plain = model.policy.specialize(seen["context"][row])
        found = plain(seen["obs"][row : row + 1])
        one = {name: part[row : row + 1] for name, part in seen.items()}
        with torch.no_grad():
            if kind == "dqn":
                torch.testing.assert_close(found, model.q_net(one))
            else:
                acted = model.policy._predict(one, deterministic=True)
                torch.testing.assert_close(found[:, : acted.shape[1]].tanh(), acted)


@pytest.mark.parametrize("kind", ["sac", "td3"])
def test_an_extractor_that_actor_and_critics_share_is_the_actors_to_learn(kind: str) -> None:
    """As in Stable-Baselines3: two optimizers on one layer would pull it about."""
    model = made(kind, policy_kwargs={"features_extractor_class": Layered, "share_features_extractor": True})
    assert model.actor.features_extractor is model.critic.features_extractor
    shared = {id(one) for one in model.actor.features_extractor.parameters()}
    held = {
        part: {id(one) for group in getattr(model, part).optimizer.param_groups for one in group["params"]}
        for part in ("actor", "critic")
    }
    assert shared
    assert shared <= held["actor"]
    assert not shared & held["critic"]
    assert held["critic"] == {id(one) for one in model.critic.parameters()} - shared


class Layered(FlattenExtractor):
    """A layer of its own on the observation."""

    def __init__(self, space: Any) -> None:
        super().__init__(space["obs"])
        self.linear = nn.Linear(4, 4)

    def forward(self, observations: Any) -> Tensor:
        features: Tensor = self.linear(observations["obs"])
        return features


@pytest.mark.parametrize("kind", ["sac", "td3"])
def test_effort_is_in_units_in_which_actions_reach_from_minus_one_to_one(kind: str) -> None:
    """Whatever the bounds of the environment's actions are: the networks give them in those units."""
    model = made(kind, action="matrix", policy_kwargs={"effort_coef": 2.0})
    means = torch.randn(5, 6, requires_grad=True)
    (0.0 * model.actor.effort(means)).sum().backward()
    torch.testing.assert_close(means.grad, 2.0 * 2 * means.detach() / 5)


@pytest.mark.parametrize("kind", ["sac", "td3"])
def test_effort_pulls_actions_to_the_middle(kind: str) -> None:
    free, priced = (made(kind, policy_kwargs={"effort_coef": coef}) for coef in (0.0, 2.0))
    priced.policy.load_state_dict(free.policy.state_dict())
    pulls = []
    for model in (free, priced):
        seen = observed(model)
        actions = model.actor(seen, True) if kind == "sac" else model.actor(seen)
        actions.sum().backward()
        pulls.append(
            torch.cat([one.grad.flatten() for one in model.actor.parameters() if one.grad is not None])
        )
    assert not torch.allclose(pulls[0], pulls[1])


class Scaled(BaseFeaturesExtractor):
    """Features with a parameter of their own."""

    def __init__(self, space: Any) -> None:
        super().__init__(space, 4)
        self.scale = torch.nn.Parameter(torch.ones(4))

    def forward(self, observations: Any) -> Tensor:
        features: Tensor = observations["obs"] * self.scale
        return features


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("kind", ["sac", "td3"])
def test_critics_do_not_train_an_extractor_that_they_share(kind: str, shared: bool) -> None:
    given = {"features_extractor_class": Scaled, "share_features_extractor": shared}
    model = made(kind, policy_kwargs=given)
    seen, scale = observed(model), model.critic.features_extractor.scale
    assert (scale is model.actor.features_extractor.scale) is shared
    sum(values.sum() for values in model.critic(seen, torch.rand(6, 2))).backward()
    assert (scale.grad is None) is shared
