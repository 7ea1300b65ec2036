"""RL Zoo, unchanged, trains our policy class on a family's plain Gymnasium id."""

import ast
import csv
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("rl_zoo3") is None,
        reason="needs rl_zoo3: pip install -c constraints.txt -e '.[zoo]'",
    ),
]
CONFIG = Path(__file__).with_name("ode.yml")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that RL Zoo leaves after 2,000 steps, evaluated on unseen tasks on the way."""
    logs = tmp_path_factory.mktemp("zoo")
    command = [
        *(sys.executable, "-m", "rl_zoo3.train", "--algo", "ppo", "--env", "hyperrl/ode-v0"),
        *("--gym-packages", "hyperrl", "-conf", str(CONFIG), "-n", "2000", "--seed", "1", "--device", "cpu"),
        *("--eval-env-kwargs", "split:'interpolation'", "--eval-freq", "1000", "--eval-episodes", "4"),
        *("-f", str(logs), "--num-threads", "1"),
    ]
    done = subprocess.run(command, cwd=logs, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return logs / "ppo"


def test_saves_a_model_of_our_policy_class(trained: Path) -> None:
    from stable_baselines3 import PPO

    from hyperrl.policies import HyperActorCriticPolicy

    (archive,) = trained.glob("*/hyperrl-ode-v0.zip")
    model = PPO.load(archive, device="cpu")
    assert isinstance(model.policy, HyperActorCriticPolicy)
    assert model.num_timesteps >= 2000


def test_every_episode_is_a_training_task(trained: Path) -> None:
    contexts = [
        ast.literal_eval(row["context"])["c0"]
        for log in trained.glob("*/*.monitor.csv")
        for row in csv.DictReader(log.read_text().splitlines()[1:])
    ]
    assert len(contexts) >= 8  # 2,000 steps in 4 environments, 200 an episode
    assert set(contexts) <= {-5, -1, 1, 5}
    assert len(set(contexts)) > 1


def test_evaluates_on_the_split_it_was_given(trained: Path) -> None:
    (archive,) = trained.glob("**/evaluations.npz")
    with np.load(archive) as evaluations:
        assert evaluations["results"].shape == (2, 4)
        assert np.isfinite(evaluations["results"]).all()
        assert (evaluations["ep_lengths"] == 200).all()
    (arguments,) = trained.glob("**/args.yml")
    assert "interpolation" in arguments.read_text()
