"""The order of precedence: the agent, then the family, then the user."""

from typing import Any

import pytest

from hyperrl.errors import UserError
from hyperrl.recipes import (
    Feature,
    HyperPolicyRecipe,
    load_agent,
    load_family,
    parse_agent,
    parse_family,
    resolve,
)


def test_the_family_overrides_the_agent() -> None:
    ppo: Any = resolve(load_agent("hyper-ppo"), load_family("double-integrator"))
    assert (ppo.steps, ppo.n_envs, ppo.algorithm.n_steps, ppo.algorithm.batch_size) == (450_000, 16, 128, 256)
    assert (load_agent("hyper-ppo").policy.log_std_init, ppo.policy.log_std_init) == (-0.7, 0.0)
    pendulum: Any = resolve(load_agent("concat-ppo"), load_family("pendulum")).algorithm
    assert (pendulum.learning_rate, pendulum.gamma, pendulum.n_epochs) == (1e-3, 0.95, 10)


def test_a_family_speaks_to_its_own_algorithm_alone() -> None:
    a2c: Any = resolve(load_agent("hyper-a2c"), load_family("pendulum")).algorithm
    assert (a2c.name, a2c.learning_rate, a2c.gamma) == ("a2c", 7e-4, 0.99)


def test_the_user_overrides_both() -> None:
    overrides = [
        "steps=1e3",
        "n_envs=2",
        "algorithm.learning_rate=5e-4",
        "algorithm.target_kl=null",
        "policy.hypernetwork.strategy=low-rank",
        "policy.hypernetwork.rank=4",
        "policy.hypernetwork.hidden=[]",
        "policy.net_arch={pi: [8], vf: [16, 16]}",
        "sampler=round-robin",
    ]
    agent: Any = resolve(load_agent("hyper-ppo"), load_family("pendulum"), overrides)
    assert (agent.steps, agent.n_envs, agent.sampler) == (1000, 2, "round-robin")
    assert (agent.algorithm.learning_rate, agent.algorithm.gamma) == (5e-4, 0.95)
    assert isinstance(agent.policy, HyperPolicyRecipe)
    assert (agent.policy.hypernetwork.rank, agent.policy.hypernetwork.hidden) == (4, ())
    assert agent.policy.model_dump()["net_arch"] == {"pi": (8,), "vf": (16, 16)}
    assert agent.policy.log_std_init == -0.7


def test_the_user_overrides_what_a_family_says_of_the_policy() -> None:
    family = load_family("double-integrator")
    assert family.training.log_std_init == 0.0
    agent = resolve(load_agent("hyper-ppo"), family, ["policy.log_std_init=-2"])
    assert agent.policy.log_std_init == -2.0


def test_the_last_of_two_overrides_counts() -> None:
    assert resolve(load_agent("hyper-ppo"), load_family("ode"), ["steps=1", "steps=2"]).steps == 2


@pytest.mark.parametrize(
    ("override", "own"), [("policy.kind=concat", '"hyper"'), ("algorithm.name=sac", '"ppo"')]
)
def test_the_line_on_another_kind_names_what_the_user_gave(override: str, own: str) -> None:
    with pytest.raises(
        UserError, match=rf"overrides: {override.partition('=')[0]}: found .*; allowed: {own}, "
    ):
        resolve(load_agent("hyper-ppo"), load_family("ode"), [override])


def test_a_mistake_elsewhere_is_told_beside_another_kind_that_is_given_whole() -> None:
    overrides = ["policy={kind: concat}", "n_envs=0"]
    with pytest.raises(UserError, match="overrides: n_envs: found 0"):
        resolve(load_agent("hyper-ppo"), load_family("ode"), overrides)


def test_a_part_of_an_overridden_mapping_can_be_overridden() -> None:
    overrides = ["policy.net_arch={pi: [8], vf: [8]}", "policy.net_arch.vf=[9]"]
    policy = resolve(load_agent("hyper-ppo"), load_family("ode"), overrides).policy
    assert policy.model_dump()["net_arch"] == {"pi": (8,), "vf": (9,)}


def test_resolving_changes_neither_recipe() -> None:
    agent, family = load_agent("hyper-ppo"), load_family("double-integrator")
    before = agent.model_dump_json(), family.model_dump_json()
    resolve(agent, family, ["policy.hypernetwork.hidden=[2]", "algorithm.n_steps=64"])
    assert (agent.model_dump_json(), family.model_dump_json()) == before


def test_recipes_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_agent("hyper-ppo").steps = 3


def test_numbers_written_with_an_exponent_count_as_numbers() -> None:
    agent = load_agent("hyper-ppo").model_dump()
    agent["algorithm"]["learning_rate"] = "1e-3"
    agent["steps"] = "2e5"
    parsed = parse_agent(agent, "x")
    assert (parsed.algorithm.learning_rate, parsed.steps) == (1e-3, 200_000)


def test_built_features_serve_as_well_as_written_ones() -> None:
    feature = Feature(about="gravity", default=1, train=(0, 2))
    data = {"name": "f", "about": "", "base": "B-v0", "features": {"g": feature}}
    family = parse_family(data, "x")
    assert family.features["g"] == feature
    assert family.splits.extrapolation == ()
    wide = parse_family(
        {**data, "features": {"g": feature.model_copy(update={"extrapolation": (-1.0, 3.0)})}}, "x"
    )
    assert len(wide.splits.extrapolation) == 1


def test_samples_take_their_splits_seed_and_side() -> None:
    feature = {"about": "", "default": 1, "train": [0, 2], "extrapolation": [-1, 3]}
    data = {"name": "f", "about": "", "base": "B-v0", "features": {"g": feature}}
    parts = {"interpolation": {"sample": 8}, "extrapolation": [{"sample": 8}, {"sample": 4, "seed": 9}]}
    splits = parse_family({**data, "splits": parts}, "x").splits
    assert [(part.seed, part.keep) for part in (*splits.interpolation, *splits.extrapolation)] == [
        (2, None),
        (3, "outside"),
        (9, "outside"),
    ]


def test_a_list_may_leave_out_the_training_tasks_by_itself() -> None:
    feature = {"about": "", "default": 1, "train": [0, 2]}
    parts = {
        "train": {"list": [{"g": 1}]},
        "interpolation": {"list": [{"g": 1}, {"g": 1.5}], "without_train": True},
    }
    data = {"name": "f", "about": "", "base": "B-v0", "features": {"g": feature}, "splits": parts}
    assert parse_family(data, "x").splits.interpolation[0].without_train


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("learning_rate=1e-3", "algorithm.learning_rate"),
        ("learning_rat=1e-3", "algorithm.learning_rate"),
        ("hidden=[32]", "policy.hypernetwork.hidden"),
        ("hypernetwork.hidden=[32]", "policy.hypernetwork.hidden"),
        ("policy.hidden=[32]", "policy.hypernetwork.hidden"),
        ("algorithm.net_arch=[8]", "policy.net_arch"),
        ("n_steps=32", "algorithm.n_steps"),
    ],
)
def test_a_field_given_without_its_group_points_to_it(given: str, meant: str) -> None:
    key = given.partition("=")[0]
    with pytest.raises(UserError) as caught:
        resolve(load_agent("hyper-ppo"), load_family("ode"), [given])
    assert str(caught.value).endswith(f": {key}: unknown field; did you mean {meant!r}?")
