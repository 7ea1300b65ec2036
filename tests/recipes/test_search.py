"""Search spaces: what a file may say, what is refused, and how a space becomes an agent's."""

from typing import Any

import pytest

from hyperrl.recipes import load_agent, load_family, parse_agent, resolve, shipped
from hyperrl.recipes.search import Categorical, Dimension, Span, dimensions, fitting
from tests.recipes.mistakes import agent, refusal

RATE = {"low": 1e-5, "high": 1e-2, "log": True}
RATES = "algorithm.learning_rate"


def parsed(search: Any, **changes: Any) -> Any:
    return parse_agent(agent(search=search, **changes), "a.yaml")


def test_a_space_is_read_as_written() -> None:
    search = parsed({RATES: RATE, "policy.net_arch": {"choices": [[8], [16, 16]]}}).search
    assert search[RATES] == Span(low=1e-5, high=1e-2, log=True)
    assert search["policy.net_arch"].choices == ([8], [16, 16])
    assert [str(values) for values in search.values()] == ["1e-05 to 0.01, log", "[8], [16, 16]"]
    assert str(Span(low=0, high=1, step=0.25)) == "0 to 1 in steps of 0.25"


@pytest.mark.parametrize(
    ("search", "says"),
    [
        ({RATES: 3}, f"search.{RATES}: found 3; allowed: {{low: 1e-5, high: 1e-2, log: true}}, or "),
        ({RATES: {"low": 1}}, f"search.{RATES}.high: missing"),
        ({RATES: {**RATE, "hihg": 1}}, f"search.{RATES}.hihg: unknown field; did you mean 'high'?"),
        ({RATES: {**RATE, "low": 0.1}}, f"search.{RATES}.low: found 0.1; allowed: less than high, 0.01"),
        ({RATES: {**RATE, "low": -1}}, f"search.{RATES}.low: found -1.0; allowed: a number > 0 where log"),
        ({RATES: {**RATE, "low": 0, "log": False}}, f"search.{RATES}.low: found 0.0; allowed: a number >"),
        ({RATES: {**RATE, "high": "inf"}}, f"search.{RATES}.high: found \"inf\"; allowed: a finite number"),
        ({RATES: {**RATE, "step": 1e-4}}, f"search.{RATES}.step: found 0.0001; allowed: none where"),
        ({RATES: {"choices": [1e-3]}}, f"search.{RATES}.choices: found [0.001]; allowed: at least 2 of them"),
        ({RATES: {"choices": [1, 2, 1]}}, f"search.{RATES}.choices.2: found 1; allowed: each value once"),
        ({RATES: {"choices": [1e-3, -1]}}, f"search.{RATES}.choices.1: found -1"),
        ({"algorithm.gama": RATE}, "search.algorithm.gama: unknown field; did you mean 'gamma'?"),
        ({"algorythm.gamma": RATE}, "search.algorythm: unknown field; did you mean 'algorithm'?"),
        ({"algorithm.gamma.x": RATE}, "search.algorithm.gamma.x: found 0.99, which has no fields"),
        ({"algorithm.gamma": {"low": 0.9, "high": 2}}, "search.algorithm.gamma.high: found 2.0; allowed"),
        ({"algorithm.n_epochs": {"low": 1, "high": 2.5}}, "search.algorithm.n_epochs.high: found 2.5; all"),
        (
            {"algorithm.n_epochs": {"low": 1, "high": 9, "step": 0.5}},
            "search.algorithm.n_epochs.step: found 0.5; allowed: a whole number",
        ),
        ({"algorithm.n_epochs": {"low": 1, "high": 3, "step": 4}}, "found 4.0; allowed: at most high - low"),
        ({"policy.activation_fn": {"low": 0, "high": 1}}, "search.policy.activation_fn.low: found 0.0"),
        (
            {"policy.activation_fn": {"choices": ["tanh", "rleu"]}},
            "search.policy.activation_fn.choices.1: found \"rleu\"",
        ),
        (
            {"policy.net_arch": {"choices": [[8], [0]]}},
            "search.policy.net_arch.choices.1.0: found 0; allowed: a number > 0",
        ),
        (
            {"policy.hypernetwork.strategy": {"choices": ["low-rank", "mask"]}},
            'choices.1: found "mask", with which policy.hypernetwork.rank: found 4; allowed: none with',
        ),
        ({"steps": {"low": 1, "high": 9}}, 'search: found "steps"; allowed: fields of algorithm, policy, '),
        ({"about": {"choices": ["x", "y"]}}, 'search: found "about"; allowed: fields of algorithm'),
        ({"search": {"choices": [1, 2]}}, 'search: found "search"; allowed: fields of algorithm'),
    ],
)  # fmt: skip
def test_mistakes(search: Any, says: str) -> None:
    policy = {"kind": "hyper", "hypernetwork": {"rank": 4}}
    message = (
        refusal(parsed, search)
        if "strategy" not in str(search)
        else refusal(lambda: parsed(search, policy=policy))
    )
    assert message.startswith("a.yaml: ")
    assert says in message


def test_a_space_is_whatever_is_true_of_the_agent() -> None:
    """Whole numbers are known by the field, and the space grows to hold the agent's own values."""
    found = dimensions(
        {
            "algorithm.n_epochs": Span(low=2, high=4),
            "algorithm.gamma": Span(low=0.9, high=0.95),
            "algorithm.target_kl": Categorical(choices=(0.01, 0.02)),
            "policy.net_arch": Categorical(choices=([64, 64], [32])),
        },
        parse_agent(agent(), "a"),
    )
    assert found == (
        Dimension("algorithm.n_epochs", Span(low=2, high=10), 10, True),
        Dimension("algorithm.gamma", Span(low=0.9, high=0.99), 0.99, False),
        Dimension("algorithm.target_kl", Categorical(choices=(None, 0.01, 0.02)), None, False),
        Dimension("policy.net_arch", Categorical(choices=([64, 64], [32])), [64, 64], False),
    )


@pytest.mark.parametrize(
    ("algorithm", "values", "says"),
    [
        ({"learning_rate": "lin_3e-4"}, Span(low=1e-5, high=1, log=True), "found a range, but {"),
        ({}, Span(low=1e-6, high=1e-3, step=1e-4), "found 0.0003 in the recipe itself, between two steps"),
    ],
)
def test_an_own_value_that_a_range_cannot_hold(algorithm: Any, values: Any, says: str) -> None:
    recipe = parse_agent(agent(algorithm={"name": "ppo", **algorithm}), "a")
    with pytest.raises(ValueError, match=says.replace("{", r"\{")):
        dimensions({RATES: values}, recipe)
    assert fitting({RATES: values.model_dump()}, recipe) == {}


def test_a_range_of_logarithms_does_not_reach_zero() -> None:
    with pytest.raises(ValueError, match=r"logarithms, but 0\.0 in the recipe itself"):
        dimensions({"algorithm.ent_coef": Span(low=1e-5, high=1, log=True)}, parse_agent(agent(), "a"))


@pytest.mark.parametrize("name", sorted(shipped("agents")))
def test_every_agent_of_the_suite_can_be_tuned(name: str) -> None:
    recipe = resolve(load_agent(name), load_family("ode"))
    space = dimensions(load_agent(name).search_space, recipe)
    assert RATES in {dimension.name for dimension in space}
    assert len(space) >= 3
    assert not recipe.search


def test_default_spaces_follow_algorithm_and_policy() -> None:
    concat, matched, full = (
        load_agent(name).search_space for name in ("concat-ppo", "concat-ppo-matched", "hyper-ppo-full")
    )
    assert {"algorithm.clip_range", "policy.net_arch"} <= set(concat)
    assert set(matched) == set(concat) - {"policy.net_arch"}
    assert set(full) == set(concat) | {"policy.hypernetwork.hidden", "policy.hypernetwork.lr_scale.generator"}
    assert load_agent("hyper-ppo").search_space == load_agent("hyper-ppo").search
    td3 = parse_agent(agent(algorithm={"name": "td3"}), "a").search_space
    assert "algorithm.tau" in td3
    assert "algorithm.action_noise" not in td3, "none of the recipe's own, which no range holds"
