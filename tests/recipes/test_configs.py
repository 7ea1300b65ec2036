"""What `hyperrl describe` says of a recipe's fields."""

from typing import Any

import pytest
from pydantic import create_model

from hyperrl.config_fields import Config
from hyperrl.recipes import Model, described_fields, load_agent, load_family, shipped


def undescribed(model: Model | Config, where: str) -> list[str]:
    found = []
    for name, value, text in described_fields(model):
        found += [] if text else [f"{where}.{name}"]
        for each in value.values() if isinstance(value, dict) else [value]:
            if isinstance(each, Model | Config):
                found += undescribed(each, f"{where}.{name}")
    return found


@pytest.mark.parametrize(
    "name", [f"{kind}-{policy}" for kind in ("hyper", "concat") for policy in ("ppo", "dqn")]
)
def test_every_field_of_an_agent_is_described(name: str) -> None:
    assert undescribed(load_agent(name), name) == []


def test_every_field_of_a_family_is_described() -> None:
    for name in shipped("envs"):
        assert undescribed(load_family(name), name) == []


def test_a_field_is_described_by_the_text_below_it_on_one_line() -> None:
    texts = {name: text for name, _, text in described_fields(load_family("ode"))}
    assert texts["name"] == "the family's name; a file's stem where the file gives none"
    assert texts["folder"].endswith("if you give none, the folder of the family's file")
    made: Any = create_model("Made", __base__=Model, x=(int, 3))
    assert list(described_fields(made())) == [("x", 3, "")]
