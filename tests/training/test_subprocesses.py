"""Training with environments in processes of their own."""

from contextlib import closing

import pytest
from stable_baselines3.common.logger import Logger

from hyperrl.training.session import TrainingSession
from tests.training.conftest import small
from tests.training.test_resume import same


@pytest.mark.parametrize("sampler", ["uniform", "plr"])
def test_training_is_the_same_as_in_one_process(sampler: str) -> None:
    ends = []
    for subprocesses in (0, 2):
        given = (f"sampler={sampler}", "n_envs=2", f"subprocesses={subprocesses}")
        agent, family = small("concat-ppo", "acrobot", "algorithm.n_steps=512", *given)
        with closing(TrainingSession(agent, family, 1, "cpu")) as training:
            training.model.set_logger(Logger(None, []))
            training.model.learn(2048)
            ends.append((training.model.policy.state_dict(), training.sampler.get_state()))
    same(ends[0], ends[1])
    assert sum(ends[0][1]["count"]) >= 4
