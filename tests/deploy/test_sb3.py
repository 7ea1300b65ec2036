"""A specialist is an ordinary model of Stable-Baselines3."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
import zipfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from stable_baselines3 import DQN
from stable_baselines3.common.base_class import BaseAlgorithm

from hyperrl import UserError
from hyperrl.deploy.sb3 import plain_model, vec_normalize, zip_bytes
from hyperrl.policies.registry import view
from tests.deploy.cases import (
    MASKED,
    Example,
    assert_masked,
    example,
    masked_example,
)

WITHOUT_SB3 = {"ppo layer norm", "ppo residual", "ppo adapter", "ppo generated convolutions"}


def test_as_a_model_of_sb3(every_case: Example, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    name = request.node.callspec.params["every_case"]
    if name in WITHOUT_SB3:
        with pytest.raises(UserError, match="sb3 has no policy of its "):
            plain_model(every_case.specialist, every_case.model, every_case.family)
        return
    plain = plain_model(every_case.specialist, every_case.model, every_case.family)
    data, normalization = zip_bytes(plain), view(every_case.model).normalization
    kind = DQN if every_case.specialist.plan.algorithm == "qrdqn" else type(every_case.model)
    loaded: Any = kind.load(io.BytesIO(data))
    seen = every_case.observations
    if normalization is not None:
        seen = vec_normalize(normalization, plain, every_case.family).normalize_obs(seen)
    actions, _ = loaded.predict(seen, deterministic=True)
    if every_case.actions.dtype.kind == "f":
        np.testing.assert_allclose(actions, every_case.actions, atol=1e-5)
    else:
        assert np.mean(actions == every_case.actions) > 1 - 2e-4
    assert_equal_critics(every_case, loaded)


def assert_equal_critics(every_case: Example, loaded: BaseAlgorithm) -> None:
    """The critics are the task's too."""

    ours: Any = every_case.model.policy
    theirs: Any = loaded.policy
    rows = 20
    seen = {name: part[:rows] for name, part in parts(every_case).items()}
    descriptor = every_case.family.space.descriptors([every_case.context])
    own = ours.obs_to_tensor({**seen, "context": np.repeat(descriptor, rows, axis=0)})[0]
    other = theirs.obs_to_tensor(seen if len(seen) > 1 else next(iter(seen.values())))[0]
    close = partial(torch.testing.assert_close, atol=1e-4, rtol=1e-4)
    with torch.no_grad(), ExitStack() as quiet:
        for part in getattr(ours, "parts", {}).values():
            quiet.enter_context(part.inputs.acting(deterministic=True))
        if hasattr(ours, "predict_values"):
            close(ours.predict_values(own), theirs.predict_values(other))
        elif hasattr(ours, "critic"):
            actions = torch.rand(rows, *every_case.actions.shape[1:])
            close(ours.critic(own, actions), theirs.critic(other, actions))
        for network, target in view(theirs).targets.values():
            close(target.state_dict(), network.state_dict())


def test_the_zip_needs_nothing_of_ours(tmp_path: Path) -> None:
    case = example("sac")
    path = tmp_path / "plain.zip"
    path.write_bytes(zip_bytes(plain_model(case.specialist, case.model, case.family)))
    with zipfile.ZipFile(path) as archive:
        assert b"hyperrl" not in archive.read("data")
    code = (
        "import sys; sys.modules['hyperrl'] = None\nfrom stable_baselines3 import SAC; SAC.load(sys.argv[1])"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)


_ACT = """
import sys
import numpy as np
sys.modules["hyperrl"] = None
import gymnasium as gym
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecNormalize
model, statistics, seen, wanted = sys.argv[1:]
env = VecNormalize.load(statistics, make_vec_env("Pendulum-v1"))
env.training = env.norm_reward = False
actions, _ = PPO.load(model, env=env).predict(env.normalize_obs(np.load(seen)), deterministic=True)
np.testing.assert_allclose(actions, np.load(wanted), atol=1e-5)
observed = env.reset()
assert abs(observed).max() <= env.clip_obs
env.training = True
PPO.load(model, env=env).learn(64)
"""


def test_statistics_need_nothing_of_ours_either(tmp_path: Path) -> None:
    case = example("ppo normalized")
    normalization = view(case.model).normalization
    assert normalization is not None
    plain: Any = plain_model(case.specialist, case.model, case.family)
    wrapper = vec_normalize(normalization, plain, case.family)
    assert (wrapper.clip_obs, wrapper.gamma, wrapper.norm_reward) == (1.2, plain.gamma, True)
    assert normalization.returns is not None
    assert wrapper.ret_rms.var == normalization.returns.var.item()
    data = pickle.dumps(wrapper)
    assert b"hyperrl" not in data
    files = {"model.zip": zip_bytes(plain), "model.pkl": data}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    for name, array in {"seen.npy": case.observations[:500], "wanted.npy": case.actions[:500]}.items():
        np.save(tmp_path / name, array)
    paths = [str(tmp_path / name) for name in ("model.zip", "model.pkl", "seen.npy", "wanted.npy")]
    subprocess.run([sys.executable, "-c", _ACT, *paths], check=True)


def parts(every_case: Example) -> dict[str, NDArray[Any]]:
    seen = every_case.observations
    return dict(seen) if isinstance(seen, dict) else {every_case.specialist.plan.inputs[0].name: seen}


@pytest.mark.parametrize("name", MASKED)
def test_a_model_of_sb3_contrib_makes_no_masked_choice(name: str) -> None:
    """By sb3-contrib's own `predict`."""
    made, masks, wanted = masked_example(name)
    data = zip_bytes(plain_model(made.specialist, made.model, made.family))
    loaded: Any = type(made.model).load(io.BytesIO(data))
    actions, _ = loaded.predict(made.observations, deterministic=True, action_masks=masks)
    assert_masked(made, masks, wanted, actions.astype(np.int64))
