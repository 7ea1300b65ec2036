"""What every recipe has: it is frozen, and numbers may have an exponent."""

import pytest

from hyperrl.errors import UserError
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


TOO_LARGE = [
    ("ppo", "algorithm.max_grad_norm"),
    ("ppo", "algorithm.clip_range"),
    ("ppo", "policy.effort_coef"),
    ("ppo", "normalize.clip_obs"),
    ("sac", "algorithm.learning_rate"),
    ("td3", "algorithm.target_noise_clip"),
    ("td3", "policy.critic_lr_scale"),
]


@pytest.mark.parametrize(("algorithm", "field"), TOO_LARGE)
def test_numbers_that_single_precision_could_not_hold_are_refused(algorithm: str, field: str) -> None:
    agent = load_agent(f"hyper-{algorithm}").model_dump()
    group, name = field.split(".")
    agent[group][name] = 1e300
    with pytest.raises(
        UserError, match=rf"^x: {field}: found 1e\+300; allowed: a number <= 1000000000000.0$"
    ):
        parse_agent(agent, "x")
    agent[group][name] = 1e12
    assert getattr(getattr(parse_agent(agent, "x"), group), name) == 1e12
