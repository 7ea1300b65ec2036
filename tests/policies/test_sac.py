"""SAC's policy: which layers are generated, trunks, and exploration."""

import pytest
import torch

from tests.policies.replaying import made, observed, values
from tests.policies.worlds import disturb


def test_separate_trunks_are_one_for_each_critic() -> None:
    shared, separate = (
        made("sac", policy_kwargs={"hypernetwork": {"trunk": trunk, "hidden": (8,)}})
        for trunk in ("shared", "separate")
    )
    count = [
        sum("body" in name or "generator" in name for name, _ in one.critic.named_parameters())
        for one in (shared, separate)
    ]
    assert count[1] == 2 * count[0] > 0


@pytest.mark.parametrize("generate", [["actor.2", "critic.0"], ["actor", "critic"]])
def test_layers_are_generated_by_the_names_that_recipes_give(generate: list[str]) -> None:
    model = made("sac", policy_kwargs={"hypernetwork": {"generate": generate, "hidden": (8,)}})
    weights = model.policy.generated_weights(observed(model)["context"])
    vary = {
        name.rpartition(".")[0]
        for name, each in weights.items()
        if name.endswith("weight") and bool((each[0] != each[1]).any())
    }
    every = {f"{network}.{layer}" for network in ("actor", "critic0", "critic1") for layer in range(3)}
    assert vary == (every if generate[0] == "actor" else {"actor.2", "critic0.0", "critic1.0"})


def test_a_part_without_a_generated_layer_is_refused() -> None:
    with pytest.raises(
        ValueError, match="allowed: a layer of 'critic' too, which has a hypernetwork of its own"
    ):
        made("sac", policy_kwargs={"hypernetwork": {"generate": ["actor"]}})


def test_gsde_explores_through_the_last_hidden_layer() -> None:
    model = made("sac", use_sde=True, sde_sample_freq=4)
    assert tuple(model.actor.log_std.shape) == (12, 2)
    model.learn(60)
    assert bool(values(model, observed(model)).isfinite().all())


def test_gsde_clips_the_means_that_noise_is_added_to() -> None:
    model = made("sac", use_sde=True, policy_kwargs={"clip_mean": 0.5})
    disturb(model.actor, 0.3)
    means, _, _ = model.actor.get_action_dist_params(observed(model, 50))
    assert (means.min().item(), means.max().item()) == (-0.5, 0.5)
    assert bool((means.abs() < 0.5).any())


def test_sacs_log_standard_deviations_stay_within_sb3s_bounds() -> None:
    model = made("sac")
    with torch.no_grad():
        for parameter in model.actor.parameters():
            parameter.mul_(30)
        _, log_std, _ = model.actor.get_action_dist_params(observed(model, 200))
    assert (float(log_std.min()), float(log_std.max())) == (-20, 2)
