from pathlib import Path

import pytest

import hyperrl
from hyperrl.errors import UserError
from hyperrl.recipes import parse_family
from hyperrl.tasks import Family, check_family
from hyperrl.tasks.checks import refuse_endless

ENDLESS = "'Pendulum-v1' has no time limit, and an episode .* did not end within 10,000 steps; .*max_episode_"


def family(base: str, feature: str, limit: int) -> Family:
    features = {feature: {"about": "x", "default": 1, "train": [0.5, 2]}}
    data = {"name": "mine", "about": "x", "base": base, "features": features}
    return Family(parse_family({**data, "kwargs": {"max_episode_steps": limit}}, ""))


def test_a_base_that_may_never_end_is_refused() -> None:
    with pytest.raises(UserError, match=ENDLESS):
        check_family(family("Pendulum-v1", "m", -1))
    refuse_endless(family("Pendulum-v1", "m", 7))


def test_one_that_ends_by_itself_needs_no_limit() -> None:
    found = family("CartPole-v1", "gravity", -1)
    assert found.max_steps == 0
    refuse_endless(found)


def test_training_refuses_it_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=ENDLESS):
        hyperrl.train("hyper-ppo", family("Pendulum-v1", "m", -1), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
