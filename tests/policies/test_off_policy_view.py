"""What the algorithms that replay experience are built with."""

import pytest

from hyperrl.training import BatchedVecEnv, build_model
from tests.suite import learnable
from tests.training.conftest import small


@pytest.mark.parametrize(
    ("agent", "family"),
    [
        ("hyper-sac", "ode"),
        ("blind-sac", "ode"),
        ("concat-td3", "pendulum"),
        ("hyper-dqn", "acrobot"),
        learnable("hyper-qrdqn", "acrobot"),
        learnable("hyper-tqc", "ode"),
        learnable("hyper-crossq", "ode"),
    ],
)
def test_a_time_limit_is_no_end_in_what_is_replayed(agent: str, family: str) -> None:
    """Episodes end by their limit of 40 steps: none of what is drawn is a terminal transition."""
    recipe, loaded = small(agent, family, "algorithm.learning_starts=10000")
    model = build_model(recipe, BatchedVecEnv(loaded.make_vec(recipe.n_envs)), seed=5, device="cpu")
    model.learn(recipe.n_envs * 40)
    buffer = model.replay_buffer  # type: ignore[attr-defined]
    assert buffer.dones.sum() == buffer.timeouts.sum() == recipe.n_envs
    assert not buffer.sample(4000).dones.any()
