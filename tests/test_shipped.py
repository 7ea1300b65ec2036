"""The suite's own recipes: they load, survive a round trip, and say what the families are defined to be."""

import math
import subprocess
import sys
from itertools import pairwise
from typing import Any

import pytest
import yaml

from hyperrl.recipes import (
    ConcatPolicyRecipe,
    HyperPolicyRecipe,
    load_agent,
    load_family,
    parse_agent,
    parse_family,
    parse_yaml,
    resolve,
    shipped,
)

AGENTS = [
    "bootstrapped-dqn",
    "hyper-dqn-index",
    "blind-a2c",
    "blind-crossq",
    "blind-dqn",
    "blind-ppo",
    "blind-qrdqn",
    "blind-maskable-ppo",
    "blind-recurrent-ppo",
    "blind-tqc",
    "blind-trpo",
    "blind-sac",
    "blind-td3",
    "concat-sac-inferred",
    "hyper-sac-inferred",
    "concat-a2c",
    "concat-crossq",
    "concat-dqn",
    "concat-ppo",
    "concat-qrdqn",
    "concat-maskable-ppo",
    "concat-recurrent-ppo",
    "concat-tqc",
    "concat-trpo",
    "concat-ppo-matched",
    "concat-sac",
    "concat-td3",
    "hyper-a2c",
    "hyper-crossq",
    "hyper-dqn",
    "hyper-ppo",
    "hyper-qrdqn",
    "hyper-maskable-ppo",
    "hyper-recurrent-ppo",
    "hyper-tqc",
    "hyper-trpo",
    "hyper-ppo-full",
    "hyper-sac",
    "hyper-td3",
]
FAMILIES = [
    "acrobot",
    "cartpole",
    "double-integrator",
    "mountaincar",
    "ode",
    "ode-2d",
    "pendulum",
    "point-goal",
]


RECIPES = {name: load_family(name) for name in shipped("envs")}


def test_the_suite_is_complete() -> None:
    assert list(shipped("agents")) == sorted(AGENTS)
    assert set(FAMILIES) <= set(shipped("envs"))
    assert all(path.is_file() for path in (*shipped("agents").values(), *shipped("envs").values()))


@pytest.mark.parametrize("name", sorted(shipped("agents")))
def test_agent_round_trip(name: str) -> None:
    agent = load_agent(name)
    assert agent.name == name
    assert agent.about
    assert parse_agent(agent.model_dump(), "dump") == agent
    assert parse_agent(parse_yaml(yaml.safe_dump(agent.model_dump(mode="json")), "yaml"), "yaml") == agent


@pytest.mark.parametrize("name", sorted(shipped("envs")))
def test_family_round_trip(name: str) -> None:
    family = load_family(name)
    assert family.name == name
    assert all(feature.about for feature in family.features.values())
    assert parse_family(family.model_dump(), "dump") == family
    written = yaml.safe_dump(family.model_dump(mode="json"), sort_keys=False)
    again = parse_family(parse_yaml(written, "yaml"), "yaml")
    assert again == family
    assert list(again.features) == list(family.features)


@pytest.mark.parametrize("name", sorted(shipped("agents")))
def test_every_agent_resolves_with_every_family(name: str) -> None:
    agent = load_agent(name)
    for recipe in RECIPES.values():
        resolved, needs = resolve(agent, recipe), recipe.training
        assert (resolved.steps, resolved.n_envs) == (needs.steps or agent.steps, needs.n_envs or agent.n_envs)


@pytest.mark.parametrize("name", [name for name in AGENTS if "ppo" in name])
def test_all_ppo_agents_share_one_budget_of_hyperparameters(name: str) -> None:
    ppo: Any = load_agent(name).algorithm
    assert (ppo.n_steps, ppo.batch_size, ppo.n_epochs, ppo.learning_rate) == (256, 256, 10, 3e-4)
    assert load_agent(name).policy.net_arch == (64, 64)
    assert load_agent(name).policy.activation_fn == "tanh"


def test_agents_differ_in_their_policies() -> None:
    default, full, matched = (
        load_agent(name).policy for name in ("hyper-ppo", "hyper-ppo-full", "concat-ppo-matched")
    )
    assert isinstance(default, HyperPolicyRecipe)
    assert isinstance(full, HyperPolicyRecipe)
    assert isinstance(matched, ConcatPolicyRecipe)
    assert (default.hypernetwork.strategy, full.hypernetwork.strategy) == ("modulation", "full")
    assert full.hypernetwork.hidden == (64,)
    assert matched.match_parameters == "hyper-ppo"
    assert load_agent("concat-ppo").policy.model_dump()["match_parameters"] is None
    assert load_agent("blind-ppo").policy.kind == "blind"


def test_ode_is_evaluated_from_one_start() -> None:
    assert load_family("ode").evaluation.options == {"x": 1.0}
    assert load_family("ode").evaluation.episodes == 1


def test_point_goal_arcs_cover_the_circle_once() -> None:
    splits = load_family("point-goal").splits
    train, validation, gaps = (
        part[0].ranges or {} for part in (splits.train, splits.validation, splits.interpolation)
    )
    assert train == validation
    arcs = sorted(train["angle"] + gaps["angle"])
    assert len(train["angle"]) == len(gaps["angle"]) == 8
    assert arcs[0][0] == 0
    assert arcs[-1][1] == pytest.approx(math.tau, abs=1e-4)
    assert all(before[1] == after[0] for before, after in pairwise(arcs))
    assert splits.extrapolation == ()


def test_cartpole_recomputes_what_the_base_computes_once() -> None:
    derived = load_family("cartpole").derived
    assert derived["total_mass"].sum == ("masspole", "masscart")
    assert derived["polemass_length"].product == ("masspole", "length")


def test_reading_recipes_imports_no_torch() -> None:
    code = (
        "import sys; from hyperrl import recipes as r; r.load_agent('hyper-ppo'); r.load_family('ode');"
        "print(sorted({'torch', 'stable_baselines3', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
