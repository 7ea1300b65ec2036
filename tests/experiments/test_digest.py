from pathlib import Path
from typing import Any

import pytest

from hyperrl.experiments.digest import digest_of, recipe_digest, source_files
from hyperrl.recipes import (
    BlindPolicyRecipe,
    ConcatPolicyRecipe,
    FamilyRecipe,
    load_agent,
    load_family,
    resolve,
)
from tests.experiments.suites import broken_family

ODE = load_family("ode")


def digest(*overrides: str, agent: str = "hyper-ppo", family: FamilyRecipe = ODE, seed: int = 0) -> str:
    resolved = resolve(load_agent(agent), family, overrides)
    return recipe_digest(resolved, family, seed, source_files(resolved, family), {"seed": 0})


def changed(**fields: Any) -> FamilyRecipe:
    return ODE.model_copy(update=fields)


def test_words_defaults_and_places_change_nothing() -> None:
    default = digest()
    assert digest("algorithm.gamma=0.99", "about=other words") == default
    assert digest(family=changed(about="other words", folder="/elsewhere")) == default
    feature = ODE.features["c0"].model_copy(update={"about": "?", "unit": "km"})
    assert digest(family=changed(features={"c0": feature})) == default


def test_what_is_searched_changes_nothing() -> None:
    agent = load_agent("hyper-ppo")
    assert agent.search
    bare = agent.model_copy(update={"search": {}, "tuned_on": "ode"})
    digests = [recipe_digest(each, ODE, 0, [], {}) for each in (agent, bare)]
    assert digests[0] == digests[1]


def test_digests_of_parts_of_recipes() -> None:
    other = changed(about="other words"), changed(extra="mujoco")
    assert digest_of(ODE) == digest_of(other[0]) != digest_of(other[1])
    assert digest_of(ConcatPolicyRecipe()) != digest_of(BlindPolicyRecipe()), "of other kinds, all defaults"
    assert digest_of(["a", {"b": 1}]) != digest_of(["a", {"b": 2}])


@pytest.mark.parametrize(
    "override",
    [
        "algorithm.gamma=0.98",
        "steps=1000",
        "policy.hypernetwork.hidden=[32]",
        "policy.hypernetwork.strategy=low-rank",
        "normalize=true",
        "algorithm.learning_rate={schedule: linear, start: 1e-3, end: 0}",
    ],
)
def test_a_field_changes_it(override: str) -> None:
    assert digest(override) != digest()


def test_so_do_seed_agent_family_and_evaluation() -> None:
    agent = resolve(load_agent("hyper-ppo"), ODE)
    feature = ODE.features["c0"].model_copy(update={"default": 2.0})
    digests = [
        digest(),
        digest(seed=1),
        digest(family=load_family("ode-aib")),
        digest(family=changed(features={"c0": feature})),
        recipe_digest(agent, ODE, 0, [], {"seed": 1}),
        *(digest(agent=name) for name in ("concat-ppo", "blind-ppo", "hyper-a2c", "hyper-sac", "hyper-td3")),
    ]
    assert len(set(digests)) == len(digests)


def test_so_does_the_content_of_an_environments_file(tmp_path: Path) -> None:
    path = tmp_path / broken_family(tmp_path)
    first = digest(family=load_family(str(path)))
    broken_family(tmp_path, "raise RuntimeError('else')")
    assert digest(family=load_family(str(path))) != first
