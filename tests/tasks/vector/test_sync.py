"""Environments one after the other: where no batched dynamics exist, with infos and calls of a batch."""

from hyperrl.recipes import parse_family
from hyperrl.tasks import Family
from hyperrl.tasks.vector import BatchedEnv, ContextualSyncEnv


def test_a_feature_that_the_batch_does_not_know_is_played_one_by_one() -> None:
    feature = {"about": "kinematics", "default": 0.05, "train": [0.01, 0.1], "attribute": "dt"}
    screen = {"about": "picture", "default": 500, "train": [400, 600], "attribute": "screen_dim"}
    base = {"name": "mine", "about": "mine", "base": "Pendulum-v1"}
    known = Family(parse_family({**base, "features": {"step": feature}}, "test"))
    unknown = Family(parse_family({**base, "features": {"screen": screen}}, "test"))
    with_arguments = Family(
        parse_family({**base, "kwargs": {"g": 9.0}, "features": {"step": feature}}, "test")
    )
    assert isinstance(known.make_vec(2), BatchedEnv)
    assert isinstance(unknown.make_vec(2), ContextualSyncEnv)
    assert isinstance(with_arguments.make_vec(2), ContextualSyncEnv)
