"""Environments one after the other: where no batched dynamics exist, with infos and calls of a batch."""

import numpy as np

from hyperrl.recipes import parse_family
from hyperrl.tasks import Family
from hyperrl.tasks.vector import BatchedEnv, ContextualSyncEnv
from tests.masked import masked_family, random_valid


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


def test_masks_of_environments_one_by_one() -> None:
    """Those that they have, also of environments that have just begun again."""
    env = masked_family("multi-binary", "info", steps=3).make_vec(4)
    assert isinstance(env, ContextualSyncEnv)
    env.reset(seed=1)
    rng, ends = np.random.default_rng(0), 0
    assert env.masked
    for _ in range(10):
        masks = env.action_masks()
        assert masks.shape == (4, 6)
        assert masks.dtype == np.bool_
        np.testing.assert_array_equal(masks, [each.unwrapped.base.mask for each in env.envs])  # type: ignore[attr-defined]
        ends += env.step(random_valid(masks, "multi-binary", rng))[3].sum()
    assert ends == 12


def test_an_idle_environment_is_not_stepped() -> None:
    env = Family.load("acrobot").make_vec(3)
    assert isinstance(env, ContextualSyncEnv)
    before, _ = env.reset(seed=1)
    env.set_idle([1])
    for _ in range(5):
        observation, reward, *_ = env.step(np.zeros(3, np.int64))
    np.testing.assert_array_equal(observation["obs"][1], before["obs"][1])
    assert (observation["obs"][[0, 2]] != before["obs"][[0, 2]]).any(axis=1).all()
    assert reward.tolist() == [-1, 0, -1]
    env.reset(seed=1)
    _, reward, *_ = env.step(np.zeros(3, np.int64))
    assert reward.tolist() == [-1, -1, -1]
    env.close()
