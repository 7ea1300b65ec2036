"""Which running statistics an agent has: switches, mappings and mistakes."""

from typing import Any

import pytest

from hyperrl.recipes import AgentRecipe, Normalize, load_agent, load_family, parse_agent, resolve
from tests.recipes.mistakes import agent, refusal


def parsed(value: object) -> Normalize:
    return parse_agent(agent(normalize=value), "a.yaml").normalize


def test_a_switch_stands_for_both() -> None:
    assert parsed(True) == parsed({}) == Normalize()
    assert Normalize().model_dump() == {
        "norm_obs": True, "norm_reward": True, "clip_obs": 10.0, "clip_reward": 10.0, "epsilon": 1e-8
    }  # fmt: skip
    off = parse_agent(agent(), "a.yaml").normalize
    assert parsed(False) == off
    assert (off.norm_obs, off.norm_reward, off.active) == (False, False, False)


def test_a_mapping_changes_the_defaults() -> None:
    assert parsed({"norm_reward": False}) == Normalize(norm_reward=False)
    assert parsed({"clip_obs": 5}).clip_obs == 5.0
    assert parsed({"norm_obs": False}).active
    assert not parsed({"norm_obs": False, "norm_reward": False}).active


@pytest.mark.parametrize("value", [True, False, {"norm_obs": False, "epsilon": 1e-4}])
def test_what_a_run_stores_is_read_back(value: object) -> None:
    recipe = parse_agent(agent(normalize=value), "a.yaml")
    assert AgentRecipe.parse(recipe.model_dump(mode="json", by_alias=True), "run.yaml") == recipe


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["normalize=true"], (True, True)),
        (["normalize.norm_obs=true"], (True, False)),
        (["normalize={norm_reward: false}"], (True, False)),
        (["normalize=true", "normalize.norm_obs=false"], None),
    ],
)
def test_overrides(overrides: list[str], expected: Any) -> None:
    arguments = load_agent("hyper-ppo"), load_family("ode"), overrides
    if expected is None:
        assert "normalize: found true, which has no fields" in refusal(resolve, *arguments)
        return
    found = resolve(*arguments).normalize
    assert (found.norm_obs, found.norm_reward) == expected


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (
            "{'norm_obs': true}",
            "allowed: true, false, a mapping with fields of norm_obs, norm_reward, clip_obs",
        ),
        (None, "normalize: found null; allowed: true, false, a mapping"),
        ({"clip": 1}, "normalize.clip: unknown field; did you mean 'clip_obs'"),
        ({"clip_obs": 0}, "normalize.clip_obs: found 0; allowed: a number > 0"),
        ({"norm_obs": 1}, "normalize.norm_obs: found 1; allowed: true or false"),
        ({"epsilon": float("inf")}, "normalize.epsilon: found Infinity; allowed: a finite number"),
    ],
)
def test_mistakes(value: object, says: str) -> None:
    assert says in refusal(parse_agent, agent(normalize=value), "a.yaml")
