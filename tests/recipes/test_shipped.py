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
    Context,
    HyperPolicyRecipe,
    Linspace,
    Part,
    load_agent,
    load_family,
    parse_agent,
    parse_family,
    parse_yaml,
    resolve,
    shipped,
)

AGENTS = [
    "blind-a2c",
    "blind-dqn",
    "blind-ppo",
    "blind-qrdqn",
    "blind-recurrent-ppo",
    "blind-tqc",
    "blind-trpo",
    "blind-sac",
    "blind-td3",
    "concat-a2c",
    "concat-dqn",
    "concat-ppo",
    "concat-qrdqn",
    "concat-recurrent-ppo",
    "concat-tqc",
    "concat-trpo",
    "concat-ppo-matched",
    "concat-sac",
    "concat-td3",
    "hyper-a2c",
    "hyper-dqn",
    "hyper-ppo",
    "hyper-qrdqn",
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


def contexts(family: str, split: str) -> set[tuple[float, ...]]:
    """The contexts of lists and grids after `keep` and `without`; each must name every feature."""
    recipe = load_family(family)
    contexts = [
        (part, Context.of(recipe.features, values))
        for part in getattr(recipe.splits, split)
        for values in part.explicit
    ]
    return {tuple(context.values()) for part, context in contexts if part.keeps(context)}


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


@pytest.mark.parametrize("family", sorted(shipped("envs")))
@pytest.mark.parametrize("agent", sorted(shipped("agents")))
def test_every_pair_resolves(agent: str, family: str) -> None:
    resolved = resolve(load_agent(agent), load_family(family))
    needs = load_family(family).training
    assert resolved.steps == (needs.steps or load_agent(agent).steps)
    assert resolved.n_envs == (needs.n_envs or 8)


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


def test_ode_splits() -> None:
    signs = (-1, 1)
    assert contexts("ode", "train") == {(s * c,) for s in signs for c in (1, 5)}
    assert contexts("ode", "validation") == {(s * c,) for s in signs for c in (1.5, 2.5, 3.5, 4.5)}
    assert contexts("ode", "interpolation") == {(s * c,) for s in signs for c in (2, 3, 4)}
    assert contexts("ode", "extrapolation") == {(s * c,) for s in signs for c in range(6, 11)}
    assert load_family("ode").evaluation.options == {"x": 1.0}
    assert load_family("ode").evaluation.episodes == 1


def test_ode_2d_splits() -> None:
    grid = {(a, b) for a in range(-10, 11) for b in range(-10, 11)}
    inside = {point for point in grid if max(map(abs, point)) <= 5}
    train = {(a * s, b * s) for s in (1, 5) for a in (-1, 0, 1) for b in (-1, 0, 1)} - {(0, 0)}
    assert len(train) == 16
    assert contexts("ode-2d", "train") == train
    assert contexts("ode-2d", "interpolation") == inside - {(0, 0)}
    assert contexts("ode-2d", "extrapolation") == grid - inside
    assert not contexts("ode-2d", "validation") & (grid | train)


def test_double_integrator_splits_have_twenty_tasks_each_and_share_none() -> None:
    splits = [
        contexts("double-integrator", split)
        for split in ("train", "validation", "interpolation", "extrapolation")
    ]
    assert [len(split) for split in splits] == [20, 20, 20, 20]
    assert len(set().union(*splits)) == 80
    masses = {mass for _, mass in splits[3]}
    assert all(0.1 <= mass < 0.5 or 1.5 < mass <= 2 for mass in masses)


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


def test_default_samples_never_share_a_seed() -> None:
    splits = load_family("cartpole").splits
    parts: list[Part] = [*splits.train, *splits.validation, *splits.interpolation, *splits.extrapolation]
    assert [(part.sample, part.seed) for part in parts] == [(32, 0), (16, 1), (32, 2), (32, 3)]
    assert splits.extrapolation[0].keep == "outside"


def test_linspace_has_both_ends() -> None:
    axis = Linspace.parse({"from": 0.1, "to": 0.7, "n": 4}, "x")
    assert axis.values == pytest.approx((0.1, 0.3, 0.5, 0.7))
    assert (axis.values[0], axis.values[-1]) == (0.1, 0.7)
    assert Linspace.parse({"from": 2, "to": 2, "n": 1}, "x").values == (2.0,)


def test_reading_recipes_imports_no_torch() -> None:
    code = (
        "import sys; from hyperrl import recipes as r; r.load_agent('hyper-ppo'); r.load_family('ode');"
        "print(sorted({'torch', 'stable_baselines3', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
