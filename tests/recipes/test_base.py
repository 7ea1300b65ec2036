"""What every recipe has: it is frozen, and numbers may have an exponent."""

import pytest

from hyperrl.recipes import load_agent, parse_agent


def test_recipes_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_agent("hyper-ppo").steps = 3


def test_numbers_written_with_an_exponent_count_as_numbers() -> None:
    agent = load_agent("hyper-ppo").model_dump()
    agent["algorithm"]["learning_rate"] = "1e-3"
    agent["steps"] = "2e5"
    parsed = parse_agent(agent, "x")
    assert (parsed.algorithm.learning_rate, parsed.steps) == (1e-3, 200_000)
