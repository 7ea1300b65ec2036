"""The order of precedence: the agent, then the family, then the user."""

from typing import Any

import pytest

from hyperrl.errors import UserError
from hyperrl.recipes import (
    AgentRecipe,
    FamilyRecipe,
    HyperPolicyRecipe,
    load_agent,
    load_family,
    resolve,
)
from hyperrl.recipes.resolve import replaced
from tests.recipes.mistakes import refusal


def test_the_family_overrides_the_agent() -> None:
    ppo: Any = resolve(load_agent("hyper-ppo"), load_family("double-integrator"))
    assert (ppo.steps, ppo.n_envs, ppo.algorithm.n_steps, ppo.algorithm.batch_size) == (450_000, 16, 128, 256)
    assert (load_agent("hyper-ppo").policy.log_std_init, ppo.policy.log_std_init) == (-0.7, 0.0)
    pendulum: Any = resolve(load_agent("concat-ppo"), load_family("pendulum")).algorithm
    assert (pendulum.learning_rate, pendulum.gamma, pendulum.n_epochs) == (1e-3, 0.95, 10)


def test_what_a_family_replaces_of_the_fields_that_an_agent_states() -> None:
    data = {"name": "mine", "about": "Mine.", "steps": 1000, "n_envs": 4, "policy": {"kind": "blind"}}
    data["algorithm"] = {"name": "ppo", "learning_rate": "lin_3e-4", "gamma": 0.95}
    agent, family = AgentRecipe.parse(data, "mine"), load_family("pendulum")
    schedule = ("algorithm.learning_rate", agent.model_dump()["algorithm"]["learning_rate"], 1e-3)
    steps = ("steps", 1000, 200_000)
    assert schedule[1] != 1e-3
    assert replaced(agent, family) == [schedule, steps]  # The same gamma is no change, gae_lambda not stated.
    assert replaced(agent, family, ["algorithm.learning_rate.end=1e-5", "n_envs=2"]) == [steps]
    assert replaced(agent, family, ["algorithm={name: ppo}", "steps=5"]) == []


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


def test_a_mistake_elsewhere_is_reported_beside_another_kind_that_is_given_whole() -> None:
    overrides = ["policy={kind: concat}", "n_envs=0"]
    with pytest.raises(UserError, match="overrides: n_envs: found 0"):
        resolve(load_agent("hyper-ppo"), load_family("ode"), overrides)


def test_a_part_of_an_overridden_mapping_can_be_overridden() -> None:
    overrides = ["policy.net_arch={pi: [8], vf: [8]}", "policy.net_arch.vf=[9]"]
    policy = resolve(load_agent("hyper-ppo"), load_family("ode"), overrides).policy
    assert policy.model_dump()["net_arch"] == {"pi": (8,), "vf": (9,)}


def test_a_schedule_is_overridden_as_a_whole_and_in_part() -> None:
    data = load_family("ode").model_dump()
    family = FamilyRecipe.parse({**data, "training": {"ppo": {"learning_rate": "lin_1e-3"}}}, "")
    agent = resolve(load_agent("hyper-ppo"), family, ["algorithm.clip_range={schedule: cosine, start: 0.3}"])
    assert {name: str(each) for name, each in agent.algorithm.schedules.items()} == {
        "learning_rate": "linear from 0.001 to 0",
        "clip_range": "cosine from 0.3 to 0",
    }
    parts = ["algorithm.learning_rate.end=1e-4", "algorithm.clip_range=0.1"]
    agent = resolve(agent, family, parts)
    assert str(agent.algorithm.learning_rate) == "linear from 0.001 to 0.0001"
    assert agent.algorithm.schedules.keys() == {"learning_rate"}


def test_resolving_changes_neither_recipe() -> None:
    agent, family = load_agent("hyper-ppo"), load_family("double-integrator")
    before = agent.model_dump_json(), family.model_dump_json()
    resolve(agent, family, ["policy.hypernetwork.hidden=[2]", "algorithm.n_steps=64"])
    assert (agent.model_dump_json(), family.model_dump_json()) == before


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


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("steps", 'overrides: found "steps"; allowed: FIELD=VALUE'),
        ("=3", 'overrides: found "=3"; allowed: FIELD=VALUE'),
        ("a..b=3", 'overrides: found "a..b=3"; allowed: FIELD=VALUE'),
        ("step=3", "overrides: step: unknown field; did you mean 'steps'?"),
        ("steps=-3", "overrides: steps: found -3; allowed: a number > 0"),
        ("steps=", "overrides: steps: found null; allowed: a whole number"),
        ("steps.x=1", "overrides: steps: found 150000, which has no fields; allowed: steps=value"),
        (
            "algorithm.learning_rat=1",
            "overrides: algorithm.learning_rat: unknown field; did you mean 'learning_rate'?",
        ),
        (
            "algorithm.learning_rate=fast",
            'overrides: algorithm.learning_rate: found "fast"; allowed: a finite number',
        ),
        ("policy.hypernet.rank=1", "overrides: policy.hypernet: unknown field; did you mean 'hypernetwork'?"),
        (
            "policy.hypernetwork.rnk=1",
            "overrides: policy.hypernetwork.rnk: unknown field; did you mean 'rank'",
        ),
        (
            "policy.hypernetwork.rank=.inf",
            "overrides: policy.hypernetwork.rank: found Infinity; allowed: a whole number",
        ),
        ("policy.net_arch=[1", "overrides policy.net_arch: not valid YAML"),
        ("about=!!python/object:os.system x", "overrides about: not valid YAML: tags are not allowed"),
    ],
)
def test_override_mistakes(override: str, message: str) -> None:
    assert refusal(resolve, load_agent("hyper-ppo"), load_family("ode"), [override]).startswith(message)
