"""A recipe's mistake in one short line."""

from hyperrl.recipes import parse_agent
from tests.recipes.mistakes import agent, refusal


def test_a_message_with_a_huge_value_is_short() -> None:
    assert len(refusal(parse_agent, agent(steps=["x" * 10_000] * 100), "x")) < 200
    assert len(refusal(parse_agent, agent(**{"y" * 100_000: 1}), "x")) < 400
