"""Mistakes in overrides and names; the words of a message."""

from pathlib import Path
from typing import Any

import pytest

from hyperrl.errors import UserError, did_you_mean
from hyperrl.recipes import load_agent, load_family, parse_agent, resolve
from tests.recipes.mistakes import agent, refusal


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("steps", 'overrides: found "steps"; allowed: key=value'),
        ("=3", 'overrides: found "=3"; allowed: key=value'),
        ("a..b=3", 'overrides: found "a..b=3"; allowed: key=value'),
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


@pytest.mark.parametrize(
    ("load", "name", "message"),
    [
        (load_agent, "hyper-pop", "unknown agent 'hyper-pop'; did you mean 'hyper-ppo'?"),
        (load_agent, "ode", "unknown agent 'ode', which names a family"),
        (load_family, "hyper-ppo", "unknown family 'hyper-ppo', which names an agent (`hyperrl list envs`"),
        (load_family, "Arm-v0", "; a Gymnasium id becomes a family by a YAML file with `base: Arm-v0`"),
        (
            load_family,
            "arm.py",
            "arm.py: found a Python file; allowed: a name, or a YAML file with `base: arm.py:",
        ),
        (load_agent, "a/b.py", "a/b.py: found a Python file; allowed: a name, or a YAML file"),
        (load_family, "ODE", "unknown family 'ODE'; did you mean 'ode'?"),
        (load_family, "cart-pole", "unknown family 'cart-pole'; did you mean 'cartpole'?"),
        (load_family, "", "unknown family '' (`hyperrl list envs` shows them all)"),
        (load_family, "no/such", "no/such: found no such file; allowed: a YAML file"),
        (load_family, "such.yaml", "such.yaml: found no such file; allowed: a YAML file"),
    ],
)
def test_unknown_names(load: Any, name: str, message: str) -> None:
    assert message in refusal(load, name)


def test_nearest_offers_what_helps() -> None:
    assert did_you_mean("odd", ["ode", "cartpole"]) == "; did you mean 'ode'? known: ode, cartpole"
    assert did_you_mean("zzz", ["ode"]) == "; known: ode"
    assert did_you_mean("zzz", [f"long-name-{n}" for n in range(50)]) == ""
    assert did_you_mean("zzz", []) == ""


def test_a_message_is_one_line() -> None:
    assert str(UserError("two\n  lines")) == "two lines"


def test_a_message_with_a_huge_value_is_short() -> None:
    assert len(refusal(parse_agent, agent(steps=["x" * 10_000] * 100), "x")) < 200
    assert len(refusal(parse_agent, agent(**{"y" * 100_000: 1}), "x")) < 400


def test_the_source_and_name_come_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    text = "about: mine\nalgorithm: {name: ppo}\npolicy: {kind: blind}\n"
    path.write_text(text)
    assert load_agent(str(path)).name == "mine"
    path.write_text(text + "steps: -1\n")
    assert refusal(load_agent, str(path)) == f"{path}: steps: found -1; allowed: a number > 0"
