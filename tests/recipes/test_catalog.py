"""Finding recipes by name or path, and what is none."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperrl.errors import UserError
from hyperrl.recipes import load_agent, load_family, load_suite, parse_agent, parse_family
from tests.recipes.mistakes import outcome, refusal


@pytest.mark.parametrize(
    ("load", "name", "message"),
    [
        (load_agent, "hyper-pop", "unknown agent 'hyper-pop'; did you mean 'hyper-ppo'?"),
        (load_agent, "ode", "unknown agent 'ode', which names a family"),
        (
            load_suite,
            "paper.",
            "unknown suite 'paper.'; did you mean 'paper'? known: ablation, paper,",
        ),
        (
            load_suite,
            "ode",
            "unknown suite 'ode', which names a family; known: ablation, paper,",
        ),
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


def test_the_source_and_name_come_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    text = "about: mine\nalgorithm: {name: ppo}\npolicy: {kind: blind}\n"
    path.write_text(text)
    assert load_agent(str(path)).name == "mine"
    path.write_text(text + "steps: -1\n")
    assert refusal(load_agent, str(path)) == f"{path}: steps: found -1; allowed: a number > 0"


@pytest.mark.parametrize("load", [load_agent, load_family])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "found null; allowed: a mapping of fields"),
        (b"- 1", "found [1]; allowed: a mapping of fields"),
        (b"\xff\xfe\x00", "found bytes that are not UTF-8"),
        (b"#" * 1_000_001, "found more than 1000000 bytes; allowed: at most 1 MB"),
    ],
)
def test_files_that_are_no_recipes(load: Any, data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(data)
    with pytest.raises(UserError) as caught:
        load(str(path))
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


FIELDS = [
    "name",
    "about",
    "base",
    "features",
    "splits",
    "training",
    "evaluation",
    "algorithm",
    "policy",
    "steps",
    "format",
    "kwargs",
    "derived",
]


@given(st.dictionaries(st.sampled_from(FIELDS), plain))
def test_any_data_is_a_recipe_or_a_refusal(data: dict[str, Any]) -> None:
    for parse in (parse_agent, parse_family):
        with pytest.raises(UserError) as caught:
            parse(data, "x")
        assert "\n" not in str(caught.value)


@given(st.dictionaries(st.sampled_from(("train", "interpolation", "extrapolation")), plain))
def test_any_splits_are_splits_or_a_refusal(splits: dict[str, Any]) -> None:
    feature = {"about": "", "default": 1, "train": [0, 2], "extrapolation": [-1, 3]}
    data = {"name": "f", "about": "", "base": "B-v0", "features": {"c": feature}, "splits": splits}
    message = outcome(parse_family, data, "x")
    assert message is None or message.startswith("x: splits")
