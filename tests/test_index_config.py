"""Fields of an index, and where they have no effect."""

from typing import Any

import pytest

from hyperrl.arguments import ArgumentError
from hyperrl.config import HypernetworkConfig
from hyperrl.index_config import IndexConfig
from hyperrl.recipes import load_agent, resolve
from hyperrl.recipes.agent import AgentRecipe
from hyperrl.tasks import Family
from tests.runs import message

HYPER = "policy.hypernetwork."
NOISE = f"{HYPER}inputs=[context, noise]"


def test_fields_that_changed_are_listed() -> None:
    assert list(IndexConfig().changed()) == []
    assert list(IndexConfig(prior_scale=2.0).changed()) == [("prior_scale", 2.0, 0.0)]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"index": {"prior_scale": 1.0}}, "index['prior_scale']: found 1.0; allowed: 0.0 unless inputs hold"),
        (
            {"index": {"kind": "sfere"}},
            "index['kind']: found 'sfere'; allowed: 'gaussian', 'sphere', 'members'",
        ),
        ({"index": {"samples": 0}}, "index['samples']: found 0; allowed: a whole number"),
        (
            {"inputs": ["noise"], "noise_dim": 1, "index": {"kind": "members"}},
            "noise_dim: found 1; allowed: at least 2 with index.kind 'members'",
        ),
    ],
)
def test_fields_that_do_not_go_together_are_refused(fields: dict[str, Any], text: str) -> None:
    with pytest.raises(ArgumentError) as error:
        HypernetworkConfig.of(fields)
    assert str(error.value).startswith(text)


def changed(agent: str, *fields: str) -> AgentRecipe:
    return resolve(load_agent(agent), Family.load("ode").recipe, fields)


@pytest.mark.parametrize(
    ("agent", "fields", "text"),
    [
        (
            "hyper-ppo",
            (NOISE, f"{HYPER}index={{prior_scale: 2}}"),
            "index.prior_scale: found 2.0; allowed: 0.0 with the algorithm 'ppo', which draws noise for each",
        ),
        (
            "hyper-sac",
            (NOISE, f"{HYPER}index={{prior_scale: 2}}", "policy.layer_norm=true"),
            "index.prior_scale: found 2.0; allowed: 0 beside policy.layer_norm, residual and convolutions",
        ),
        (
            "hyper-sac",
            (NOISE, f"{HYPER}index={{kind: members}}", "policy.residual=true"),
            'index.kind: found "members"; allowed: another beside policy.layer_norm, residual',
        ),
        ("hyper-sac", (NOISE, "algorithm.her={}"), "algorithm.her: found"),
        (
            "hyper-sac",
            (f"{HYPER}index={{kind: sphere}}",),
            "index.kind: found \"sphere\"; allowed: 'gaussian' unless inputs hold 'noise'",
        ),
    ],
)
def test_recipes_refuse_what_does_not_apply(agent: str, fields: tuple[str, ...], text: str) -> None:
    assert text in message(changed, agent, *fields)


def test_an_agent_with_noise_learns_by_an_index_off_policy_alone() -> None:
    assert changed("hyper-sac").indexed is None
    assert changed("hyper-ppo", NOISE).indexed is None
    indexed = changed("hyper-sac", NOISE, f"{HYPER}noise_dim=5").indexed
    assert indexed is not None
    assert indexed.index_dim == 5
